"""The tables of a report: every format shows these."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from facts.prices import Cost
from lab.analysis.model import Report, Start, VariantSummary
from lab.analysis.statistics import Distribution, Estimate, scaled
from lab.analysis.table import Column, Table, p50_interval, p99, p99_interval, quantile, table, value, variant_table
from lab.analysis.wording import NOT_MEASURED, figure, interval, percent, shown, whole
from lab.report.brief import money, money_interval, month, percent_interval, saved_percent

WORDS: Final = frozenset({"variant", "out of date at most", "problem", "repetition", "phase", "shown"})
"""Columns of words, which stand on the left; the others hold numbers."""


def tables(report: Report) -> tuple[Table, ...]:
    """Every table below the first one, the most important first.

    Columns in which nothing was measured are left out.
    """
    shared = (_downstream, _staleness, _counts, _cost)
    measured = (_effects, _warm, _per_start, _month, _latency, *((_repetitions,) if report.file.repetitions else ()))
    made = (_durations, _starts_of_logs, *shared) if report.from_logs else (*measured, *shared)
    found = (*(make(report) for make in made), *_outage(report))
    return tuple(one for one in map(_known, found) if len(one.columns) > 1)


def _known(found: Table) -> Table:
    """A table without the columns in which nothing was measured."""
    columns = [*zip(found.columns, *found.rows, strict=True)]
    kept = [column for column in columns[1:] if any(cell not in ("", NOT_MEASURED) for cell in column[1:])]
    heads, *rows = zip(columns[0], *kept, strict=True)
    return Table(found.caption, heads, tuple(rows))


def _effects(report: Report) -> Table:
    return table(
        report,
        f"Saved in this run against {shown(report.baseline, 24)}; $ a month at {month(report)}",
        ("variant", "ms per answer", "95 % CI", "reads", "95 % CI", "$ a month", "95 % CI"),
        [_effect_row(one, report.baseline) for one in report.variants],
    )


def _effect_row(one: VariantSummary, baseline: str) -> tuple[str, ...]:
    effect = one.effect
    if one.variant == baseline:
        return (one.variant, "baseline", *[""] * 5)
    if effect is None:
        return (one.variant, *[NOT_MEASURED] * 6)
    saved_usd = effect.saved_usd_month
    return (
        one.variant,
        value(effect.saved_ms),
        interval(effect.saved_ms),
        saved_percent(effect.saved_calls),
        percent_interval(effect.saved_calls),
        money(saved_usd.value if saved_usd else None, ""),
        money_interval(saved_usd),
    )


def _warm(report: Report) -> Table:
    return table(
        report,
        "Warm answers",
        (
            "variant",
            "answers",
            "mean, ms",
            "95 % CI",
            "hit, ms",
            "miss, ms",
            "hit ratio",
            "p50, ms",
            "p99, ms",
            "95 % CI",
            "calls per 1,000",
            "95 % CI",
            "read units per 1,000",
            "$ a million",
            "95 % CI",
        ),
        [_warm_row(one) for one in report.variants],
    )


def _warm_row(one: VariantSummary) -> tuple[str, ...]:
    warm, latency = one.warm, one.starts[Start.WARM].latency_ms
    if warm is None:
        return (one.variant, *[NOT_MEASURED] * 14)
    return (
        one.variant,
        whole(warm.count),
        value(warm.mean_ms),
        interval(warm.mean_ms),
        figure(warm.hit_ms),
        figure(warm.miss_ms),
        percent(one.hit_ratio),
        quantile(latency, "p50"),
        p99(one, latency),
        p99_interval(one, latency),
        value(warm.calls_per_1000),
        interval(warm.calls_per_1000),
        value(warm.read_units_per_1000),
        value(warm.cost_total),
        interval(warm.cost_total),
    )


def _per_start(report: Report) -> Table:
    return table(
        report,
        "Per start of an environment: the start and the answer",
        (
            "variant",
            "starts",
            "ms",
            "95 % CI",
            "init p50",
            "restore p50",
            "calls",
            "$ a million",
            "95 % CI",
            "start wait, ms (subtracted)",
        ),
        [_start_row(one) for one in report.variants],
    )


def _start_row(one: VariantSummary) -> tuple[str, ...]:
    per = one.per_start
    if per is None:
        return (one.variant, *[NOT_MEASURED] * 9)
    return (
        one.variant,
        whole(per.count),
        value(per.ms),
        interval(per.ms),
        quantile(one.init_ms, "p50"),
        quantile(one.restore_ms, "p50"),
        figure(per.calls),
        *_scaled(per.usd, 1e6),
        figure(per.wait_ms),
    )


def _scaled(estimate: Estimate | None, factor: float) -> tuple[str, str]:
    if estimate is None:
        return (NOT_MEASURED, NOT_MEASURED)
    found = scaled(estimate, factor)
    return (value(found), interval(found))


def _month(report: Report) -> Table:
    """What a month costs, by what causes it."""
    return table(
        report,
        f"Cost of a month at {month(report)}, $",
        ("variant", "warm", "starts", "snapshot or provisioned", "sum", "95 % CI"),
        [_month_row(report, one) for one in report.variants],
    )


def _month_row(report: Report, one: VariantSummary) -> tuple[str, ...]:
    question, warm, per = report.question, one.warm, one.per_start
    warm_usd = warm.cost_total.value / 1e6 if warm and warm.cost_total else None
    start_usd = per.usd.value if per and per.usd else None
    return (
        one.variant,
        money(_times(warm_usd, question.volume * (1 - question.cold_share)), ""),
        money(_times(start_usd, question.volume * question.cold_share), ""),
        money(one.per_month_usd, ""),
        money(one.month_usd.value if one.month_usd else None, ""),
        money_interval(one.month_usd),
    )


def _times(usd: float | None, count: float) -> float | None:
    return None if usd is None else usd * count


def _latency(report: Report) -> Table:
    *percentiles, longest = _distribution(lambda one: one.latency_ms)
    columns = (
        *percentiles,
        ("warm p99", lambda one: p99(one, one.starts[Start.WARM].latency_ms)),
        longest,
        ("service p50", lambda one: quantile(one.service_ms, "p50")),
    )
    return variant_table(report, "Latency from the planned start of everything requested, ms", columns)


def _durations(report: Report) -> Table:
    """What is known of records made from logs, in which nobody waited."""
    columns = _distribution(lambda one: one.duration_ms)
    return variant_table(report, "Duration of the functions by their own reports, ms", columns)


def _distribution(of: Callable[[VariantSummary], Distribution | None]) -> Sequence[Column]:
    return (
        ("answered", lambda one: whole(one.ok)),
        ("p50", lambda one: quantile(of(one), "p50")),
        ("95 % CI", lambda one: p50_interval(of(one))),
        ("p90", lambda one: quantile(of(one), "p90")),
        ("p99", lambda one: p99(one, of(one))),
        ("95 % CI", lambda one: p99_interval(one, of(one))),
        ("max", lambda one: quantile(of(one), "max")),
    )


def _repetitions(report: Report) -> Table:
    """The spread between repetitions: what each variant saved in each, and what disturbed it."""
    baseline = report.find(report.baseline)
    means = {one.repetition: one.mean_ms for one in baseline.repetitions} if baseline else {}
    others = [one for one in report.variants if one.variant != report.baseline]
    return table(
        report,
        f"Repetitions: ms saved against {shown(report.baseline, 24)} in each",
        (
            "repetition",
            *(shown(one.variant, 24) for one in others),
            "processor pressure",
            "unplanned starts",
            "problem",
        ),
        [
            (
                f"{each.number}",
                *(_saved_in(one, each.number, means) for one in others),
                percent(each.cpu_pressure),
                whole(each.unplanned_starts),
                shown(each.problem, 60) if each.problem else "" if each.complete else "cut short",
            )
            for each in report.file.repetitions
        ],
    )


def _saved_in(one: VariantSummary, number: int, means: dict[int, float]) -> str:
    mean = next((each.mean_ms for each in one.repetitions if each.repetition == number), math.nan)
    return figure(means.get(number, math.nan) - mean)


def _outage(report: Report) -> tuple[Table, ...]:
    """Each part of the measured time of an outage; no table without one."""
    rows = [
        (
            one.variant,
            part.name,
            whole(part.requested),
            percent(part.answered_share.value if part.answered_share else None),
            percent_interval(part.answered_share),
            value(part.warm_ms),
            interval(part.warm_ms),
            value(part.calls_per_1000),
            interval(part.calls_per_1000),
        )
        for one in report.variants
        for part in one.parts
    ]
    columns = (
        "variant",
        "phase",
        "requested",
        "answered",
        "95 % CI",
        "warm mean, ms",
        "95 % CI",
        "calls per 1,000",
        "95 % CI",
    )
    return (table(report, "Before, during and after the fault", columns, rows),) if rows else ()


def _starts_of_logs(report: Report) -> Table:
    return variant_table(
        report,
        "Starts: how many, and median time of each kind, ms",
        (
            ("warm", lambda one: whole(one.starts[Start.WARM].count)),
            ("cold starts", lambda one: whole(one.cold_starts)),
            ("init p50", lambda one: quantile(one.init_ms, "p50")),
            ("restores", lambda one: whole(one.restores)),
            ("restore p50", lambda one: quantile(one.restore_ms, "p50")),
        ),
    )


def _downstream(report: Report) -> Table:
    wire = "" if report.from_logs else " and on the wire"
    return variant_table(
        report,
        f"Downstream calls of the whole run, by the functions' own count{wire}",
        (
            ("own count", lambda one: whole(one.downstream_calls)),
            ("on the wire", lambda one: whole(one.wire_calls)),
            ("hit ratio, measured time", lambda one: percent(one.hit_ratio)),
            ("per 1,000, measured time", lambda one: value(one.downstream_calls_per_1000)),
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
        "Invocations and failures of the whole run",
        (
            ("invocations", lambda one: whole(one.invocations)),
            ("answered", lambda one: whole(one.ok)),
            ("function errors", lambda one: whole(one.function_errors)),
            ("throttles", lambda one: whole(None if report.from_logs else one.throttles)),
            ("lost", lambda one: whole(None if report.from_logs else one.lost)),
            ("environments", lambda one: whole(one.environments)),
            ("cold starts", lambda one: whole(one.cold_starts)),
            ("restores", lambda one: whole(one.restores)),
        ),
    )


def _cost(report: Report) -> Table:
    return table(
        report,
        "Cost of a million warm invocations at AWS list prices, by part, $",
        ("variant", "requests", "compute", "restores", "reads", "sum", "95 % CI"),
        [(one.variant, *_cost_cells(_cost_of(one)), interval(_total_of(one))) for one in report.variants],
    )


def _cost_of(one: VariantSummary) -> Cost | None:
    return one.warm.cost if one.warm else one.cost


def _total_of(one: VariantSummary) -> Estimate | None:
    return one.warm.cost_total if one.warm else one.cost_total


def _cost_cells(cost: Cost | None) -> tuple[str, ...]:
    if cost is None:
        return (NOT_MEASURED,) * 5
    return tuple(f"{part:.3f}" for part in (cost.requests, cost.compute, cost.restores, cost.downstream, cost.total))
