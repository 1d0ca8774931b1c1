"""Estimates from what each repetition measured of a variant: warm, a start, a month, and against the baseline.

Pure functions of `RepetitionFigures`, so that a choice can be tried again with a repetition left out.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from lab.analysis import statistics as stats
from lab.analysis.model import Effect, PerStart, Question, RepetitionFigures
from lab.analysis.statistics import LEAST_EVENTS, Estimate, Repeated

Figures: TypeAlias = Sequence[RepetitionFigures]


def warm_ms(figures: Figures) -> Repeated | None:
    """The mean over repetitions of the mean latency of their warm answers."""
    return stats.mean_over([one.mean_ms for one in figures])


def later_ms(figures: Figures, than: Figures) -> Repeated | None:
    """How much later a variant's warm answers come than another's: the mean over repetitions of the difference."""
    return stats.mean_over([one.mean_ms - other.mean_ms for one, other in zip(figures, than, strict=True)])


def calls(figures: Figures) -> Repeated | None:
    """Downstream calls of a warm invocation that ran."""
    return _of_each(figures, lambda one: one.calls, lambda one: one.ran)


def calls_per_1000(figures: Figures) -> Estimate | None:
    """Downstream calls of 1,000 warm invocations that ran; without interval where there were hardly any."""
    return _thousand(figures, lambda one: one.calls)


def read_units_per_1000(figures: Figures) -> Estimate | None:
    """Read units of 1,000 warm invocations that ran; without interval where there were hardly any."""
    return _thousand(figures, lambda one: one.read_units)


def warm_usd(figures: Figures) -> Repeated | None:
    """Cost of a warm invocation that ran, US dollars."""
    return _of_each(figures, lambda one: one.usd, lambda one: one.ran)


def start_usd(figures: Figures) -> Repeated | None:
    """Cost of an answered invocation that started an environment, US dollars."""
    return _of_each(figures, lambda one: one.start_usd, lambda one: one.starts)


def per_start(figures: Figures) -> PerStart | None:
    """The invocations that started an environment; None without any."""
    count = sum(one.starts for one in figures)
    if not count:
        return None
    ms = _of_each(figures, lambda one: one.start_ms, lambda one: one.starts)
    made = _of_each(figures, lambda one: one.start_calls, lambda one: one.starts)
    usd = start_usd(figures)
    wait = _of_each(figures, lambda one: one.start_wait_ms, lambda one: one.starts)
    return PerStart(
        count=count,
        ms=ms.estimate(least=0) if ms else None,
        calls=made.value if made else None,
        usd=usd.estimate(least=0) if usd else None,
        wait_ms=wait.value if wait else None,
    )


def invocation_usd(figures: Figures, cold_share: float) -> Repeated | None:
    """Cost of an invocation of which a share starts an environment; None where a part of it was not measured."""
    warm, start = warm_usd(figures), start_usd(figures)
    if warm is None or cold_share == 0:
        return warm
    return None if start is None else warm.times(1 - cold_share).plus(start, cold_share)


def month_usd(figures: Figures, question: Question, per_month_usd: float | None) -> Repeated | None:
    """What a month costs: the volume at the price of an invocation, and what is paid whatever the load."""
    each = invocation_usd(figures, question.cold_share)
    if each is None or per_month_usd is None:
        return None
    return each.times(question.volume).shifted(per_month_usd)


def effect(
    figures: Figures, baseline: Figures, month: Repeated | None, baseline_month: Repeated | None
) -> Effect | None:
    """A variant against the baseline; None where nothing of the two can be compared."""
    later = later_ms(figures, baseline)
    usd = baseline_month.plus(month, -1) if month and baseline_month else None
    found = Effect(
        saved_ms=later.times(-1).estimate() if later else None,
        saved_calls=_saved_calls(figures, baseline),
        saved_usd_month=usd.estimate() if usd else None,
    )
    return None if found == Effect(saved_ms=None, saved_calls=None, saved_usd_month=None) else found


def _saved_calls(figures: Figures, baseline: Figures) -> Estimate | None:
    own, others = calls(figures), calls(baseline)
    kept = own.over(others) if own and others else None
    if kept is None:
        return None
    saved = kept.times(-1).shifted(1)
    fewest = min(sum(one.calls or 0 for one in each) for each in (figures, baseline))
    return saved.estimate(most=1) if fewest >= LEAST_EVENTS else stats.withheld(saved.value)


def _of_each(
    figures: Figures, value: Callable[[RepetitionFigures], float | None], of: Callable[[RepetitionFigures], int]
) -> Repeated | None:
    """A sum of what each repetition counted over another; None where a repetition did not measure it."""
    values = [value(one) for one in figures]
    return stats.ratio_of_sums([np.nan if one is None else one for one in values], [of(one) for one in figures])


def _thousand(figures: Figures, value: Callable[[RepetitionFigures], float | None]) -> Estimate | None:
    values = [value(one) for one in figures]
    known = [one for one in values if one is not None]
    if len(known) < len(values):
        return None
    found = stats.rate(known, [one.ran for one in figures])
    return None if found is None else stats.scaled(found, 1000)
