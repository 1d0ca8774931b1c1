"""Time as CloudWatch's requests cut it up."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudwatch.metric_store import Part
from cloudwatch.protocol import CloudWatchError
from cloudwatch.statistics import Period

SHORT_PERIODS: Final = (1, 5, 10, 20, 30)


def window(parameters: Mapping[str, Any], period: int, code: str) -> tuple[int, int]:
    """The seconds of a request, from (included) and to (not included).

    The start is rounded down to a whole minute, for a short period to a whole number of them (API reference,
    "GetMetricStatistics").

    Raises:
        CloudWatchError: of this code; the times or the period are not valid.
    """
    start, end = parameters["StartTime"], parameters["EndTime"]
    if start >= end:
        relation = "not equal parameter" if start == end else "be less than the parameter"
        raise CloudWatchError(code, f"The parameter StartTime must {relation} EndTime.")
    if period not in SHORT_PERIODS and period % 60:
        raise CloudWatchError(
            code, "The parameter Period must be a value in the set [1, 5, 10, 20, 30] or a multiple of 60."
        )
    step = min(period, 60)
    return math.floor(start / step) * step, math.ceil(end)


def periods(parts: Sequence[Part], start: int, period: int) -> dict[int, Period]:
    """The periods that have values, by their first second; the first period begins with the window."""
    grouped = defaultdict(list)
    for part in parts:
        grouped[start + (part.second - start) // period * period].append(part)
    return {at: Period(of) for at, of in grouped.items()}
