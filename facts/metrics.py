"""Every metric of the lab: its name, its unit, the namespace and the dimension.

Functions emit them (see ``instrumentation.emf``), dashboards draw them, tests compare the two.
"""

from typing import Literal, NamedTuple

NAMESPACE = "CacheLab"
"""The CloudWatch namespace of every metric."""

DIMENSION = "Variant"
"""The one dimension of every metric; its value is the variant's name."""

Unit = Literal["Count", "Milliseconds"]


class MetricDefinition(NamedTuple):
    """A metric's name and its CloudWatch unit."""

    name: str
    unit: Unit


HITS = MetricDefinition("Hits", "Count")
"""1 if the answer came from the cache, within its soft bound, else 0."""

MISSES = MetricDefinition("Misses", "Count")
"""1 if the answer was read downstream during the invocation, else 0."""

STALE_SERVED = MetricDefinition("StaleServed", "Count")
"""1 if the answer came from the cache past its soft bound, else 0."""

DOWNSTREAM_CALLS = MetricDefinition("DownstreamCalls", "Count")
"""Attempts sent downstream since the environment's last line: retries too, and those of init or restore."""

DOWNSTREAM_ERRORS = MetricDefinition("DownstreamErrors", "Count")
"""Those of ``DOWNSTREAM_CALLS`` that got no answer, or an HTTP status of 400 or more."""

DOWNSTREAM_LATENCY = MetricDefinition("DownstreamLatency", "Milliseconds")
"""Time spent downstream during the invocation, retries and their pauses included; absent without a call."""

VALUE_AGE = MetricDefinition("ValueAge", "Milliseconds")
"""Time since the answer's value was read downstream; absent if the invocation failed."""

COLD_STARTS = MetricDefinition("ColdStarts", "Count")
"""1 on the first invocation of an environment that was not restored from a snapshot, else 0."""

METRICS: tuple[MetricDefinition, ...] = (
    HITS,
    MISSES,
    STALE_SERVED,
    DOWNSTREAM_CALLS,
    DOWNSTREAM_ERRORS,
    DOWNSTREAM_LATENCY,
    VALUE_AGE,
    COLD_STARTS,
)
"""All of them, in the order in which they are shown."""
