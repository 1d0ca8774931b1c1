"""Every metric that the lab's functions emit: its name, unit and dimension. `facts.names` has the namespace.

Functions emit them, dashboards draw them, tests compare the two.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

DIMENSION: Final = "Variant"
"""The one dimension of every metric; its value is the variant's name."""

Unit: TypeAlias = Literal["Count", "Milliseconds"]


READ_UNITS: Final = "read_units"
"""The property of a line of metrics that has the read units that DynamoDB bills; absent for another source."""


THROTTLED_CALLS: Final = "downstream_throttles"
"""The property of a line of metrics that has the attempts that the source throttled."""


class MetricDefinition(NamedTuple):
    """A metric's name, its CloudWatch unit, and what its value means."""

    name: str
    unit: Unit
    meaning: str


HITS = MetricDefinition("Hits", "Count", "1 if the answer came from the cache, within its soft bound, else 0")
MISSES = MetricDefinition("Misses", "Count", "1 if the answer was read downstream during the invocation, else 0")
STALE_SERVED = MetricDefinition(
    "StaleServed", "Count", "1 if the answer came from the cache past its soft bound, else 0"
)
DOWNSTREAM_CALLS = MetricDefinition(
    "DownstreamCalls",
    "Count",
    "attempts sent downstream since the environment's last line, with retries and those of init or restore",
)
DOWNSTREAM_ERRORS = MetricDefinition(
    "DownstreamErrors", "Count", "attempts that got no answer, or an HTTP status of 400 or more"
)
DOWNSTREAM_FAILURES = MetricDefinition("DownstreamFailures", "Count", "reads that failed after all their retries")
DOWNSTREAM_LATENCY = MetricDefinition(
    "DownstreamLatency",
    "Milliseconds",
    "time spent downstream during the invocation, with retries and their pauses; absent without a call",
)
VALUE_AGE = MetricDefinition(
    "ValueAge",
    "Milliseconds",
    "time since the answer's value was read downstream; absent if the invocation failed",
)
COLD_STARTS = MetricDefinition(
    "ColdStarts",
    "Count",
    "1 on the first invocation of an environment that was not restored from a snapshot, else 0",
)

METRICS: Final[tuple[MetricDefinition, ...]] = (
    HITS,
    MISSES,
    STALE_SERVED,
    DOWNSTREAM_CALLS,
    DOWNSTREAM_ERRORS,
    DOWNSTREAM_FAILURES,
    DOWNSTREAM_LATENCY,
    VALUE_AGE,
    COLD_STARTS,
)
"""All of them, in the order in which they are shown."""
