"""The range of time that is shown, and the period into which it is cut."""

import math
from typing import Final, NamedTuple

FINE: Final = (1, 5, 10, 30)
"""Periods of high resolution; CloudWatch has them for metrics that are sent so, and these are not."""

COARSE: Final = (60, 300, 900, 3600, 21_600, 86_400)
FEW_POINTS: Final = 90
MOST_POINTS: Final = 1440
"""Of a graph in CloudWatch."""


class Range(NamedTuple):
    """From ``start`` (included) to ``end`` (not included), Unix seconds: whole periods of that many seconds.

    ``own`` is the period that the dashboard itself has.
    """

    start: float
    end: float
    period: int
    own: int


def range_of(start: float, end: float, period: int | None, own: int, *, whole_minutes: bool = False) -> Range:
    """The whole periods in which these two moments lie.

    Without a ``period`` (seconds), it is the finest of at most `FEW_POINTS` points, or the dashboard's ``own``.
    ``whole_minutes``: begin and end with a minute, so that GetMetricData takes the whole range as one period.
    """
    span = max(end - start, 0.0)
    finest = next((fine for fine in FINE if fine < own and span / fine <= FEW_POINTS), own)
    chosen = finest if period is None else period
    while span / chosen > MOST_POINTS:
        chosen = next((coarser for coarser in COARSE if coarser > chosen), chosen * 2)
    step = math.lcm(chosen, 60) if whole_minutes else chosen
    first, last = math.floor(start / step), math.floor(end / step) + 1
    return Range(first * step, last * step, chosen, own)
