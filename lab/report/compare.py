"""Two runs side by side: what changed, with intervals, and whether anything got worse."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lab.analysis import statistics as stats
from lab.analysis.model import Report, VariantSummary
from lab.analysis.statistics import Estimate
from lab.analysis.summary import summarise
from lab.analysis.table import Table
from lab.analysis.wording import NOT_MEASURED, figure, has_p99, interval, listed, shown, signed, where
from lab.errors import LabError
from lab.records.json_values import Json
from lab.report.as_text import WIDTH, TextPage


class Metric(NamedTuple):
    """Something that is compared, and that is worse when it is more."""

    name: str
    of: Callable[[VariantSummary], Estimate | None]


def _p99(summary: VariantSummary, distribution: stats.Distribution | None) -> Estimate | None:
    return distribution.p99 if distribution and has_p99(summary) else None


METRICS: Final = (
    Metric("latency p50, ms", lambda one: one.latency_ms.p50 if one.latency_ms else None),
    Metric("latency p99, ms", lambda one: _p99(one, one.latency_ms)),
    Metric("service p50, ms", lambda one: one.service_ms.p50 if one.service_ms else None),
    Metric("service p99, ms", lambda one: _p99(one, one.service_ms)),
    Metric("calls per 1,000", lambda one: one.downstream_calls_per_1000),
)
METRICS_OF_LOGS: Final = (
    Metric("duration p50, ms", lambda one: one.duration_ms.p50 if one.duration_ms else None),
    Metric("duration p99, ms", lambda one: _p99(one, one.duration_ms)),
    METRICS[-1],
)
FAILED: Final = "failed, %"


def compare_runs(a: Path | str, b: Path | str, fail_above: float | None, width: int = WIDTH) -> tuple[str, bool]:
    """Run ``b`` against run ``a``.

    Args:
        a: the run before: its folder, or ``s3://bucket/prefix``.
        b: the run after.
        fail_above: a metric that grew by more than this many percent for certain (the interval's lower bound) is a
            regression, and so is a share of failed invocations that rose by more than so many percentage points, and a
            variant that is answered in ``a`` alone; None: nothing is.
        width: how many columns the text has at most.

    Returns:
        The comparison as text, and whether a regression was found.

    Raises:
        UsageError: there is no run.
        LabError: the targets differ, or a run cannot be read.
    """
    before, after = summarise(a), summarise(b)
    if before.target != after.target:
        raise LabError(
            f"{a} is of target {shown(before.target)}, {b} of {shown(after.target)}: numbers of different targets are "
            "not compared; give two runs of one target"
        )
    page = TextPage(width)
    page.paragraph(f"A: {shown(a, 200)}\nB: {shown(b, 200)}\nNumbers: {where(after)}")
    differing = list(_differences(before, after))
    if differing:
        page.heading("The runs differ in more than their results")
        for line in differing:
            page.item(line)
        page.paragraph("")
    regressions = [] if fail_above is None else [*_unanswered(before, after)]
    metrics = METRICS_OF_LOGS if before.from_logs and after.from_logs else METRICS
    for pair in _pairs(before, after):
        page.table(_table(*pair, where(after), metrics))
        regressions += _regressions(*pair, fail_above, metrics)
    _conclude(page, before, after, regressions, fail_above)
    return page.text(), bool(regressions)


def _pairs(before: Report, after: Report) -> Iterator[tuple[VariantSummary, VariantSummary]]:
    for summary in after.variants:
        other = before.find(summary.variant)
        if other is not None:
            yield other, summary


def _differences(before: Report, after: Report) -> Iterator[str]:
    """What else is not alike: then a change in the numbers need not come from the code."""
    one, other = dataclasses.asdict(before.file.run), dataclasses.asdict(after.file.run)
    settings, others = dataclasses.asdict(before.file.settings), dataclasses.asdict(after.file.settings)
    facts = [
        *((key, one[key], other[key]) for key in ("scenario", "source", "duration_s", "runtime", "machine")),
        ("downstream latency profile", before.profile, after.profile),
        ("finished", before.file.finished, after.file.finished),
        *((key, settings[key], others[key]) for key in sorted(settings)),
    ]
    for name, a, b in facts:
        if a != b:
            yield f"{shown(name, 30)}: {_value(a)} in A, {_value(b)} in B"


def _value(value: Json) -> str:
    return shown(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)


def _table(before: VariantSummary, after: VariantSummary, numbers: str, metrics: Sequence[Metric]) -> Table:
    return Table(
        f"{shown(after.variant, 24)} ({numbers})",
        ("", "A", "95 % CI", "B", "95 % CI", "change", "95 % CI"),
        (*(_row(metric, metric.of(before), metric.of(after)) for metric in metrics), _failed_row(before, after)),
    )


def _failed_row(before: VariantSummary, after: VariantSummary) -> tuple[str, ...]:
    shares = [None if one is None else stats.scaled(one, 100) for one in (before.failed_share, after.failed_share)]
    cells = (text for one in shares for text in _cells(one))
    one, other = shares
    if one is None or other is None:
        return (FAILED, *cells, NOT_MEASURED, NOT_MEASURED)
    rise = stats.difference(other, one)
    return (FAILED, *cells, f"{rise.value:+.1f} pt", f"{rise.low:+.1f} to {rise.high:+.1f}")


def _row(metric: Metric, before: Estimate | None, after: Estimate | None) -> tuple[str, ...]:
    if before is None or after is None:
        return (metric.name, *(text for one in (before, after) for text in _cells(one)), NOT_MEASURED, NOT_MEASURED)
    return (metric.name, *_cells(before), *_cells(after), *_change(before, after))


def _cells(estimate: Estimate | None) -> tuple[str, str]:
    return (NOT_MEASURED if estimate is None else figure(estimate.value), interval(estimate))


def _change(before: Estimate, after: Estimate) -> tuple[str, str]:
    """In percent; where there was nothing before, as a difference."""
    ratio = stats.ratio(after, before)
    if ratio is None:
        change = stats.difference(after, before)
        return signed(change.value), interval(change)
    change = Estimate(*((bound - 1) * 100 for bound in ratio))
    return f"{change.value:+.1f} %", f"{change.low:+.1f} to {change.high:+.1f}" if change.bounded else NOT_MEASURED


def _regressions(
    before: VariantSummary, after: VariantSummary, fail_above: float | None, metrics: Sequence[Metric]
) -> Iterator[str]:
    if fail_above is None:
        return
    for metric in metrics:
        one, other = metric.of(before), metric.of(after)
        if one is not None and other is not None and grew(one, other, fail_above):
            change, ends = _change(one, other)
            yield f"{shown(after.variant, 24)}: {metric.name.removesuffix(', ms')} {change} (95 % CI {ends})"
    if after.ok and fails_more(before.failed_share, after.failed_share, fail_above):
        *_, change, ends = _failed_row(before, after)
        points = change.replace("pt", "percentage points")
        yield f"{shown(after.variant, 24)}: failed invocations {points} (95 % CI {ends})"


def _unanswered(before: Report, after: Report) -> Iterator[str]:
    """The variants that were answered before and are not now: no metric shows that."""
    for one in before.variants:
        other = after.find(one.variant)
        if one.ok and (other is None or not other.ok):
            count = 0 if other is None else other.invocations
            yield f"{shown(one.variant, 24)}: {one.ok:,} invocations answered in A, none of {count:,} in B"


def fails_more(before: Estimate | None, after: Estimate | None, points: float) -> bool:
    """Whether the share of failed invocations rose by more than so many percentage points for certain.

    By the lower bound of the difference (see `lab.analysis.statistics.share`).
    """
    if before is None or after is None:
        return False
    return stats.difference(after, before).low > points / 100


def grew(before: Estimate, after: Estimate, percent: float) -> bool:
    """Whether it grew by more than so many percent for certain.

    By the lower bound of the ratio; where there was nothing before, by that of the difference.
    """
    ratio = stats.ratio(after, before)
    if ratio is not None:
        return ratio.low > 1 + percent / 100
    return stats.difference(after, before).low > 0


def _conclude(page: TextPage, before: Report, after: Report, regressions: list[str], fail_above: float | None) -> None:
    names = {one.variant for one in before.variants} ^ {one.variant for one in after.variants}
    if names:
        page.paragraph(f"In one of the runs only, and not compared: {listed(sorted(names))}.")
    for name, report in (("A", before), ("B", after)):
        if report.warnings:
            codes = ", ".join(shown(code, 40) for code in dict.fromkeys(one.code for one in report.warnings))
            page.paragraph(f"Warnings of {name}: {codes}. See lab report.")
    page.paragraph(
        "A change is shown where its interval does not hold 0. Of twenty such intervals one is expected to mislead."
    )
    if fail_above is None:
        return
    if regressions:
        page.heading(
            f"Regressions: grown by more than {fail_above:g} %, by the lower bound of the interval (failures: risen by "
            "more than so many percentage points), or not answered"
        )
        for line in regressions:
            page.item(line)
    else:
        page.paragraph(f"No regression above {fail_above:g} %.")
