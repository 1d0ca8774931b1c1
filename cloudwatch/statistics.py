"""CloudWatch's statistics of the values of a period.

Source: Amazon CloudWatch User Guide, "CloudWatch statistics definitions". A percentile is by nearest rank, as in the
lab's reports: a value that was measured. AWS does not document how it interpolates.
A percentile in a Logs Insights query (`pct`) is computed in `cloudwatch.insights`.
"""

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from cloudwatch.errors import UnsupportedError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SIMPLE: Final = {
    "SampleCount": "sum(count)",
    "Average": "sum(total) / sum(count)",
    "Sum": "sum(total)",
    "Minimum": "min(minimum)",
    "Maximum": "max(maximum)",
}
"""Each as SQL over ``count, total, minimum, maximum``, which samples and statistic sets both have."""

EXTENDED: Final = re.compile(r"(?P<kind>p|tm)(?P<percent>\d{1,2}(?:\.\d{1,10})?|100)", re.IGNORECASE)
"""Percentiles (``p99.9``) and trimmed means (``tm90``)."""


def is_statistic(name: str) -> bool:
    """Whether there is such a statistic here."""
    return name in SIMPLE or EXTENDED.fullmatch(name) is not None


def check_statistic(name: str) -> None:
    """Raise `UnsupportedError` if there is no such statistic here."""
    if not is_statistic(name):
        raise UnsupportedError(f"the statistic {name!r} is not known here")


def percentile_or_trimmed_mean(name: str, periods: Integers, values: Floats, counts: Floats) -> tuple[Integers, Floats]:
    """Each period, and a percentile or trimmed mean of its values (NaN where there is none).

    ``values`` are grouped by ``periods`` and in ascending order within one; ``counts`` are how often each was seen.
    """
    match = EXTENDED.fullmatch(name)
    assert match is not None
    share = float(match["percent"]) / 100
    first = np.flatnonzero(np.diff(periods, prepend=periods[0] - 1))
    last = np.append(first[1:], periods.size) - 1
    upto = np.cumsum(counts)
    before = upto[first] - counts[first]
    totals = upto[last] - before
    if match["kind"].lower() == "p":
        # The product of two floats can exceed a whole number by a last bit: 0.55 * 100.
        rank = np.maximum(1, np.ceil(np.round(share * totals, 9)))
        return periods[first], values[np.minimum(np.searchsorted(upto, before + rank), last)]
    # The lowest values that make up the share; of the last of them as much counts as belongs to it.
    upto -= np.repeat(before, last - first + 1)
    within = np.clip(np.repeat(share * totals, last - first + 1) - (upto - counts), 0, counts)
    with np.errstate(invalid="ignore"):
        return periods[first], np.add.reduceat(values * within, first) / np.add.reduceat(within, first)
