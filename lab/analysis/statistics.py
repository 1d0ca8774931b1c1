"""Percentiles and their confidence intervals, for measurements that depend on one another.

Percentile: nearest rank, so every one shown is a value that was measured: the least value that at least that
share of the sample does not exceed.

Interval of a percentile: distribution-free, from order statistics and the binomial law (Hahn and Meeker,
"Statistical Intervals", 1991, section 5.2). That law wants independent values, and latencies are not:
neighbours in time share the machine's state, invocations of one execution environment share the environment.
So the sample counts for less than its size (Woodruff, JASA 47, 1952, for percentiles of clustered samples;
the effective size put into the exact binomial law: Korn and Graubard, Survey Methodology 24, 1998). The loss
is estimated from the means of 20 blocks of consecutive values, once in order of time, once environment by
environment; the greater loss counts.

Limit: a few environments that differ for the whole run are too few to show how much environments differ (20 of them:
the interval held the truth in 91 of 100 simulated runs, 8: in 77), and another hour or machine is another run.

Interval of a share: Wilson's score interval (JASA 22, 1927), on the effective size. The difference of two shares, taken
as below, is then Newcombe's hybrid interval (method 10, Statistics in Medicine 17, 1998), good near 0 and 1 too.

Ratio and difference of two estimates: the method of variance estimates recovery (Zou and Donner, Statistics
in Medicine 27, 2008), which takes the two as independent. Variants driven in one window share its noise,
which makes the interval wider than need be, not narrower.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
BLOCKS: Final = 20
LEAST_BLOCKED: Final = 3 * BLOCKS
"""Below this size blocks say nothing, and the values are taken as independent."""

_T = 2.093  # Student's t, 97.5 %, BLOCKS - 1 degrees of freedom
_Z = 1.960

Floats = npt.NDArray[np.float64]
Verdict = Literal["faster", "slower", "no difference shown"]


class Estimate(NamedTuple):
    """A value and its 95 % confidence interval; an end is infinite where the sample cannot bound it."""

    value: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether the interval has both ends."""
        return math.isfinite(self.low) and math.isfinite(self.high)


class Sample(NamedTuple):
    """Measurements in order of time.

    Attributes:
        values: the measurements; shares of a sample are kept as booleans.
        grouped: the places of the values, environment by environment in the order of their first values, and in order
            of time within each; None where all are of one environment.
    """

    values: npt.NDArray[Any]
    grouped: npt.NDArray[Any] | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Percentiles, maximum and mean of a sample, in the sample's unit."""

    count: int
    p50: Estimate
    p90: float
    p99: Estimate
    max: float
    mean: float

    def to_map(self) -> dict[str, float | list[float] | None]:
        """The map of the report's contract. ``p50_ci95`` is None below six values: none reaches 95 %."""
        return {
            "p50": _rounded(self.p50.value),
            "p90": _rounded(self.p90),
            "p99": _rounded(self.p99.value),
            "max": _rounded(self.max),
            "mean": _rounded(self.mean),
            "p50_ci95": [_rounded(self.p50.low), _rounded(self.p50.high)] if self.p50.bounded else None,
        }


def sample(values: npt.ArrayLike, environments: npt.ArrayLike | None = None) -> Sample:
    """A sample from values in order of time.

    Args:
        values: one measurement each.
        environments: a number for the execution environment of each; None: all are of one.
    """
    measured = np.asarray(values, dtype=np.float64)
    return Sample(measured, None if environments is None else grouped(np.asarray(environments)))


def grouped(environments: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """The places of values, as `Sample` has them, from a number for the environment of each."""
    if not environments.size or environments.min() == environments.max():
        return None
    first = np.full(int(environments.max()) + 1, environments.size, dtype=np.intp)
    # Written from the last to the first, so that the place of the first value is what stays.
    first[environments[::-1]] = np.arange(environments.size - 1, -1, -1)
    rank = np.empty(first.size, dtype=np.uint16 if first.size <= 65_536 else np.uint32)
    rank[np.argsort(first, kind="stable")] = np.arange(first.size)
    # numpy sorts 16 bits by radix; half of the memory is enough for the places.
    return np.argsort(rank[environments], kind="stable").astype(np.uint32)


def describe(measured: Sample) -> Distribution | None:
    """Percentiles, maximum and mean of a sample; None of an empty one."""
    if not measured.values.size:
        return None
    ordered = np.sort(measured.values)
    return Distribution(
        count=ordered.size,
        p50=_percentile(measured, ordered, 0.50),
        p90=nearest_rank(ordered, 0.90),
        p99=_percentile(measured, ordered, 0.99),
        max=float(ordered[-1]),
        mean=float(ordered.mean()),
    )


def percentile(measured: Sample, probability: float) -> Estimate:
    """A percentile of a sample that is not empty, with its interval."""
    return _percentile(measured, np.sort(measured.values), probability)


def nearest_rank(ordered: npt.NDArray[Any], probability: float) -> float:
    """A percentile of values in ascending order, not empty."""
    return float(ordered[_rank(probability, ordered.size) - 1])


def _percentile(measured: Sample, ordered: npt.NDArray[Any], probability: float) -> Estimate:
    count = ordered.size
    value = nearest_rank(ordered, probability)
    effective = effective_size(Sample(measured.values <= value, measured.grouped))
    lower, upper = _order_statistics(effective, probability)
    # Ranks among the effective number of values, carried over to the values there are.
    low = float(ordered[max(lower * count // effective, 1) - 1]) if lower else -math.inf
    high = float(ordered[-(-upper * count // effective) - 1]) if upper <= effective else math.inf
    return Estimate(value, low, high)


def mean(measured: Sample) -> Estimate:
    """The mean of a sample that is not empty and has no negative value: counts of events an invocation.

    The interval is Student's, over blocks. If nothing was counted, three events are the bound ("rule of
    three": Hanley and Lippman-Hand, JAMA 249, 1983).
    """
    count = measured.values.size
    value = float(measured.values.mean())
    if value == 0:
        return Estimate(0.0, 0.0, 3 / count)
    if count < BLOCKS:
        return Estimate(value, -math.inf, math.inf)
    reach = _T * math.sqrt(_variance_of_mean(measured))
    return Estimate(value, max(0.0, value - reach), value + reach)


def share(measured: Sample) -> Estimate:
    """The share of a sample of booleans that are true; the sample is not empty."""
    count, value = effective_size(measured), float(measured.values.mean())
    square = _Z**2 / count
    middle = (value + square / 2) / (1 + square)
    reach = _Z / (1 + square) * math.sqrt(value * (1 - value) / count + square / (4 * count))
    # Rounding must not put the value out of its interval.
    return Estimate(value, min(value, max(0.0, middle - reach)), max(value, min(1.0, middle + reach)))


def ratio(of: Estimate, to: Estimate) -> Estimate | None:
    """How many times ``to`` is ``of``, with its interval; None if either is not positive."""
    if of.value <= 0 or to.value <= 0:
        return None
    logarithm = difference(_map(_log, of), _map(_log, to))
    return _map(_exp, logarithm)


def difference(of: Estimate, to: Estimate) -> Estimate:
    """``of`` less ``to``, with its interval."""
    value = of.value - to.value
    return Estimate(
        value,
        value - math.hypot(of.value - of.low, to.high - to.value),
        value + math.hypot(of.high - of.value, to.value - to.low),
    )


def verdict(of: Estimate, to: Estimate) -> Verdict:
    """What two latencies show: a difference only where the intervals do not overlap."""
    if of.high < to.low:
        return "faster"
    if of.low > to.high:
        return "slower"
    return "no difference shown"


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """An estimate times a positive factor."""
    return _map(lambda value: value * factor, estimate)


def effective_size(measured: Sample) -> int:
    """How many independent values the sample is worth, for the mean of its values; at most its size.

    Few blocks know their own variance badly; the squared ratio of Student's t to the normal law pays for
    that, as in Korn and Graubard.
    """
    count = measured.values.size
    independent = _variance(measured.values) / count
    if count < LEAST_BLOCKED or independent == 0:
        return count
    loss = _variance_of_mean(measured) / independent * (_T / _Z) ** 2
    return max(1, int(count / max(1.0, loss)))


def _variance_of_mean(measured: Sample) -> float:
    independent = _variance(measured.values) / measured.values.size
    if measured.values.size < LEAST_BLOCKED:
        return independent
    in_time = _block_variance(measured.values)
    if measured.grouped is None:
        return max(independent, in_time)
    return max(independent, in_time, _block_variance(measured.values[measured.grouped]))


def _variance(values: npt.NDArray[Any]) -> float:
    if values.dtype == np.bool_:
        share = float(values.mean())
        return share * (1 - share)
    return float(values.var())


def _block_variance(values: npt.NDArray[Any]) -> float:
    means = [block.mean() for block in np.array_split(values, BLOCKS)]
    return float(np.var(means, ddof=1)) / BLOCKS


def _rank(probability: float, count: int) -> int:
    # The product of two floats can exceed a whole number by a last bit: 0.99 * 100.
    return max(1, math.ceil(round(probability * count, 9)))


@functools.lru_cache(maxsize=512)
def _order_statistics(count: int, probability: float) -> tuple[int, int]:
    """The ranks of the values that enclose the percentile in 95 % of samples; 0 or count + 1: no bound."""
    middle, spread = count * probability, math.sqrt(count * probability * (1 - probability))
    # Beyond this reach the binomial law has less left than the rounding of its sum.
    reach = math.ceil(12 * spread + 60)
    successes = np.arange(max(0, math.floor(middle) - reach), min(count, math.ceil(middle) + reach) + 1)
    steps = np.log((count - successes[:-1]) / successes[1:]) + math.log(probability) - math.log1p(-probability)
    logs = np.concatenate(([0.0], np.cumsum(steps)))
    likely = np.exp(logs - logs.max())
    at_most = np.cumsum(likely) / likely.sum()
    tail = (1 - CONFIDENCE) / 2
    least = int(successes[0])
    lower = least + int(np.searchsorted(at_most, tail, side="right"))
    upper = least + int(np.searchsorted(at_most, 1 - tail, side="left")) + 1
    return lower, upper


def _map(function: Callable[[float], float], estimate: Estimate) -> Estimate:
    return Estimate(function(estimate.value), function(estimate.low), function(estimate.high))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0)) if value < math.inf else math.inf


def _rounded(value: float) -> float:
    return round(value, 3)
