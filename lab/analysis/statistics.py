"""Estimates over the repetitions of a run, and their 95 % intervals.

Invocations of one run depend on one another: neighbours in time share the machine's state, invocations of one
environment share the environment, and a whole run shares a moment. No arithmetic within one run can show how much the
next run differs. So the unit of every interval is the repetition, which has environments of its own (replication and
deletion: Law, "Simulation Modeling and Analysis", 5th ed. 2014, section 9.5.2; Kalibera and Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013). With fewer than two repetitions there is no interval.

Every estimate is held with its deviations: what each repetition adds to it, to first order. The standard error is that
of their mean, and the interval is Student's with one degree of freedom fewer than repetitions. A function of estimates
has the deviations that its derivative gives (Taylor linearisation: Wolter, "Introduction to Variance Estimation",
2nd ed. 2007, chapter 6). Estimates of the same repetitions stay paired in this way.

Limit: the intervals hold for repetitions on this machine at this time. Another machine is another experiment.
"""

import dataclasses
import functools
import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
LEAST_EVENTS: Final = 10
"""Events, and invocations without one, below which the interval of a rate or a share is withheld.

In simulation the interval of a rate held the truth in 68 to 93 % of samples with fewer, and in 94 to 98 % from here."""

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A value and its 95 % confidence interval; both ends are infinite where the interval is withheld."""

    value: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """Whether the interval has both ends."""
        return math.isfinite(self.low) and math.isfinite(self.high)


class Repeated(NamedTuple):
    """An estimate over repetitions.

    Attributes:
        value: the estimate.
        deviations: what each repetition adds to it, to first order; their mean is 0.
    """

    value: float
    deviations: Floats

    @property
    def standard_error(self) -> float:
        """The standard error of the value; infinite with fewer than two repetitions."""
        count = self.deviations.size
        return float(self.deviations.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf

    def estimate(self, comparisons: int = 1, least: float = -math.inf, most: float = math.inf) -> Estimate:
        """The value with Student's interval.

        Args:
            comparisons: how many intervals are to hold together at 95 % (Bonferroni: Dunn, JASA 56, 1961).
            least: what the quantity cannot fall below; the interval ends there.
            most: what it cannot exceed; likewise.
        """
        if self.deviations.size < 2:
            return withheld(self.value)
        tail = (1 - CONFIDENCE) / max(1, comparisons)
        reach = student(tail, self.deviations.size - 1) * self.standard_error
        return Estimate(self.value, max(least, self.value - reach), min(most, self.value + reach))

    def plus(self, other: "Repeated", factor: float = 1.0) -> "Repeated":
        """The sum of this and ``factor`` times another estimate of the same repetitions."""
        return Repeated(self.value + factor * other.value, self.deviations + factor * other.deviations)

    def times(self, factor: float) -> "Repeated":
        """The estimate times a constant."""
        return Repeated(self.value * factor, self.deviations * factor)

    def shifted(self, constant: float) -> "Repeated":
        """The estimate and a constant."""
        return Repeated(self.value + constant, self.deviations)

    def over(self, other: "Repeated") -> "Repeated | None":
        """The ratio to another estimate of the same repetitions; None if that one is 0."""
        if other.value == 0:
            return None
        value = self.value / other.value
        return Repeated(value, (self.deviations - value * other.deviations) / other.value)


def withheld(value: float) -> Estimate:
    """A value without an interval."""
    return Estimate(value, -math.inf, math.inf)


def mean_over(values: npt.ArrayLike) -> Repeated | None:
    """The mean of one figure of each repetition; None of none.

    For a comparison, each figure is the difference of two variants within a repetition (paired t test).

    Args:
        values: a figure of each repetition; NaN: the repetition has none, and is left out.
    """
    measured = np.asarray(values, dtype=np.float64)
    measured = measured[~np.isnan(measured)]
    if not measured.size:
        return None
    return Repeated(float(measured.mean()), measured - measured.mean())


def ratio_of_sums(numerators: npt.ArrayLike, denominators: npt.ArrayLike) -> Repeated | None:
    """The sum of one count over the sum of another: calls of an invocation, cost of an invocation.

    Repetitions count by their size, and one without a call breaks nothing (Cochran, "Sampling Techniques", 3rd ed.
    1977, sections 2.11 and 6.4: the variance of a ratio estimator, by its residuals).

    Args:
        numerators: a sum of each repetition.
        denominators: a sum of each repetition; None is returned where all are 0.
    """
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if not below.size or below.sum() == 0 or np.isnan(above).any() or np.isnan(below).any():
        return None
    value = float(above.sum() / below.sum())
    return Repeated(value, (above - value * below) / below.mean())


def rate(events: npt.ArrayLike, trials: npt.ArrayLike) -> Estimate | None:
    """Events of a trial, with the interval of `ratio_of_sums`; withheld below `LEAST_EVENTS`; None without trials.

    Args:
        events: how many each repetition had.
        trials: the same.
    """
    found = ratio_of_sums(events, trials)
    if found is None:
        return None
    return found.estimate(least=0) if float(np.sum(events)) >= LEAST_EVENTS else withheld(found.value)


def share(chosen: npt.ArrayLike, of: npt.ArrayLike) -> Estimate | None:
    """The share of some invocations among all, a ratio of sums; None without any.

    The interval is taken on the logit scale, on which it cannot leave 0 to 1 (Korn and Graubard, Survey Methodology 24,
    1998). It is withheld where fewer than `LEAST_EVENTS` are chosen, or not chosen.
    """
    found, events = ratio_of_sums(chosen, of), float(np.sum(chosen))
    if found is None:
        return None
    interval = found.estimate()
    if min(events, float(np.sum(of)) - events) < LEAST_EVENTS or not interval.bounded:
        return withheld(found.value)
    return Estimate(found.value, *_on_logits(found.value, interval.high - found.value))


def _on_logits(value: float, reach: float) -> tuple[float, float]:
    """The ends of an interval about a share between 0 and 1, of this reach to first order, on the logit scale."""
    middle, reach = math.log(value / (1 - value)), reach / (value * (1 - value))
    return _logistic(middle - reach), _logistic(middle + reach)


class Sample(NamedTuple):
    """Measurements; what was asked for and never answered is infinite.

    Attributes:
        values: the measurements.
        repetitions: the number of the repetition of each, from 0.
        of: how many repetitions there are.
    """

    values: Floats
    repetitions: npt.NDArray[Any]
    of: int


def sample(values: npt.ArrayLike, repetitions: npt.ArrayLike | None = None) -> Sample:
    """A sample; without repetitions, all are of one."""
    measured = np.asarray(values, dtype=np.float64)
    if repetitions is None:
        return Sample(measured, np.zeros(measured.size, dtype=np.uint16), 1)
    numbers = np.asarray(repetitions)
    return Sample(measured, numbers, int(numbers.max()) + 1 if numbers.size else 0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Percentiles, maximum and mean of a sample, in the sample's unit.

    Attributes:
        count: size of the sample, with what was not answered.
        p50: infinite, as every percentile and ``max``, where it falls on an invocation that was not answered.
        mean: of the answered ones.
    """

    count: int
    p50: Estimate
    p90: float
    p99: Estimate
    max: float
    mean: float

    def to_map(self) -> dict[str, float | list[float] | None]:
        """The map of the report's contract. A percentile that was not answered is None, as is a withheld interval."""
        return {
            "p50": _rounded(self.p50.value),
            "p90": _rounded(self.p90),
            "p99": _rounded(self.p99.value),
            "max": _rounded(self.max),
            "mean": _rounded(self.mean),
            "p50_ci95": [round(self.p50.low, 3), round(self.p50.high, 3)] if self.p50.bounded else None,
        }


def describe(measured: Sample) -> Distribution | None:
    """Percentiles, maximum and mean of a sample; None of one without any answer."""
    ordered = np.sort(measured.values)
    answered = ordered[: np.searchsorted(ordered, math.inf)]
    if not answered.size:
        return None
    return Distribution(
        count=ordered.size,
        p50=_percentile(measured, ordered, 0.50),
        p90=nearest_rank(ordered, 0.90),
        p99=_tail_percentile(measured, ordered, 0.99),
        max=float(ordered[-1]),
        mean=float(answered.mean()),
    )


def nearest_rank(ordered: npt.NDArray[Any], probability: float) -> float:
    """A percentile of values in ascending order, not empty: the least that at least that share does not exceed.

    It is always a value that was measured.
    """
    return float(ordered[_rank(probability, ordered.size) - 1])


def _percentile(measured: Sample, ordered: Floats, probability: float) -> Estimate:
    """A percentile with its interval: that of the share of values up to it, turned back into values.

    Woodruff, JASA 47, 1952. The share is a ratio of sums over repetitions; its interval is taken on the logit scale,
    on which it cannot leave 0 to 1 (Korn and Graubard, Survey Methodology 24, 1998). It is withheld where it reaches
    beyond the sample.
    """
    value, size = nearest_rank(ordered, probability), ordered.size
    below = np.bincount(measured.repetitions, weights=measured.values <= value, minlength=measured.of)
    found = ratio_of_sums(below, np.bincount(measured.repetitions, minlength=measured.of))
    reach = found.estimate().high - found.value if found else math.inf
    low, high = _on_logits(probability, reach)
    if low * size < 1 or (1 - high) * size < 1:
        return withheld(value)
    return Estimate(value, nearest_rank(ordered, low), nearest_rank(ordered, high))


def _tail_percentile(measured: Sample, ordered: Floats, probability: float) -> Estimate:
    """A percentile far out, with its interval: at each end the wider of two.

    One is that of `_percentile`, whose normal law holds badly where repetitions differ in their slowest answers. The
    other is Student's over the repetitions' own percentiles, on logarithms, about the percentile of all (replications:
    Law, section 9.5.4). Withheld where a repetition has fewer than `LEAST_EVENTS` values beyond its percentile.
    """
    found = _percentile(measured, ordered, probability)
    sizes = np.bincount(measured.repetitions, minlength=measured.of)
    if sizes.size < 2 or round(sizes.min() * (1 - probability), 9) < LEAST_EVENTS or not found.bounded:
        return withheld(found.value)
    each = [_of_repetition(measured, number, probability) for number in range(measured.of)]
    if min(each) <= 0 or math.isinf(max(each)):
        return withheld(found.value)
    over = mean_over(np.log(each))
    reach = over.estimate().high - over.value if over else math.inf
    return Estimate(
        found.value,
        min(found.low, found.value * math.exp(-reach)),
        max(found.high, found.value * math.exp(reach)),
    )


def _of_repetition(measured: Sample, number: int, probability: float) -> float:
    return nearest_rank(np.sort(measured.values[measured.repetitions == number]), probability)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def _rank(probability: float, count: int) -> int:
    # The product of two floats can exceed a whole number by a last bit: 0.99 * 100.
    return max(1, math.ceil(round(probability * count, 9)))


@functools.lru_cache(maxsize=512)
def student(tail: float, freedom: int) -> float:
    """The value that Student's t exceeds, in size, with probability ``tail``.

    By bisection of the exact law (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and
    26.7.4).
    """
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        if _beyond(middle, freedom) > tail:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def two_sided(value: float, freedom: int) -> float:
    """The probability that Student's t exceeds a value in size."""
    return _beyond(math.atan(abs(value) / math.sqrt(freedom)), freedom)


def _beyond(theta: float, freedom: int) -> float:
    """The probability that Student's t is beyond plus or minus ``sqrt(freedom) * tan(theta)``."""
    odd = freedom % 2
    term = math.cos(theta) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for step in range(3 if odd else 2, freedom, 2):
        term *= (step - 1) / step * math.cos(theta) ** 2
        total += term
    within = (theta + math.sin(theta) * total) * 2 / math.pi if odd else math.sin(theta) * total
    return max(0.0, 1 - within)


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """An estimate times a positive factor."""
    return Estimate(*(each * factor for each in estimate))


def _rounded(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None
