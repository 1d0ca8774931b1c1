"""The charts as tables, for those who do not see them, or want the numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lab.analysis.model import Report, Start, VariantSummary
from lab.analysis.summary import QUANTILES
from lab.analysis.wording import NOT_MEASURED, figure, interval, shown, where, whole
from lab.charts.tradeoff import unbeaten
from lab.report.tables import Table

_STARTS = {Start.WARM: NOT_MEASURED, Start.COLD: "cold start", Start.RESTORED: "restore"}


class Bar(NamedTuple):
    """A bar: its length, and what stands at its end."""

    length: float
    text: str


BarOf = Callable[[VariantSummary], Bar | None]


def quantiles(report: Report) -> Table:
    """Percentiles of the latency."""
    return _by_variant(
        report,
        "Latency, ms, that so many % of the answered invocations took at most",
        ("%", [f"{share * 100:g}" for share in QUANTILES]),
        [[figure(value) for value in summary.quantiles] for summary in report.variants],
    )


def choice(report: Report) -> Table:
    """Latency, cost and staleness."""
    best = unbeaten(report.variants)
    return _table(
        report,
        "Latency, cost and staleness",
        ("variant", "p50, ms", "95 % CI", "$ a million", "stalest answer, s", "another is as good in all three"),
        [
            (
                shown(one.variant, 24),
                figure(one.latency_ms.p50.value if one.latency_ms else None),
                interval(one.latency_ms.p50 if one.latency_ms else None),
                figure(one.cost.total if one.cost else None),
                figure(one.staleness_s.max if one.staleness_s else None),
                NOT_MEASURED if one.cost is None or one.latency_ms is None else "no" if one in best else "yes",
            )
            for one in report.variants
        ],
    )


def environments(report: Report) -> Table:
    """The lives that are drawn."""
    return _table(
        report,
        "Execution environments",
        (
            "variant",
            "number",
            "began, s",
            "ended, s",
            "invocations",
            "began by",
            "init or restore, ms",
            "read downstream",
        ),
        [
            (
                shown(summary.variant, 24),
                whole(number),
                figure(life.began),
                figure(life.ended),
                whole(life.invocations),
                _STARTS[life.start],
                figure(life.start_ms),
                whole(life.reads),
            )
            for summary in report.variants
            for number, life in enumerate(summary.lives, start=1)
        ],
    )


def latency_over_time(report: Report) -> Table:
    """Median, 90th percentile and maximum of the stretches of time."""
    times = sorted({bin_.at for summary in report.variants for bin_ in summary.latency_course})
    found = [{bin_.at: bin_ for bin_ in summary.latency_course} for summary in report.variants]
    return _by_variant(
        report,
        "Latency over time, ms: median / 90th percentile / maximum",
        ("middle, s", [figure(at) for at in times]),
        [
            [
                f"{figure(bins[at].p50)} / {figure(bins[at].p90)} / {figure(bins[at].max)}"
                if at in bins
                else NOT_MEASURED
                for at in times
            ]
            for bins in found
        ],
    )


def calls_over_time(report: Report) -> Table:
    """Downstream calls a second."""
    times = sorted({point.x for summary in report.variants for point in summary.calls_curve})
    found = [{point.x: point.y for point in summary.calls_curve} for summary in report.variants]
    return _by_variant(
        report,
        "Downstream calls a second",
        ("middle, s", [figure(at) for at in times]),
        [[figure(calls.get(at)) for at in times] for calls in found],
    )


def bars(report: Report, name: str, bar_of: BarOf) -> Table:
    """The bars of a bar chart."""
    rows = [(shown(one.variant, 24), bar.text if (bar := bar_of(one)) else NOT_MEASURED) for one in report.variants]
    return _table(report, name[:1].upper() + name[1:], ("variant", name), rows)


def left_out_environments(report: Report) -> str:
    """How many lives are not drawn."""
    drawn = sum(len(summary.lives) for summary in report.variants)
    every = sum(summary.environments for summary in report.variants)
    return f"The first {drawn} of {every:,}." if drawn < every else f"All {every:,} of them."


def left_out_beginnings(report: Report) -> str:
    """How many starts are not drawn."""
    drawn = sum(len(summary.beginnings) for summary in report.variants)
    every = sum(summary.starts[start].count for summary in report.variants for start in (Start.COLD, Start.RESTORED))
    return f"{drawn} of {every:,} are drawn, at even steps." if drawn < every else f"All {every:,} are drawn."


def _by_variant(
    report: Report, caption: str, first: tuple[str, Sequence[str]], columns: Sequence[Sequence[str]]
) -> Table:
    """A table with a column for each variant."""
    name, cells = first
    rows = [
        (cell, *(column[place] if place < len(column) else NOT_MEASURED for column in columns))
        for place, cell in enumerate(cells)
    ]
    return _table(report, caption, (name, *(shown(summary.variant, 24) for summary in report.variants)), rows)


def _table(report: Report, caption: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(f"{caption} ({where(report)})", columns, tuple(rows))
