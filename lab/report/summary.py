"""From a run's records to its report: everything is computed here, and once."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from functions.registry import BASELINE, VARIANTS
from lab import stats
from lab.errors import LabError
from lab.prices import Cost, cost_per_million
from lab.records import Record, read_records, read_run
from lab.report.model import (
    Comparison,
    Point,
    Report,
    RunWarning,
    Start,
    StartSummary,
    VariantSummary,
    start_of,
)
from lab.report.run_warnings import find_warnings
from lab.report.values import Json, finite, mapping, number

RUN_KEYS: Final = ("id", "target", "scenario", "source", "started_at", "duration_s", "seed", "runtime", "machine")
CURVE_POINTS: Final = 400
CALLS_BINS: Final = 40


def summarise(run_dir: Path) -> Report:
    """The report of a run, finished or killed.

    Raises:
        LabError: the folder holds no run, or its records are not all of one target.
    """
    content = finite(read_run(run_dir))
    records = sorted(read_records(run_dir), key=lambda record: number(record.planned_at) or 0.0)
    run = {key: mapping(content.get("run")).get(key) for key in RUN_KEYS}
    run["target"] = _one_target(run_dir, run["target"], records)
    run_of = _Run(run=run, settings=mapping(content.get("settings")), window=_window(records))
    wire = mapping(content.get("wire"))
    variants = [
        _variant(name, [record for record in records if str(record.variant) == name], run_of, mapping(wire.get(name)))
        for name in _names(run_of.settings.get("variants"), records)
    ]
    report = Report(
        run=run,
        settings=run_of.settings,
        local=mapping(content.get("local")) or None,
        finished=content.get("finished") is True,
        baseline=BASELINE,
        variants=_compared(variants),
        warnings=(),
    )
    told = _told(content.get("warnings"))
    found = find_warnings(report, records)
    codes = {warning.code for warning in told}
    return dataclasses.replace(report, warnings=(*told, *(one for one in found if one.code not in codes)))


class _Run(NamedTuple):
    run: dict[str, Json]
    settings: Mapping[str, Json]
    window: tuple[float, float]


def _one_target(run_dir: Path, target: Json, records: Iterable[Record]) -> str:
    targets = sorted({str(record.target) for record in records} | ({str(target)} if target else set()))
    if len(targets) > 1:
        raise LabError(
            f"{run_dir} mixes numbers of {' and '.join(targets)}; keep the records of each target in a run apart"
        )
    return targets[0] if targets else "unknown"


def _window(records: Sequence[Record]) -> tuple[float, float]:
    planned = [value for record in records if (value := number(record.planned_at)) is not None]
    return (planned[0], planned[-1]) if planned else (0.0, 0.0)


def _told(warnings: Json) -> list[RunWarning]:
    """The warnings that the run itself wrote down."""
    entries = [mapping(entry) for entry in warnings] if isinstance(warnings, list) else []
    return [RunWarning(*(str(entry.get(key) or "") for key in RunWarning._fields)) for entry in entries if entry]


def _names(driven: Json, records: Iterable[Record]) -> list[str]:
    """Every variant of the run, in the registry's order; those it does not know follow."""
    names = [str(name) for name in driven] if isinstance(driven, list) else []
    names += [str(record.variant) for record in records]
    known = [variant.name for variant in VARIANTS]
    return sorted(dict.fromkeys(names), key=lambda name: known.index(name) if name in known else len(known))


def _variant(name: str, records: Sequence[Record], run_of: _Run, wire: Mapping[str, Json]) -> VariantSummary:
    ok = [record for record in records if record.status == "ok"]
    statuses = Counter(str(record.status) for record in records)
    begun = [start_of(record) for record in records]
    restores = begun.count(Start.RESTORED)
    calls = _sampled(ok, _calls, 1.0)
    counted = calls.values.size > 0
    staleness = _sample(ok, "staleness_ms", 1 / 1000)
    billed = _sample(records, "billed_ms")
    billed_mean = float(billed.values.mean()) if billed.values.size else None
    memory = next((memory for record in records if (memory := number(record.memory_mb))), None)
    wire_calls = number(wire.get("downstream_calls"))
    return VariantSummary(
        variant=name,
        invocations=len(records),
        ok=len(ok),
        function_errors=statuses["function_error"],
        throttles=statuses["throttled"],
        lost=statuses["lost"],
        error_types=Counter(str(record.error_type or record.status) for record in records if record.status != "ok"),
        environments=len({str(record.environment_id) for record in records if record.environment_id is not None}),
        cold_starts=begun.count(Start.COLD),
        restores=restores,
        starts={
            start: _start([one for one, how in zip(records, begun, strict=True) if how is start and one.status == "ok"])
            for start in Start
        },
        latency_ms=stats.describe(_sample(ok, "latency_ms")),
        service_ms=stats.describe(_sample(ok, "service_ms")),
        duration_ms=stats.describe(_sample(ok, "duration_ms")),
        init_ms=stats.describe(_sample(records, "init_ms")),
        restore_ms=stats.describe(_sample(records, "restore_ms")),
        hit_ratio=sum(record.cache in ("hit", "stale") for record in ok) / len(ok) if ok else None,
        downstream_calls=round(calls.values.sum()) if counted else None,
        downstream_calls_per_1000=stats.scaled(stats.mean(calls), 1000) if counted else None,
        wire_calls=None if wire_calls is None else round(wire_calls),
        age_s=stats.describe(_sample(ok, "age_ms", 1 / 1000)),
        staleness_s=stats.describe(staleness),
        stale_answers=int((staleness.values > 0).sum()) if staleness.values.size else None,
        billed_ms=float(billed.values.sum()) if billed.values.size else None,
        billed_ms_mean=billed_mean,
        memory_mb=memory,
        cost=_cost(run_of, memory, billed_mean, restores / len(records) if records else 0.0, calls),
        comparison=None,
        latency_curve=_latency_curve(_sample(ok, "latency_ms").values),
        calls_curve=_calls_curve(ok, run_of.window),
    )


def _sample(records: Iterable[Record], field: str, factor: float = 1.0) -> stats.Sample:
    return _sampled(records, lambda record: number(getattr(record, field)), factor)


def _sampled(records: Iterable[Record], value_of: Callable[[Record], float | None], factor: float) -> stats.Sample:
    measured = [
        (value * factor, None if record.environment_id is None else str(record.environment_id))
        for record in records
        if (value := value_of(record)) is not None
    ]
    return stats.sample([value for value, _ in measured], [environment for _, environment in measured])


def _calls(record: Record) -> float | None:
    """The downstream calls of an invocation, those included that its environment made before it, at its start."""
    calls = number(record.downstream_calls)
    return None if calls is None else calls + (number(record.init_downstream_calls) or 0)


def _start(records: Sequence[Record]) -> StartSummary:
    return StartSummary(
        count=len(records),
        latency_ms=stats.describe(_sample(records, "latency_ms")),
        service_ms=stats.describe(_sample(records, "service_ms")),
    )


def _cost(
    run_of: _Run, memory_mb: float | None, billed_ms: float | None, restores: float, calls: stats.Sample
) -> Cost | None:
    if memory_mb is None or billed_ms is None or not calls.values.size:
        return None
    return cost_per_million(
        architecture=str(run_of.settings.get("architecture")),
        source=str(run_of.run["source"]),
        memory_mb=memory_mb,
        billed_ms=billed_ms,
        restores=restores,
        downstream_calls=float(calls.values.mean()),
    )


def _compared(variants: Sequence[VariantSummary]) -> tuple[VariantSummary, ...]:
    baseline = next((summary for summary in variants if summary.variant == BASELINE), None)
    if baseline is None:
        return tuple(variants)
    return tuple(
        summary if summary is baseline else dataclasses.replace(summary, comparison=_comparison(summary, baseline))
        for summary in variants
    )


def _comparison(summary: VariantSummary, baseline: VariantSummary) -> Comparison | None:
    if summary.latency_ms is None or baseline.latency_ms is None:
        return None
    latency = stats.ratio(summary.latency_ms.p50, baseline.latency_ms.p50)
    if latency is None:
        return None
    calls, least = summary.downstream_calls_per_1000, baseline.downstream_calls_per_1000
    return Comparison(
        latency=latency,
        shown=stats.verdict(summary.latency_ms.p50, baseline.latency_ms.p50),
        calls_per_1000=None if calls is None or least is None else stats.difference(calls, least),
    )


def _latency_curve(latencies: stats.Floats) -> tuple[Point, ...]:
    """The empirical distribution; where it is thinned, half of the points are for the slowest invocations."""
    count = latencies.size
    if not count:
        return ()
    ordered = np.sort(latencies)
    body = np.linspace(0, count - 1, CURVE_POINTS // 2)
    tail = count - np.geomspace(1, count, CURVE_POINTS // 2)
    chosen = np.unique(np.concatenate((body, tail)).astype(int)) if count > CURVE_POINTS else np.arange(count)
    return tuple(Point(float(ordered[index]), (int(index) + 1) / count) for index in chosen)


def _calls_curve(ok: Iterable[Record], window: tuple[float, float]) -> tuple[Point, ...]:
    began, ended = window
    span = ended - began
    if span <= 0:
        return ()
    bins = int(np.clip(span, 1, CALLS_BINS))
    made = [
        (planned - began, calls)
        for record in ok
        if (planned := number(record.planned_at)) is not None and (calls := _calls(record)) is not None
    ]
    if not made:
        return ()
    counts, edges = np.histogram(
        [at for at, _ in made], bins=bins, range=(0, span), weights=[calls for _, calls in made]
    )
    middles = (edges[:-1] + edges[1:]) / 2
    return tuple(
        Point(float(middle), float(count) * bins / span) for middle, count in zip(middles, counts, strict=True)
    )
