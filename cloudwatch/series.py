"""What names a metric, and CloudWatch's limits on it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, ordered by name: a metric is the same in whatever order its dimensions are given."""

MOST_DIMENSIONS: Final = 30
LARGEST_VALUE: Final = 2.0**360
"""CloudWatch takes values from -2^360 to 2^360 (API reference, "MetricDatum")."""

OLDEST_S: Final = 14 * 86_400
FUTURE_S: Final = 2 * 3_600
"""Time stamps up to two weeks past and two hours ahead are taken (API reference, "MetricDatum")."""

RESERVED_NAMESPACE: Final = "AWS/"

UNITS: Final = frozenset(
    {"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}
    | {
        f"{prefix}{unit}{per}"
        for prefix, unit in [
            *((prefix, unit) for prefix in ("Kilo", "Mega", "Giga", "Tera") for unit in ("bytes", "bits")),
            ("", "Bytes"),
            ("", "Bits"),
        ]
        for per in ("", "/Second")
    }
)


class Series(NamedTuple):
    """One metric in one unit."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str

    @property
    def name_and_unit(self) -> tuple[str, str]:
        """What tells it from the others of its namespace and dimensions."""
        return self.name, self.unit


def usable(value: float) -> bool:
    """Whether CloudWatch takes this value; it refuses not-a-number and infinities."""
    return abs(value) <= LARGEST_VALUE  # which nothing is that is not a number


def in_time(at: float, now: float) -> bool:
    """Whether CloudWatch takes a value with this time stamp."""
    return now - OLDEST_S <= at <= now + FUTURE_S


def dimensions_of(parameters: Mapping[str, Any]) -> Dimensions:
    """The dimensions of a request's parameters."""
    return tuple(sorted((item["Name"], item["Value"]) for item in parameters.get("Dimensions", [])))
