"""The tables of a report, as text: every format shows these."""

import math
from typing import Final, NamedTuple

from facts.prices import Cost
from lab.analysis.choice import Choice, choices
from lab.analysis.model import Report, Start, VariantSummary
from lab.analysis.statistics import Distribution
from lab.analysis.wording import NOT_MEASURED, figure, has_p99, interval, listed, percent, shown, times, where, whole

WORDS: Final = ("variant", "shown", "choose", "as good here", "began by")
"""Columns of words, which stand on the left; the others hold numbers."""


class Table(NamedTuple):
    """A table: its caption says where its numbers come from; the first column names the row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report) -> tuple[Table, ...]:
    """Every table of a report, the most important first.

    Of records made from logs, the columns in which nothing can be known are left out, and with them the choice of a
    variant: not all had the same load.
    """
    if report.from_logs:
        found = (_durations, _compared, _starts, _downstream, _staleness, _counts, _cost)
        return tuple(_known(table(report)) for table in found)
    return (
        _choices(report),
        _latency(report),
        _compared(report),
        _starts(report),
        _downstream(report),
        _staleness(report),
        _counts(report),
        _cost(report),
    )


def _known(table: Table) -> Table:
    """A table without the columns in which nothing was measured."""
    kept = [
        index
        for index in range(len(table.columns))
        if not index or any(row[index] not in ("", NOT_MEASURED) for row in table.rows)
    ]
    return Table(
        table.caption,
        tuple(table.columns[index] for index in kept),
        tuple(tuple(row[index] for index in kept) for row in table.rows),
    )


def _table(report: Report, caption: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    return Table(f"{caption} ({where(report)})", columns, tuple((shown(row[0], 24), *row[1:]) for row in rows))


def _choices(report: Report) -> Table:
    return _table(
        report,
        "Which cache, by how far out of date an answer may be",
        ("at most, s", "choose", "as good here", "p50, ms", "calls per 1,000", "$ a million", "most seen, s"),
        [_choice_row(choice) for choice in choices(report)],
    )


def _choice_row(choice: Choice) -> tuple[str, ...]:
    age = "any" if choice.at_most_s == math.inf else f"{choice.at_most_s:g}"
    chosen = choice.chosen
    if chosen is None:
        return (age, "none of this run", *[NOT_MEASURED] * 5)
    return (
        age,
        shown(chosen.variant, 24),
        listed([one.variant for one in choice.alike]) or NOT_MEASURED,
        figure(_p50(chosen.latency_ms)),
        figure(chosen.downstream_calls_per_1000.value if chosen.downstream_calls_per_1000 else None),
        f"{chosen.cost.total:.2f}" if chosen.cost else NOT_MEASURED,
        figure(chosen.staleness_s.max if chosen.staleness_s else None),
    )


def _latency(report: Report) -> Table:
    return _table(
        report,
        "Latency from the planned start, ms",
        ("variant", "answered", "p50", "95 % CI", "p90", "p99", "max", "service p50"),
        [
            (
                summary.variant,
                whole(summary.ok),
                figure(_p50(summary.latency_ms)),
                interval(summary.latency_ms.p50 if summary.latency_ms else None),
                figure(summary.latency_ms.p90 if summary.latency_ms else None),
                figure(summary.latency_ms.p99.value if summary.latency_ms and has_p99(summary) else None),
                figure(summary.latency_ms.max if summary.latency_ms else None),
                figure(_p50(summary.service_ms)),
            )
            for summary in report.variants
        ],
    )


def _durations(report: Report) -> Table:
    """What is known of records made from logs, in which nobody waited."""
    return _table(
        report,
        "Duration of the functions by their own reports, ms",
        ("variant", "answered", "p50", "95 % CI", "p90", "p99", "max"),
        [
            (
                summary.variant,
                whole(summary.ok),
                figure(_p50(summary.duration_ms)),
                interval(summary.duration_ms.p50 if summary.duration_ms else None),
                figure(summary.duration_ms.p90 if summary.duration_ms else None),
                figure(summary.duration_ms.p99.value if summary.duration_ms and has_p99(summary) else None),
                figure(summary.duration_ms.max if summary.duration_ms else None),
            )
            for summary in report.variants
        ],
    )


def _compared(report: Report) -> Table:
    return _table(
        report,
        f"Against {report.baseline}: median {'duration' if report.from_logs else 'latency'} and downstream calls",
        ("variant", "p50 ratio", "95 % CI", "shown", "calls per 1,000: change", "95 % CI"),
        [_compared_row(summary, report.baseline) for summary in report.variants],
    )


def _compared_row(summary: VariantSummary, baseline: str) -> tuple[str, ...]:
    comparison = summary.comparison
    if summary.variant == baseline:
        return (summary.variant, "1", "", "baseline", "", "")
    if comparison is None:
        return (summary.variant, *[NOT_MEASURED] * 5)
    calls = comparison.calls_per_1000
    return (
        summary.variant,
        times(comparison.latency),
        interval(comparison.latency),
        comparison.shown,
        NOT_MEASURED if calls is None else signed(calls.value),
        interval(calls),
    )


def _starts(report: Report) -> Table:
    return _table(
        report,
        "Starts: how many, and median time of each kind, ms"
        if report.from_logs
        else "Warm, cold and restored apart: how many, median latency, and median time to start, ms",
        (
            "variant",
            "warm",
            "warm p50",
            "cold starts",
            "cold p50",
            "init p50",
            "restores",
            "restored p50",
            "restore p50",
        ),
        [
            (
                summary.variant,
                whole(summary.starts[Start.WARM].count),
                figure(_p50(summary.starts[Start.WARM].latency_ms)),
                whole(summary.cold_starts),
                figure(_p50(summary.starts[Start.COLD].latency_ms)),
                figure(_p50(summary.init_ms)),
                whole(summary.restores),
                figure(_p50(summary.starts[Start.RESTORED].latency_ms)),
                figure(_p50(summary.restore_ms)),
            )
            for summary in report.variants
        ],
    )


def _downstream(report: Report) -> Table:
    return _table(
        report,
        "Downstream calls of the invocations, by their own count"
        if report.from_logs
        else "Downstream calls: of the invocations by their own count, and all on the wire",
        ("variant", "hit ratio", "own count", "on the wire", "per 1,000 invocations", "95 % CI"),
        [
            (
                summary.variant,
                percent(summary.hit_ratio),
                whole(summary.downstream_calls),
                whole(summary.wire_calls),
                figure(summary.downstream_calls_per_1000.value if summary.downstream_calls_per_1000 else None),
                interval(summary.downstream_calls_per_1000),
            )
            for summary in report.variants
        ],
    )


def _staleness(report: Report) -> Table:
    return _table(
        report,
        "Age (since the value was read), s"
        if report.from_logs
        else "Staleness (since the served version was superseded) and age (since it was read), s",
        ("variant", "stale answers", "staleness p90", "staleness max", "age p50", "age p90", "age max"),
        [
            (
                summary.variant,
                whole(summary.stale_answers),
                figure(summary.staleness_s.p90 if summary.staleness_s else None),
                figure(summary.staleness_s.max if summary.staleness_s else None),
                figure(_p50(summary.age_s)),
                figure(summary.age_s.p90 if summary.age_s else None),
                figure(summary.age_s.max if summary.age_s else None),
            )
            for summary in report.variants
        ],
    )


def _counts(report: Report) -> Table:
    return _table(
        report,
        "Invocations and failures",
        ("variant", "invocations", "answered", "function errors", "throttles", "lost", "environments"),
        [
            (
                summary.variant,
                whole(summary.invocations),
                whole(summary.ok),
                whole(summary.function_errors),
                whole(None if report.from_logs else summary.throttles),
                whole(None if report.from_logs else summary.lost),
                whole(summary.environments),
            )
            for summary in report.variants
        ],
    )


def _cost(report: Report) -> Table:
    return _table(
        report,
        "Cost of a million invocations at AWS list prices, $",
        ("variant", "billed ms, mean", "requests", "compute", "restores", "reads", "sum", "95 % CI"),
        [
            (summary.variant, figure(summary.billed_ms_mean), *_cost_cells(summary.cost), interval(summary.cost_total))
            for summary in report.variants
        ],
    )


def _cost_cells(cost: Cost | None) -> tuple[str, ...]:
    if cost is None:
        return (NOT_MEASURED,) * 5
    return tuple(f"{part:.3f}" for part in (cost.requests, cost.compute, cost.restores, cost.downstream, cost.total))


def signed(value: float) -> str:
    """A change, with its sign."""
    return f"+{figure(value)}" if value > 0 else figure(value)


def _p50(distribution: Distribution | None) -> float | None:
    return distribution.p50.value if distribution else None
