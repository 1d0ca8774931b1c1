"""The tables of a report: every format shows these."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from facts.prices import Cost
from lab.analysis import statistics as stats
from lab.analysis.model import Advice, Report, Start, VariantSummary
from lab.analysis.statistics import Distribution
from lab.analysis.table import Column, Table, p50_interval, p99, quantile, table, value, variant_table
from lab.analysis.wording import NOT_MEASURED, figure, interval, listed, percent, shown, whole

WORDS: Final = ("variant", "shown", "choose", "as good here", "began by")
"""Columns of words, which stand on the left; the others hold numbers."""


def tables(report: Report) -> tuple[Table, ...]:
    """Every table of a report, the most important first.

    Of records made from logs, the columns in which nothing can be known are left out, and with them the choice of a
    variant: not all had the same load.
    """
    shared = (_compared, _starts, _downstream, _staleness, _counts, _cost)
    if report.from_logs:
        return tuple(_known(make(report)) for make in (_durations, *shared))
    return tuple(make(report) for make in (_choices, _latency, *shared))


def _known(found: Table) -> Table:
    """A table without the columns in which nothing was measured."""
    columns = [*zip(found.columns, *found.rows, strict=True)]
    kept = [column for column in columns[1:] if any(cell not in ("", NOT_MEASURED) for cell in column[1:])]
    heads, *rows = zip(columns[0], *kept, strict=True)
    return Table(found.caption, heads, tuple(rows))


def _choices(report: Report) -> Table:
    return table(
        report,
        "Which cache, by how far out of date an answer may be",
        ("at most, s", "choose", "as good here", "p50, ms", "calls per 1,000", "$ a million", "most seen, s"),
        [_choice_row(report, advice) for advice in report.choices],
    )


def _choice_row(report: Report, advice: Advice) -> tuple[str, ...]:
    at_most_s = advice.question.max_staleness_s
    age = "any" if at_most_s == math.inf else f"{at_most_s:g}"
    chosen = report.find(advice.variant) if advice.variant else None
    if chosen is None:
        return (age, "cannot say", *[NOT_MEASURED] * 5)
    return (
        age,
        shown(chosen.variant, 24),
        listed(advice.alternatives) or NOT_MEASURED,
        quantile(chosen.latency_ms, "p50"),
        value(chosen.downstream_calls_per_1000),
        f"{chosen.cost.total:.2f}" if chosen.cost else NOT_MEASURED,
        quantile(chosen.staleness_s, "max"),
    )


def _distribution(of: Callable[[VariantSummary], Distribution | None]) -> Sequence[Column]:
    return (
        ("answered", lambda one: whole(one.ok)),
        ("p50", lambda one: quantile(of(one), "p50")),
        ("95 % CI", lambda one: p50_interval(of(one))),
        ("p90", lambda one: quantile(of(one), "p90")),
        ("p99", lambda one: p99(one, of(one))),
        ("max", lambda one: quantile(of(one), "max")),
    )


def _latency(report: Report) -> Table:
    service: Column = ("service p50", lambda one: quantile(one.service_ms, "p50"))
    columns = (*_distribution(lambda one: one.latency_ms), service)
    return variant_table(report, "Latency from the planned start, ms", columns)


def _durations(report: Report) -> Table:
    """What is known of records made from logs, in which nobody waited."""
    columns = _distribution(lambda one: one.duration_ms)
    return variant_table(report, "Duration of the functions by their own reports, ms", columns)


def _compared(report: Report) -> Table:
    return table(
        report,
        f"Saved against {report.baseline}",
        ("variant", "ms", "95 % CI", "reads", "95 % CI", "$ a month", "95 % CI"),
        [_compared_row(summary, report.baseline) for summary in report.variants],
    )


def _compared_row(summary: VariantSummary, baseline: str) -> tuple[str, ...]:
    effect = summary.effect
    if effect is None:
        return (summary.variant, "baseline" if summary.variant == baseline else NOT_MEASURED, *[""] * 5)
    reads = effect.saved_calls
    return (
        summary.variant,
        value(effect.saved_ms),
        interval(effect.saved_ms),
        percent(reads.value if reads else None),
        interval(stats.scaled(reads, 100) if reads else None),
        value(effect.saved_usd_month),
        interval(effect.saved_usd_month),
    )


def _starts(report: Report) -> Table:
    return variant_table(
        report,
        "Starts: how many, and median time of each kind, ms"
        if report.from_logs
        else "Warm, cold and restored apart: how many, median latency, and median time to start, ms",
        (
            ("warm", lambda one: whole(one.starts[Start.WARM].count)),
            ("warm p50", lambda one: quantile(one.starts[Start.WARM].latency_ms, "p50")),
            ("cold starts", lambda one: whole(one.cold_starts)),
            ("cold p50", lambda one: quantile(one.starts[Start.COLD].latency_ms, "p50")),
            ("init p50", lambda one: quantile(one.init_ms, "p50")),
            ("restores", lambda one: whole(one.restores)),
            ("restored p50", lambda one: quantile(one.starts[Start.RESTORED].latency_ms, "p50")),
            ("restore p50", lambda one: quantile(one.restore_ms, "p50")),
        ),
    )


def _downstream(report: Report) -> Table:
    return variant_table(
        report,
        "Downstream calls of the invocations, by their own count"
        if report.from_logs
        else "Downstream calls: of the invocations by their own count, and all on the wire",
        (
            ("hit ratio", lambda one: percent(one.hit_ratio)),
            ("own count", lambda one: whole(one.downstream_calls)),
            ("on the wire", lambda one: whole(one.wire_calls)),
            ("per 1,000 invocations", lambda one: value(one.downstream_calls_per_1000)),
            ("95 % CI", lambda one: interval(one.downstream_calls_per_1000)),
        ),
    )


def _staleness(report: Report) -> Table:
    return variant_table(
        report,
        "Age (since the value was read), s"
        if report.from_logs
        else "Staleness (since the served version was superseded) and age (since it was read), s",
        (
            ("stale answers", lambda one: whole(one.stale_answers)),
            ("staleness p90", lambda one: quantile(one.staleness_s, "p90")),
            ("staleness max", lambda one: quantile(one.staleness_s, "max")),
            ("age p50", lambda one: quantile(one.age_s, "p50")),
            ("age p90", lambda one: quantile(one.age_s, "p90")),
            ("age max", lambda one: quantile(one.age_s, "max")),
        ),
    )


def _counts(report: Report) -> Table:
    return variant_table(
        report,
        "Invocations and failures",
        (
            ("invocations", lambda one: whole(one.invocations)),
            ("answered", lambda one: whole(one.ok)),
            ("function errors", lambda one: whole(one.function_errors)),
            ("throttles", lambda one: whole(None if report.from_logs else one.throttles)),
            ("lost", lambda one: whole(None if report.from_logs else one.lost)),
            ("environments", lambda one: whole(one.environments)),
        ),
    )


def _cost(report: Report) -> Table:
    return table(
        report,
        "Cost of a million invocations at AWS list prices, $",
        ("variant", "billed ms, mean", "requests", "compute", "restores", "reads", "sum", "95 % CI"),
        [
            (one.variant, figure(one.billed_ms_mean), *_cost_cells(one.cost), interval(one.cost_total))
            for one in report.variants
        ],
    )


def _cost_cells(cost: Cost | None) -> tuple[str, ...]:
    if cost is None:
        return (NOT_MEASURED,) * 5
    return tuple(f"{part:.3f}" for part in (cost.requests, cost.compute, cost.restores, cost.downstream, cost.total))
