"""The metrics that Lambda itself keeps of a function, in the namespace ``AWS/Lambda``.

Source: AWS Lambda Developer Guide, "Types of metrics for Lambda functions" and "View metrics for Lambda functions":
invocation metrics are binary indicators, 0 or 1, of each invocation; "the timestamp on a metric reflects when the
function was invoked"; a throttled request counts neither as an invocation nor as an error.
"""

import dataclasses
from collections.abc import Iterable
from typing import Final

from cloudwatch.series import Dimensions, Series
from cloudwatch.store import Store

NAMESPACE: Final = "AWS/Lambda"


@dataclasses.dataclass(slots=True)
class _Second:
    """The invocations that began in one second."""

    durations_ms: list[float] = dataclasses.field(default_factory=list)
    running: list[float] = dataclasses.field(default_factory=list)
    all_running: list[float] = dataclasses.field(default_factory=list)
    failed: int = 0


class FunctionMetrics:
    """The metrics of what is invoked by one ARN and runs one version. They are in the store after `pour`."""

    def __init__(self, store: Store, function: str, arn: str, version: str) -> None:
        self._store = store
        sets = _dimension_sets(function, arn, version)
        self._invocations = self._numbers("Invocations", sets)
        self._errors = self._numbers("Errors", sets)
        self._throttles = self._numbers("Throttles", sets)
        self._durations = self._numbers("Duration", sets, "Milliseconds")
        self._all_running, self._running = self._numbers("ConcurrentExecutions", sets[:2])
        self._seconds: dict[int, _Second] = {}

    def invoked(self, second: int, duration_ms: float, failed: bool, running: int, all_running: int) -> None:
        """An invocation that began in a second."""
        found = self._seconds.get(second)
        if found is None:
            found = self._seconds[second] = _Second()
        found.durations_ms.append(duration_ms)
        found.running.append(running)
        found.all_running.append(all_running)
        found.failed += failed

    def throttled(self, second: int) -> None:
        """A request that was refused in a second."""
        for number in self._throttles:
            self._store.add(second, number, [1.0])

    def pour(self) -> None:
        """Add to the store what was invoked since the last time."""
        add = self._store.add
        for second, of in self._seconds.items():
            count = len(of.durations_ms)
            for number in self._invocations:
                add(second, number, [1.0], count)
            for number in self._errors:
                add(second, number, [1.0], of.failed)
                add(second, number, [0.0], count - of.failed)
            for number in self._throttles:
                add(second, number, [0.0], count)
            for number in self._durations:
                add(second, number, of.durations_ms)
            add(second, self._running, of.running)
            add(second, self._all_running, of.all_running)
        self._seconds.clear()

    def _numbers(self, name: str, sets: Iterable[Dimensions], unit: str = "Count") -> list[int]:
        series = (Series(NAMESPACE, name, dimensions, unit) for dimensions in sets)
        numbers = (self._store.series_id(of, bounded=False) for of in series)
        return [number for number in numbers if number is not None]


def _dimension_sets(function: str, arn: str, version: str) -> list[Dimensions]:
    """Of all functions, of the function, of what was invoked, and of the version behind an alias."""
    resource = arn.partition(":function:")[2]
    of_function = ("FunctionName", function)
    sets: list[Dimensions] = [(), (of_function,), (of_function, ("Resource", resource))]
    qualifier = resource.partition(":")[2]
    if qualifier and qualifier != version:  # an alias
        sets.append((("ExecutedVersion", version), of_function, ("Resource", resource)))
    return sets
