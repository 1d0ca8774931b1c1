"""From a run's records to its report: everything is computed here, and once."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from lab.analysis import statistics as stats
from lab.analysis.columns import Bools, Columns, Floats, Measure, VariantColumns, reading
from lab.analysis.costing import Priced, costed
from lab.analysis.model import (
    Comparison,
    Point,
    Report,
    Start,
    StartSummary,
    VariantSummary,
)
from lab.analysis.timelines import beginnings, latency_course, lives
from lab.analysis.warnings import find_warnings, warm_rise
from lab.errors import LabError
from lab.records.files import run_files
from lab.records.run_file import RunFile, VariantDescription

CURVE_POINTS: Final = 400
CALLS_BINS: Final = 40
QUANTILES: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


def summarise(run: Path | str) -> Report:
    """The report of a run, finished or killed.

    Args:
        run: its folder, or ``s3://bucket/prefix``.

    Raises:
        LabError: there is no run, or its records are not all of one target.
    """
    with run_files(run) as files, reading(files.records) as columns:
        return _report(files.name, files.run, columns)


def _report(name: str, run: RunFile, columns: Columns) -> Report:
    target = _one_target(name, run.run.target, columns)
    variants, rises = [], {}
    for variant in _names(run, columns):
        records = columns.of(variant)
        variants.append(_variant(run.variant(variant), records, run, columns.window))
        rises[variant] = warm_rise(records)
    report = Report(file=run, target=target, variants=_compared(variants, run.baseline))
    found = find_warnings(report, columns, rises)
    codes = {warning.code for warning in run.warnings}
    warnings = (*run.warnings, *(one for one in found if one.code not in codes))
    return dataclasses.replace(report, warnings=warnings)


def _one_target(name: str, target: str | None, columns: Columns) -> str:
    targets = sorted({*columns.targets} | ({target} if target else set()))
    if len(targets) > 1:
        raise LabError(
            f"{name} mixes numbers of {' and '.join(targets)}; keep the records of each target in a run apart"
        )
    return targets[0] if targets else "unknown"


def _names(run: RunFile, columns: Columns) -> list[str]:
    """Every variant of the run, in the order of its file; those that only the records name follow."""
    driven = {*run.settings.variants, *columns.variants}
    described = [variant.name for variant in run.variants if variant.name in driven]
    return list(dict.fromkeys((*described, *run.settings.variants, *columns.variants)))


def _variant(
    about: VariantDescription, records: VariantColumns, run: RunFile, window: tuple[float, float]
) -> VariantSummary:
    statuses, memory, latency = records.statuses(), records.memory_mb(), records.measured("latency_ms")
    cost, cost_total = costed(records, Priced(run.settings.architecture, run.run.source, memory))
    wire = (run.wire or {}).get(about.name)
    return VariantSummary(
        about=about,
        invocations=records.count,
        ok=int(records.ok.sum()),
        ran=int(records.ran.sum()),
        unreported=records.unreported(),
        failed_share=_failed_share(records),
        function_errors=statuses.get("function_error", 0),
        throttles=statuses.get("throttled", 0),
        lost=statuses.get("lost", 0),
        error_types=records.error_types(),
        environments=records.environment_count(),
        cold_starts=int((records.start == Start.COLD.code).sum()),
        restores=int((records.start == Start.RESTORED.code).sum()),
        wire_calls=wire.downstream_calls if wire else None,
        memory_mb=memory,
        cost=cost,
        cost_total=cost_total,
        comparison=None,
        lives=lives(records),
        **_distributions(records, latency),
        **_served(records),
        **_over_time(records, latency, window),
    )


def _distributions(records: VariantColumns, latency: Floats) -> dict[str, Any]:
    """The times that were measured, of answered invocations; those of init, restore and billing of all."""
    ok, service, billed = records.ok, records.measured("service_ms"), _sample(records, "billed_ms").values
    return {
        "starts": _starts(records, latency, service),
        "latency_ms": _described(records, latency, ok),
        "service_ms": _described(records, service, ok),
        "duration_ms": stats.describe(_sample(records, "duration_ms", ok)),
        "init_ms": stats.describe(_sample(records, "init_ms")),
        "restore_ms": stats.describe(_sample(records, "restore_ms")),
        "billed_ms": float(billed.sum()) if billed.size else None,
        "billed_ms_mean": float(billed.mean()) if billed.size else None,
    }


def _served(records: VariantColumns) -> dict[str, Any]:
    """What was read downstream and what came from the cache, and how old it was."""
    ran, calls = int(records.ran.sum()), _calls(records)
    staleness = _sample(records, "staleness_ms", records.ok, 1 / 1000)
    return {
        "hit_ratio": records.hits() / ran if ran else None,
        "downstream_calls": None if calls is None else round(calls.values.sum()),
        "downstream_calls_per_1000": None if calls is None else stats.scaled(stats.mean(calls), 1000),
        "age_s": stats.describe(_sample(records, "age_ms", records.ok, 1 / 1000)),
        "staleness_s": stats.describe(staleness),
        "stale_answers": int((staleness.values > 0).sum()) if staleness.values.size else None,
    }


def _over_time(records: VariantColumns, latency: Floats, window: tuple[float, float]) -> dict[str, Any]:
    """The curves and the points that the charts draw."""
    planned = records.measured("moment")
    ordered = np.sort(latency[records.ok & ~np.isnan(latency)])
    return {
        "latency_curve": _latency_curve(ordered),
        "quantiles": tuple(stats.nearest_rank(ordered, share) for share in QUANTILES) if ordered.size else (),
        "calls_curve": _calls_curve(records, planned, window),
        "latency_course": latency_course(records, latency, planned, window),
        "beginnings": beginnings(records, latency, planned, window),
    }


def _sample(records: VariantColumns, measure: Measure, among: Bools | None = None, factor: float = 1.0) -> stats.Sample:
    """What was measured, of all records or of those ``among`` them, times a factor."""
    return _sampled(records, records.measured(measure) * factor, among)


def _sampled(records: VariantColumns, column: Floats, among: Bools | None) -> stats.Sample:
    chosen = ~np.isnan(column) if among is None else ~np.isnan(column) & among
    return stats.Sample(column[chosen], records.grouped(chosen))


def _calls(records: VariantColumns) -> stats.Sample | None:
    """The downstream calls of every invocation that ran, 0 of one that reported none; None if no one reported any."""
    calls = records.measured("calls")
    if np.isnan(calls[records.ran]).all():
        return None
    return _sampled(records, np.nan_to_num(calls), records.ran)


def _failed_share(records: VariantColumns) -> stats.Estimate | None:
    if not records.count:
        return None
    return stats.share(stats.Sample(~records.ok, records.grouped(np.ones_like(records.ok))))


def _described(records: VariantColumns, column: Floats, among: Bools) -> stats.Distribution | None:
    return stats.describe(_sampled(records, column, among))


def _starts(records: VariantColumns, latency: Floats, service: Floats) -> dict[Start, StartSummary]:
    summaries = {}
    for start in Start:
        among = records.ok & (records.start == start.code)
        summaries[start] = StartSummary(
            count=int(among.sum()),
            latency_ms=_described(records, latency, among),
            service_ms=_described(records, service, among),
        )
    return summaries


def _compared(variants: Sequence[VariantSummary], name: str) -> tuple[VariantSummary, ...]:
    baseline = next((summary for summary in variants if summary.variant == name), None)
    if baseline is None:
        return tuple(variants)
    return tuple(
        summary if summary is baseline else dataclasses.replace(summary, comparison=_comparison(summary, baseline))
        for summary in variants
    )


def _comparison(summary: VariantSummary, baseline: VariantSummary) -> Comparison | None:
    if summary.took_ms is None or baseline.took_ms is None:
        return None
    latency = stats.ratio(summary.took_ms.p50, baseline.took_ms.p50)
    if latency is None:
        return None
    calls, least = summary.downstream_calls_per_1000, baseline.downstream_calls_per_1000
    return Comparison(
        latency=latency,
        shown=stats.verdict(summary.took_ms.p50, baseline.took_ms.p50),
        calls_per_1000=None if calls is None or least is None else stats.difference(calls, least),
    )


def _latency_curve(ordered: Floats) -> tuple[Point, ...]:
    """The empirical distribution; where it is thinned, half of the points are for the slowest invocations."""
    count = ordered.size
    if not count:
        return ()
    body = np.linspace(0, count - 1, CURVE_POINTS // 2)
    tail = count - np.geomspace(1, count, CURVE_POINTS // 2)
    chosen = np.unique(np.concatenate((body, tail)).astype(int)) if count > CURVE_POINTS else np.arange(count)
    return tuple(Point(float(ordered[index]), (int(index) + 1) / count) for index in chosen)


def _calls_curve(records: VariantColumns, planned: Floats, window: tuple[float, float]) -> tuple[Point, ...]:
    began, ended = window
    span = ended - began
    if span <= 0:
        return ()
    bins = int(np.clip(span, 1, CALLS_BINS))
    calls = records.measured("calls")
    made = records.ran & ~np.isnan(planned) & ~np.isnan(calls)
    if not made.any():
        return ()
    counts, edges = np.histogram(planned[made] - began, bins=bins, range=(0, span), weights=calls[made])
    middles = (edges[:-1] + edges[1:]) / 2
    return tuple(
        Point(float(middle), float(count) * bins / span) for middle, count in zip(middles, counts, strict=True)
    )
