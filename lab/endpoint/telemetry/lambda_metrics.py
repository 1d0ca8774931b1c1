"""The metrics that Lambda itself keeps of a function, in the namespace ``AWS/Lambda``.

Source: AWS Lambda Developer Guide, "Types of metrics for Lambda functions" and "View metrics for Lambda functions":
invocation metrics are binary indicators, 0 or 1, of each invocation; "the timestamp on a metric reflects when the
function was invoked"; a throttled request counts neither as an invocation nor as an error.
"""

from typing import Final

from lab.endpoint.telemetry.metric_store import MetricStore
from lab.endpoint.telemetry.series import Dimensions, Series

NAMESPACE: Final = "AWS/Lambda"


class FunctionMetrics:
    """The metrics of what is invoked by one ARN and runs one version."""

    def __init__(self, store: MetricStore, function: str, arn: str, version: str) -> None:
        self._store = store
        sets = _dimension_sets(function, arn, version)
        everything, of_function, *_ = sets
        self._invocations = [self._number("Invocations", dimensions, "Count") for dimensions in sets]
        self._errors = [self._number("Errors", dimensions, "Count") for dimensions in sets]
        self._throttles = [self._number("Throttles", dimensions, "Count") for dimensions in sets]
        self._durations = [self._number("Duration", dimensions, "Milliseconds") for dimensions in sets]
        self._running = self._number("ConcurrentExecutions", of_function, "Count")
        self._all_running = self._number("ConcurrentExecutions", everything, "Count")
        self._succeeded = self._outcome(0.0)
        self._failed = self._outcome(1.0)

    def invoked(self, second: int, duration_ms: float, failed: bool, running: int, all_running: int) -> None:
        """An invocation that began in a second."""
        values = (self._failed if failed else self._succeeded).copy()
        values += [(number, duration_ms) for number in self._durations]
        values += [(self._running, float(running)), (self._all_running, float(all_running))]
        self._store.add(second, values)

    def throttled(self, second: int) -> None:
        """A request that was refused in a second."""
        self._store.add(second, [(number, 1.0) for number in self._throttles])

    def _outcome(self, error: float) -> list[tuple[int, float]]:
        outcome = [(number, 1.0) for number in self._invocations]
        outcome += [(number, error) for number in self._errors]
        return outcome + [(number, 0.0) for number in self._throttles]

    def _number(self, name: str, dimensions: Dimensions, unit: str) -> int:
        return self._store.number_of_own(Series(NAMESPACE, name, dimensions, unit))


def _dimension_sets(function: str, arn: str, version: str) -> list[Dimensions]:
    resource = arn.partition(":function:")[2]
    of_function = ("FunctionName", function)
    sets: list[Dimensions] = [(), (of_function,), (of_function, ("Resource", resource))]
    qualifier = resource.partition(":")[2]
    if qualifier and qualifier != version:  # an alias
        sets.append((("ExecutedVersion", version), of_function, ("Resource", resource)))
    return sets
