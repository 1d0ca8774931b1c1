"""What names a metric, and CloudWatch's limits on it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, ordered by name: the order in which a request gives them does not matter."""

MOST_DIMENSIONS: Final = 30
LARGEST_VALUE: Final = 2.0**360
"""CloudWatch takes values from -2^360 to 2^360 (API reference, "MetricDatum")."""

OLDEST_S: Final = 14 * 86_400
FUTURE_S: Final = 2 * 3_600
"""Time stamps up to two weeks past and two hours ahead are taken (API reference, "MetricDatum")."""

RESERVED_NAMESPACE: Final = "AWS/"
SHORT_PERIODS: Final = (1, 5, 10, 20, 30)
"""Seconds; longer periods are multiples of 60."""

_AMOUNTS: Final = [f"{prefix}{unit}" for prefix in ("Kilo", "Mega", "Giga", "Tera") for unit in ("bytes", "bits")]
UNITS: Final = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}
    | {f"{unit}{per}" for unit in ("Bytes", "Bits", *_AMOUNTS) for per in ("", "/Second")}
)


class Series(NamedTuple):
    """One metric in one unit."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str


class MetricStat(NamedTuple):
    """A statistic of a metric; ``unit`` None stands for values of any unit."""

    namespace: str
    name: str
    dimensions: Dimensions
    statistic: str
    unit: str | None = None


def usable(value: float) -> bool:
    """Whether CloudWatch takes this value; it refuses NaN and infinities."""
    return abs(value) <= LARGEST_VALUE  # false for NaN


def in_time(at: float, now: float) -> bool:
    """Whether CloudWatch takes a value with this time stamp."""
    return now - OLDEST_S <= at <= now + FUTURE_S


def dimensions_of(parameters: Mapping[str, Any]) -> Dimensions:
    """The dimensions in a request's parameters."""
    return tuple(sorted((item["Name"], item["Value"]) for item in parameters.get("Dimensions", [])))
