"""What two runs show of each other: the effect of each variant in one run against its effect in the other.

Absolute latencies of equal runs differ by more than their intervals say, because a whole run can be slow. So
milliseconds are compared as what a variant saves against the baseline of its own run, over repetitions.

Formulas, for the runs A and B with R_A and R_B repetitions:

- Milliseconds saved: in each repetition the baseline's mean less the variant's; the estimate is the mean over
  repetitions, s the standard deviation over them.
- Calls per 1,000 and failed share: a ratio of sums over repetitions. `lab.analysis.statistics` has the sources of both.
- Change: SE² = s_A²/R_A + s_B²/R_B + 2τ², tested by Student's t with R_A + R_B - 2 degrees of freedom; where R_A
  and R_B differ, with those of Welch (Biometrika 34, 1947), rounded down. τ is the effect
  that a whole run shares: `SHARED` of the baseline's warm mean for milliseconds (measured between equal runs), 0
  otherwise. Repetitions of different runs are not paired.
- Calls are not compared where both runs have fewer than `LEAST_EVENTS`.
- Several comparisons: Holm's step-down procedure over all cells (Scandinavian Journal of Statistics 6, 1979).
- A cell is different if Holm's procedure rejects it and the estimate exceeds `MARGIN`.
- Power: the change found with probability `POWER` at Holm's first threshold (see `lab.analysis.power.detectable`).
"""

import enum
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from lab.analysis import figures as over
from lab.analysis.figures import Figures
from lab.analysis.model import Report, VariantSummary
from lab.analysis.power import detectable
from lab.analysis.statistics import CONFIDENCE, LEAST_EVENTS, Estimate, Repeated, ratio_of_sums, student, two_sided

SHARED: Final = 0.04
"""Share of the baseline's warm mean by which the milliseconds saved in a whole run move."""
MARGIN: Final = 0.10
"""A change up to this is not called different: of the baseline's warm mean for milliseconds, of A's value for calls."""
FAILED_MARGIN: Final = 0.01
"""The same for the share of failed invocations, which is compared by its difference."""
POWER: Final = 0.80
LEAST_REPETITIONS: Final = 2


class Metric(enum.StrEnum):
    """What is compared, and its name."""

    SAVED = "ms saved"
    CALLS = "calls per 1,000"
    FAILED = "failed, %"

    @property
    def more_is_worse(self) -> bool:
        """Whether a growth is for the worse."""
        return self is not Metric.SAVED


class Cell(NamedTuple):
    """One comparison.

    Attributes:
        change: B less A, in the metric's unit, with the 95 % interval (not corrected for the number of cells).
        scale: what a change is a share of; 0: the change has no share.
        p: the probability of such a change between equal runs.
        could_show: the share that the pair finds with probability `POWER`.
        is_different: whether a change is shown.
    """

    variant: str
    metric: Metric
    a: Estimate
    b: Estimate
    change: Estimate
    scale: float
    p: float
    could_show: float
    is_different: bool

    @property
    def share(self) -> float:
        """The change as a share of the scale; infinite where that is 0 and the change is not."""
        return _share(self.change.value, self.scale)

    @property
    def is_worse(self) -> bool:
        """Whether B is shown to be worse than A."""
        return self.is_different and (self.change.value > 0) == self.metric.more_is_worse


class _Raw(NamedTuple):
    """A comparison before the correction for their number."""

    variant: str
    metric: Metric
    a: Repeated
    b: Repeated
    scale: float
    least: float
    shared: float

    @property
    def freedom(self) -> int:
        first, second = self.a.deviations.size - 1, self.b.deviations.size - 1
        if first == second or self.spread == 0:
            return first + second
        parts = self.a.standard_error**4 / first + self.b.standard_error**4 / second
        return max(1, math.floor(self.spread**4 / parts))

    @property
    def spread(self) -> float:
        return math.hypot(self.a.standard_error, self.b.standard_error)

    @property
    def change(self) -> Estimate:
        value, error = self.b.value - self.a.value, math.hypot(self.spread, self.shared)
        reach = student(1 - CONFIDENCE, self.freedom) * error
        return Estimate(value, value - reach, value + reach)

    @property
    def p(self) -> float:
        change, error = self.b.value - self.a.value, math.hypot(self.spread, self.shared)
        if error == 0:
            return 1.0 if change == 0 else 0.0
        return two_sided(change / error, self.freedom)


def compare(a: Report, b: Report) -> tuple[Cell, ...]:
    """Every comparison that both runs allow, variant by variant."""
    raw = [*_saved(a, b), *_calls(a, b), *_failed(a, b)]
    rejected = holm([one.p for one in raw], 1 - CONFIDENCE)
    order = {one.variant: place for place, one in enumerate(a.variants)}
    cells = [_cell(one, is_rejected, len(raw)) for one, is_rejected in zip(raw, rejected, strict=True)]
    return tuple(sorted(cells, key=lambda cell: order[cell.variant]))


def holm(probabilities: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects at the level ``alpha``."""
    rejected = [False] * len(probabilities)
    for step, place in enumerate(sorted(range(len(probabilities)), key=probabilities.__getitem__)):
        if probabilities[place] > alpha / (len(probabilities) - step):
            break
        rejected[place] = True
    return rejected


def typical_power(cells: Iterable[Cell], metric: Metric) -> float | None:
    """The change that the pair could have shown in a metric, as a share: the median of the variants."""
    found = [cell.could_show for cell in cells if cell.metric is metric and math.isfinite(cell.could_show)]
    return statistics.median(found) if found else None


def unanswered(a: Report, b: Report) -> list[tuple[VariantSummary, int]]:
    """The variants that answered in A alone, each with its invocations in B: no metric shows that."""
    found = []
    for one in a.variants:
        other = b.find(one.variant)
        if one.ok and (other is None or not other.ok):
            found.append((one, other.invocations if other else 0))
    return found


def _cell(raw: _Raw, is_rejected: bool, count: int) -> Cell:
    alpha = (1 - CONFIDENCE) / count
    found = detectable(raw.spread, raw.shared, raw.freedom, alpha, least=raw.least, power=POWER)
    change = raw.change
    return Cell(
        variant=raw.variant,
        metric=raw.metric,
        a=raw.a.estimate(),
        b=raw.b.estimate(),
        change=change,
        scale=raw.scale,
        p=raw.p,
        could_show=_share(found, raw.scale),
        is_different=is_rejected and abs(change.value) > raw.least,
    )


def _saved(a: Report, b: Report) -> Iterator[_Raw]:
    baseline = a.find(a.baseline)
    level = baseline.warm.mean_ms.value if baseline and baseline.warm else 0.0
    for one, other in _both(a, b):
        first, second = _saved_ms(a, one), _saved_ms(b, other)
        if one.variant != a.baseline and first and second and level > 0:
            shared = math.sqrt(2) * SHARED * level
            yield _Raw(one.variant, Metric.SAVED, first, second, level, MARGIN * level, shared)


def _saved_ms(report: Report, of: VariantSummary) -> Repeated | None:
    baseline = report.find(report.baseline)
    later = over.later_ms(of.repetitions, baseline.repetitions) if baseline else None
    return _repeated(later.times(-1) if later else None)


def _calls(a: Report, b: Report) -> Iterator[_Raw]:
    for one, other in _both(a, b):
        first, second = (_per_1000(of.repetitions) for of in (one, other))
        most = max(sum(each.calls or 0 for each in of.repetitions) for of in (one, other))
        if one.variant != a.baseline and first and second and most >= LEAST_EVENTS:
            yield _Raw(one.variant, Metric.CALLS, first, second, first.value, MARGIN * first.value, 0.0)


def _per_1000(repetitions: Figures) -> Repeated | None:
    found = over.calls(repetitions)
    return _repeated(found.times(1000) if found else None)


def _failed(a: Report, b: Report) -> Iterator[_Raw]:
    for one, other in _both(a, b):
        first, second = (_failed_share(of.repetitions) for of in (one, other))
        if first and second and (first.value or second.value):
            yield _Raw(one.variant, Metric.FAILED, first, second, 100.0, FAILED_MARGIN * 100, 0.0)


def _failed_share(repetitions: Figures) -> Repeated | None:
    found = ratio_of_sums([one.failed for one in repetitions], [one.requested for one in repetitions])
    return _repeated(found.times(100) if found else None)


def _repeated(found: Repeated | None) -> Repeated | None:
    """An estimate of repetitions enough for an interval, or None."""
    return found if found and found.deviations.size >= LEAST_REPETITIONS else None


def _both(a: Report, b: Report) -> Iterator[tuple[VariantSummary, VariantSummary]]:
    for one in a.variants:
        other = b.find(one.variant)
        if other is not None and one.ok and other.ok:
            yield one, other


def _share(value: float, scale: float) -> float:
    if scale:
        return value / scale
    return math.copysign(math.inf, value) if value else 0.0
