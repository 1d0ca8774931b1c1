"""CloudWatch's statistics of a period's values.

Source: Amazon CloudWatch User Guide, "CloudWatch statistics definitions". A percentile is by nearest rank, as in the
lab's reports: a value that was measured. AWS says not how it interpolates.
"""

import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from cloudwatch.metric_store import Part

Floats = npt.NDArray[np.float64]
SIMPLE: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
EXTENDED: Final = re.compile(r"(?P<kind>p|tm)(?P<percent>\d{1,2}(?:\.\d{1,10})?|100)", re.IGNORECASE)


class Period:
    """The values of one period, from one or more parts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    @functools.cached_property
    def count(self) -> float:
        """How many values there are."""
        return math.fsum(part.size for part in self._parts)

    @functools.cached_property
    def total(self) -> float:
        """Their sum."""
        return math.fsum(part.total for part in self._parts)

    @property
    def minimum(self) -> float:
        """The least."""
        return min(part.minimum for part in self._parts)

    @property
    def maximum(self) -> float:
        """The greatest."""
        return max(part.maximum for part in self._parts)

    @functools.cached_property
    def samples(self) -> tuple[Floats, Floats] | None:
        """The values in order, and of each the number of values up to it and with it.

        None where CloudWatch has no percentiles: with a negative value, and with a statistic set that is not of one
        value only (API reference, "GetMetricStatistics").
        """
        pairs = [_pairs(part) for part in self._parts]
        if self.minimum < 0 or any(found is None for found in pairs):
            return None
        table = np.concatenate([found for found in pairs if found is not None])
        table = table[np.argsort(table[:, 0], kind="stable")]
        return table[:, 0], np.cumsum(table[:, 1])


def _pairs(part: Part) -> Floats | None:
    if part.samples is not None:
        return np.frombuffer(part.samples, dtype=np.float64).reshape(-1, 2)
    if part.minimum == part.maximum:
        return np.array([[part.minimum, part.size]])
    return None


def statistic(name: str) -> Callable[[Period], float | None]:
    """What computes a statistic of a period; it gives None where there is none.

    Raises:
        ValueError: there is no such statistic, or not here: ``Average``, ``Sum``, ``Minimum``, ``Maximum``,
            ``SampleCount``, percentiles (``p99.9``) and trimmed means (``tm90``) there are.
    """
    if name in SIMPLE:
        return functools.partial(_simple, name)
    match = EXTENDED.fullmatch(name)
    if match is None:
        raise ValueError(name)
    share = float(match["percent"]) / 100
    return functools.partial(_percentile if match["kind"].lower() == "p" else _trimmed_mean, share)


def _simple(name: str, period: Period) -> float:
    match name:
        case "SampleCount":
            return period.count
        case "Sum":
            return period.total
        case "Average":
            return period.total / period.count
        case "Minimum":
            return period.minimum
        case _:
            return period.maximum


def _percentile(share: float, period: Period) -> float | None:
    if period.samples is None:
        return None
    values, counts = period.samples
    # The product of two floats can exceed a whole number by a last bit: 0.99 * 100.
    rank = max(1, math.ceil(round(share * period.count, 9)))
    return float(values[min(int(np.searchsorted(counts, rank)), values.size - 1)])


def _trimmed_mean(share: float, period: Period) -> float | None:
    """The mean of the lowest values that make up the share; of the last of them as much counts as belongs to it."""
    if period.samples is None or share == 0:
        return None
    values, counts = period.samples
    within = np.diff(np.minimum(counts, share * counts[-1]), prepend=0.0)
    return float(np.sum(values * within) / np.sum(within))
