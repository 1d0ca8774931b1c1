"""From a run's records to its report: everything is computed here, and once."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from facts.prices import PROVISIONED_GB_SECOND, Cost, provisioned_per_month, snapshot_per_month
from lab.analysis import figures as over
from lab.analysis import statistics as stats
from lab.analysis.advice import Evidence, advise, ages_s, bound_s
from lab.analysis.columns import Bools, Columns, Floats, VariantColumns, reading
from lab.analysis.costing import Priced, blended, cost_of, usd_by_repetition
from lab.analysis.model import (
    Part,
    Point,
    Question,
    RepetitionFigures,
    Report,
    Start,
    StartSummary,
    VariantSummary,
    Warm,
    from_logs,
)
from lab.analysis.scope import PARTS, Scope, used_repetitions
from lab.analysis.statistics import Repeated
from lab.analysis.timelines import beginnings, latency_course, lives
from lab.analysis.warnings import find_warnings
from lab.errors import LabError
from lab.records.files import run_files
from lab.records.run_file import LATE_MS, RunFile, VariantDescription

CURVE_POINTS: Final = 400
CALLS_BINS: Final = 40
QUANTILES: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
GRACE: Final = 1.01
"""An answer is sent a little after its value's age was checked: what is seen may exceed a bound by this ratio."""


def summarise(run: Path | str, question: Question = Question()) -> Report:  # noqa: B008 - immutable
    """The report of a run, finished or killed.

    Args:
        run: its folder, or ``s3://bucket/prefix``.
        question: what its advice is for.

    Raises:
        LabError: there is no run, or its records are not all of one target.
    """
    with run_files(run) as files, reading(files.records) as columns:
        return _report(files.name, files.run, columns, question)


class _Asked(NamedTuple):
    """What decides a variant's summary beside its records."""

    run: RunFile
    window: tuple[float, float]
    question: Question


def _report(name: str, run: RunFile, columns: Columns, question: Question) -> Report:
    target = _one_target(name, run.run.target, columns)
    used, asked = used_repetitions(run), _Asked(run, columns.window, question)
    variants, months = [], {}
    for variant in _names(run, columns):
        summary, months[variant] = _variant(run.variant(variant), Scope(columns.of(variant), used), asked)
        variants.append(summary)
    compared = _compared(variants, run.baseline, months)
    numbers = tuple(one.number for one in used)
    lateness = columns.lateness(LATE_MS, numbers)
    evidence = Evidence(run, compared, lateness[0], from_logs(compared))
    report = Report(
        file=run,
        target=target,
        variants=compared,
        used=numbers,
        question=question,
        advice=advise(evidence, question),
        choices=tuple(advise(evidence, question._replace(max_staleness_s=age)) for age in ages_s(run)),
    )
    found = find_warnings(report, columns, lateness)
    codes = {warning.code for warning in run.warnings}
    return dataclasses.replace(report, warnings=(*run.warnings, *(one for one in found if one.code not in codes)))


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


def _variant(about: VariantDescription, scope: Scope, asked: _Asked) -> tuple[VariantSummary, Repeated | None]:
    """The summary of a variant, without its effect; and what a month costs, for that."""
    records, run, question = scope.records, asked.run, asked.question
    statuses, memory = records.statuses(), records.memory_mb()
    latency = records.measured("latency_ms")
    took = records.measured("duration_ms") if np.isnan(latency).all() else latency
    ready = (run.settings.provisioned_concurrency or {}).get(about.name, 0)
    priced = Priced(run.settings.architecture, run.run.source, memory, provisioned=ready > 0)
    figures = _figures(scope, took, priced)
    started, restores = over.per_start(figures), int((records.start == Start.RESTORED.code).sum())
    kept = _per_month(restores, ready, priced)
    month, each = over.month_usd(figures, question, kept), over.invocation_usd(figures, question.cold_share)
    wire = (run.wire or {}).get(about.name)
    bound = bound_s(about, run.settings.ttl_s)
    stalest = _stalest_s(records)
    summary = VariantSummary(
        about=about,
        invocations=records.count,
        ok=int(records.ok.sum()),
        ran=int(records.ran.sum()),
        unreported=records.unreported(),
        failed_share=stats.share(scope.counts(scope.measured & ~records.ok), scope.counts(scope.measured)),
        failed_unprovoked=_share(~records.ok, scope.in_use & scope.faultless),
        function_errors=statuses.get("function_error", 0),
        throttles=statuses.get("throttled", 0),
        lost=statuses.get("lost", 0),
        error_types=records.error_types(),
        environments=records.environment_count(),
        cold_starts=int((records.start == Start.COLD.code).sum()),
        restores=restores,
        throttled_calls=round(np.nansum(records.measured("downstream_throttles"))),
        wire_calls=wire.downstream_calls if wire else None,
        memory_mb=memory,
        cost=_cost(scope, priced, question.cold_share),
        cost_total=each.times(1e6).estimate(least=0) if each else None,
        repetitions=figures,
        warm=_warm(figures, cost_of(scope, priced, _warm_ran(scope), 0.0)),
        per_start=started,
        per_month_usd=kept,
        month_usd=month.estimate(least=0) if month else None,
        effect=None,
        parts=_parts(scope, took),
        bound_s=bound,
        stalest_s=stalest,
        bound_broken=_broke(bound, stalest, records),
        lives=lives(records),
        **_distributions(scope, latency),
        **_served(scope),
        **_over_time(scope, latency, asked.window),
    )
    return summary, month


def _figures(scope: Scope, took: Floats, priced: Priced) -> tuple[RepetitionFigures, ...]:
    """What each used repetition measured, outside a fault."""
    records = scope.records
    measured, ran = scope.measured & scope.faultless, _warm_ran(scope)
    answers = measured & scope.warm & records.ok & ~np.isnan(took)
    hits, starts = answers & records.hit, scope.in_use & scope.faultless & ~scope.warm & records.ok
    restored = records.start == Start.RESTORED.code
    calls = records.measured("calls")
    columns: dict[str, Floats | None] = {
        "answers": scope.counts(answers),
        "latency_ms": scope.sums(took, answers),
        "ran": scope.counts(ran),
        "calls": _reported(scope, calls, ran),
        "read_units": _reported(scope, records.measured("read_units"), ran),
        "usd": usd_by_repetition(scope, priced, ran, restored),
        "requested": scope.counts(measured),
        "failed": scope.counts(measured & ~records.ok),
        "hits": scope.counts(hits),
        "hit_ms": scope.sums(took, hits),
        "starts": scope.counts(starts),
        "start_ms": scope.sums(np.nan_to_num(took), starts),
        "start_calls": _reported(scope, calls, starts),
        "start_usd": usd_by_repetition(scope, priced._replace(provisioned=False), starts, restored),
        "start_wait_ms": _reported(scope, records.measured("start_wait_ms"), starts),
    }
    counted = ("answers", "ran", "requested", "failed", "hits", "starts")
    numbers = [one.number for one in scope.used] or [0]
    return tuple(
        RepetitionFigures(
            repetition=number,
            **{
                name: None if column is None else int(column[place]) if name in counted else float(column[place])
                for name, column in columns.items()
            },  # type: ignore[arg-type]
        )
        for place, number in enumerate(numbers)
    )


def _warm_ran(scope: Scope) -> Bools:
    return scope.measured & scope.faultless & scope.warm & scope.records.ran


def _reported(scope: Scope, column: Floats, among: Bools) -> Floats | None:
    """The sum of each repetition, 0 of an invocation that reported none; None if no invocation reported any."""
    if np.isnan(column[scope.records.ran]).all():
        return None
    return scope.sums(np.nan_to_num(column), among)


def _warm(figures: Sequence[RepetitionFigures], cost: Cost | None) -> Warm | None:
    mean, usd = over.warm_ms(figures), over.warm_usd(figures)
    if mean is None:
        return None
    count, hits = sum(one.answers for one in figures), sum(one.hits for one in figures)
    hit_ms = sum(one.hit_ms for one in figures)
    miss_ms = sum(one.latency_ms for one in figures) - hit_ms
    return Warm(
        count=count,
        mean_ms=mean.estimate(least=0),
        hit_ms=hit_ms / hits if hits else None,
        miss_ms=miss_ms / (count - hits) if count > hits else None,
        calls_per_1000=over.calls_per_1000(figures),
        read_units_per_1000=over.read_units_per_1000(figures),
        cost=cost,
        cost_total=usd.times(1e6).estimate(least=0) if usd else None,
    )


def _cost(scope: Scope, priced: Priced, cold_share: float) -> Cost | None:
    """The cost of a million invocations by part, with the share of starts that is asked for."""
    warm = cost_of(scope, priced, _warm_ran(scope), 0.0)
    if warm is None or cold_share == 0:
        return warm
    starts = scope.in_use & scope.faultless & ~scope.warm & scope.records.ok
    if not starts.any():
        return None
    start = cost_of(
        scope, priced._replace(provisioned=False), starts, _share(scope.records.start == Start.RESTORED.code, starts)
    )
    return None if start is None else blended(warm, start, cold_share)


def _per_month(restores: int, ready: int, priced: Priced) -> float | None:
    """What is paid whatever the load: a snapshot that environments were restored from, and environments kept ready."""
    if not restores and not ready:
        return 0.0
    if priced.memory_mb is None or priced.architecture not in PROVISIONED_GB_SECOND:
        return None
    snapshot = snapshot_per_month(priced.memory_mb) if restores else 0.0
    return snapshot + ready * provisioned_per_month(priced.architecture, priced.memory_mb)


def _stalest_s(records: VariantColumns) -> float | None:
    """How far out of date the worst answer of the whole run was, seconds."""
    staleness = records.measured("staleness_ms")[records.ok]
    return None if np.isnan(staleness).all() else float(np.nanmax(staleness)) / 1000


def _broke(bound: float | None, stalest: float | None, records: VariantColumns) -> bool:
    """Whether an answer was older than its design allows.

    A value is as old as its read, which takes time itself: the longest warm answer is allowed on top.
    """
    if bound is None or stalest is None:
        return False
    service = records.measured("service_ms")[records.ok & (records.start == Start.WARM.code)]
    in_flight = 0.0 if np.isnan(service).all() else float(np.nanmax(service)) / 1000
    return stalest > bound * GRACE + in_flight


def _parts(scope: Scope, took: Floats) -> tuple[Part, ...]:
    """Before, during and after the fault, apart; nothing without one."""
    if not any(one.fault_from is not None for one in scope.used):
        return ()
    return tuple(_part(scope, took, number, name) for number, name in enumerate(PARTS))


def _part(scope: Scope, took: Floats, number: int, name: str) -> Part:
    records = scope.records
    requested = scope.measured & (scope.part == number)
    answers, ran = requested & records.ok & scope.warm & ~np.isnan(took), requested & records.ran
    counted = scope.counts(answers)
    mean = stats.mean_over(np.where(counted > 0, scope.sums(took, answers) / np.maximum(counted, 1), math.nan))
    calls = _reported(scope, records.measured("calls"), ran)
    made = None if calls is None else stats.rate(calls, scope.counts(ran))
    return Part(
        name=name,
        requested=int(requested.sum()),
        answered_share=stats.share(scope.counts(requested & records.ok), scope.counts(requested)),
        warm_ms=mean.estimate(least=0) if mean else None,
        calls_per_1000=None if made is None else stats.scaled(made, 1000),
    )


def _distributions(scope: Scope, latency: Floats) -> dict[str, Any]:
    """The times that were measured; those of init, restore and billing of failed invocations too."""
    records, everything = scope.records, np.ones(scope.records.count, dtype=bool)
    service, billed = records.measured("service_ms"), records.measured("billed_ms")
    of_warm = billed[_warm_ran(scope) & ~np.isnan(billed)]
    return {
        "starts": {start: _start(scope, start) for start in Start},
        "latency_ms": stats.describe(scope.requested(latency)),
        "service_ms": stats.describe(scope.requested(service)),
        "duration_ms": stats.describe(scope.sample("duration_ms", scope.measured & records.ok)),
        "init_ms": stats.describe(scope.sample("init_ms", everything)),
        "restore_ms": stats.describe(scope.sample("restore_ms", everything)),
        "billed_ms": None if np.isnan(billed).all() else float(np.nansum(billed)),
        "billed_ms_mean": float(of_warm.mean()) if of_warm.size else None,
    }


def _start(scope: Scope, start: Start) -> StartSummary:
    among = scope.in_use & scope.records.ok & (scope.records.start == start.code)
    if start is Start.WARM:
        among &= scope.measured
    return StartSummary(
        count=int(among.sum()),
        latency_ms=stats.describe(scope.sample("latency_ms", among)),
        service_ms=stats.describe(scope.sample("service_ms", among)),
    )


def _served(scope: Scope) -> dict[str, Any]:
    """What was read downstream and what came from the cache, and how old it was."""
    records, measured = scope.records, scope.measured
    ran, calls = measured & records.ran, records.measured("calls")
    made = _reported(scope, calls, ran)
    each = None if made is None else stats.rate(made, scope.counts(ran))
    staleness = scope.sample("staleness_ms", measured & records.ok, 1 / 1000)
    return {
        "hit_ratio": _share(records.hit, ran) if ran.any() else None,
        "downstream_calls": None if made is None else round(np.nansum(calls[records.ran])),
        "downstream_calls_per_1000": None if each is None else stats.scaled(each, 1000),
        "age_s": stats.describe(scope.sample("age_ms", measured & records.ok, 1 / 1000)),
        "staleness_s": stats.describe(staleness),
        "stale_answers": int((staleness.values > 0).sum()) if staleness.values.size else None,
    }


def _over_time(scope: Scope, latency: Floats, window: tuple[float, float]) -> dict[str, Any]:
    """The curves and the points that the charts draw; those over time are of the whole run."""
    records = scope.records
    planned, ordered = records.measured("moment"), np.sort(scope.requested(latency).values)
    answered = bool(ordered.size) and math.isfinite(ordered[0])
    return {
        "latency_curve": _latency_curve(ordered),
        "quantiles": tuple(stats.nearest_rank(ordered, share) for share in QUANTILES) if answered else (),
        "calls_curve": _calls_curve(records, planned, window),
        "latency_course": latency_course(records, latency, planned, window),
        "beginnings": beginnings(records, latency, planned, window),
    }


def _share(chosen: Bools, among: Bools) -> float:
    """The share of the chosen ones; 0 among none."""
    return float(chosen[among].mean()) if among.any() else 0.0


def _compared(
    variants: Sequence[VariantSummary], name: str, months: dict[str, Repeated | None]
) -> tuple[VariantSummary, ...]:
    baseline = next((summary for summary in variants if summary.variant == name), None)
    if baseline is None:
        return tuple(variants)
    return tuple(
        summary
        if summary is baseline
        else dataclasses.replace(
            summary,
            effect=over.effect(summary.repetitions, baseline.repetitions, months[summary.variant], months[name]),
        )
        for summary in variants
    )


def _latency_curve(ordered: Floats) -> tuple[Point, ...]:
    """The empirical distribution; where it is thinned, half of the points are for the slowest answers."""
    count = int(np.searchsorted(ordered, math.inf))
    if not count:
        return ()
    body = np.linspace(0, count - 1, CURVE_POINTS // 2)
    tail = count - np.geomspace(1, count, CURVE_POINTS // 2)
    chosen = np.unique(np.concatenate((body, tail)).astype(int)) if count > CURVE_POINTS else np.arange(count)
    return tuple(Point(float(ordered[index]), (int(index) + 1) / ordered.size) for index in chosen)


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
