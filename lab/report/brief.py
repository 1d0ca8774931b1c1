"""What every report begins with.

The sentence, four figures, the reasons, the warnings that matter, and all variants at a glance.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from facts.warnings import WarningCode
from lab.analysis.model import Report, VariantSummary
from lab.analysis.statistics import Estimate
from lab.analysis.table import Table, table, value
from lab.analysis.wording import DASH, NOT_MEASURED, figure, interval, percent, shown
from lab.records.run_file import RunWarning

ASIDE: Final = frozenset(
    {
        WarningCode.TOO_FEW_SAMPLES,
        WarningCode.UPDATES_FAILED,
        WarningCode.SDK_RETRIES,
        WarningCode.DOWNSTREAM_COUNT_LATE,
        WarningCode.DOWNSTREAM_COUNT_UNREAD,
        WarningCode.DESTINATION_FAILED,
    }
)
"""Codes of warnings that change neither the sentence nor the four figures."""
SNAPSHOTS: Final = frozenset({WarningCode.SNAPSHOT_YOUNG, WarningCode.SNAPSHOT_UNUSABLE})
"""Codes that matter only where a variant was restored from a snapshot."""
UNBOUNDED: Final = "unbounded"


class KeyFigure(NamedTuple):
    """A figure of the recommended variant: its value, what it is, and its 95 % interval (empty: it has none)."""

    value: str
    meaning: str
    interval: str = ""


def headline(report: Report) -> str:
    """The one sentence: what to use, or why the run cannot say."""
    return shown(report.advice.sentence, 400)


def key_figures(report: Report) -> tuple[KeyFigure, ...]:
    """The four figures of the recommended variant; none without one, or if it is the baseline."""
    chosen = report.find(report.advice.variant) if report.advice.variant else None
    if chosen is None or chosen.variant == report.baseline:
        return ()
    effect = chosen.effect
    saved_ms, saved_calls, saved_usd = (
        (effect.saved_ms, effect.saved_calls, effect.saved_usd_month) if effect else (None, None, None)
    )
    return (
        KeyFigure(
            f"{value(saved_ms)} ms", f"saved per warm answer against {_name(report.baseline)}", interval(saved_ms)
        ),
        KeyFigure(saved_percent(saved_calls), "of the downstream reads saved", percent_interval(saved_calls)),
        KeyFigure(
            money(saved_usd.value if saved_usd else None),
            f"saved a month at {month(report)}",
            money_interval(saved_usd),
        ),
        KeyFigure(oldest(report, chosen), "the most that an answer can be out of date, by design"),
    )


def reasons(report: Report) -> tuple[str, ...]:
    """Why this variant, or why none can be named, each a sentence; without what the headline says."""
    said = report.advice.sentence.lower()
    return tuple(shown(one, 300) for one in report.advice.reasons if one.rstrip(".").lower() not in said)


def warnings_that_matter(report: Report) -> tuple[RunWarning, ...]:
    """The warnings that bear on the sentence or on the four figures."""
    aside = ASIDE if any(one.restores for one in report.variants) else ASIDE | SNAPSHOTS
    return tuple(warning for warning in report.warnings if warning.code not in aside)


def glance(report: Report) -> Table:
    """All variants with the figures that decide; a caption too wide for it would say what `month` says."""
    return table(
        report,
        f"Saved in this run against {_name(report.baseline)}{_mean_of_baseline(report)}; $ a month at {month(report)}",
        ("variant", "ms saved", "95 % CI", "reads saved", "$ a month", "out of date at most"),
        [_glance_row(report, one) for one in report.variants],
    )


def _glance_row(report: Report, one: VariantSummary) -> tuple[str, ...]:
    cost = money(one.month_usd.value if one.month_usd else None, sign="")
    if one.variant == report.baseline:
        return (one.variant, "baseline", "", "", cost, oldest(report, one))
    effect = one.effect
    return (
        one.variant,
        value(effect.saved_ms if effect else None),
        interval(effect.saved_ms if effect else None),
        saved_percent(effect.saved_calls if effect else None),
        cost,
        oldest(report, one),
    )


def _mean_of_baseline(report: Report) -> str:
    baseline = report.find(report.baseline)
    if baseline is None or baseline.warm is None:
        return ""
    return f" (mean of warm answers {figure(baseline.warm.mean_ms.value)} ms)"


def oldest(report: Report, one: VariantSummary) -> str:
    """How far out of date an answer can be by design; where nothing limits it, what was seen in how long."""
    if one.bound_s is None:
        return NOT_MEASURED
    if math.isfinite(one.bound_s):
        return f"{one.bound_s:g} s"
    length = _longest_s(report)
    if one.stalest_s is None or length is None:
        return UNBOUNDED
    return f"{UNBOUNDED} ({figure(one.stalest_s)} s seen in {length:.0f} s)"


def _longest_s(report: Report) -> float | None:
    """How long an environment could keep a value: the longest repetition, or the run where it has none."""
    spans = [
        one.measured_until - one.began_at
        for one in report.file.repetitions
        if one.measured_until is not None and one.began_at is not None
    ]
    return max(spans, default=report.file.run.duration_s)


def month(report: Report) -> str:
    """The stated volume and share of starts."""
    question = report.question
    return f"{_volume(question.volume)} invocations, {question.cold_share * 100:.3g} % of which start an environment"


def _volume(volume: float) -> str:
    return f"{volume / 1e6:g} million" if volume >= 1e6 else f"{volume:,.0f}"


def saved_percent(share: Estimate | None) -> str:
    """A share that was saved, in percent."""
    return NOT_MEASURED if share is None else percent(share.value)


def percent_interval(share: Estimate | None) -> str:
    """The ends of the interval of a share, in percent."""
    if share is None or not share.bounded:
        return NOT_MEASURED
    return f"{interval(Estimate(*(end * 100 for end in share)))} %"


def money(value: float | None, sign: str = "$") -> str:
    """US dollars, to the cent."""
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    return f"-{sign}{-value:,.2f}" if round(value, 2) < 0 else f"{sign}{abs(value):,.2f}"


def money_interval(estimate: Estimate | None) -> str:
    """The ends of an interval of US dollars, to the cent."""
    if estimate is None or not estimate.bounded:
        return NOT_MEASURED
    low, high = money(estimate.low, ""), money(estimate.high, "")
    return f"{low} to {high}" if "-" in low + high else f"{low}{DASH}{high}"


def excluded(report: Report) -> Iterator[str]:
    """Each variant that is not recommended, why, and the remedy if there is one."""
    for one in report.advice.excluded:
        remedy = f"; {shown(one.remedy, 120)}" if one.remedy else ""
        yield f"{_name(one.variant)}: {shown(one.reason, 200)}{remedy}"


def _name(variant: str) -> str:
    return shown(variant, 24)
