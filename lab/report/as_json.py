"""The report as JSON: the contract's keys; everything else is under ``extensions``, so that the two cannot be mixed."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Final

from facts import prices
from facts.prices import Cost
from lab.analysis.model import Advice, Effect, Part, Report, Start, StartSummary, VariantSummary
from lab.analysis.statistics import CONFIDENCE, Distribution, Estimate
from lab.records.json_values import Json

SCHEMA_VERSION: Final = 1
RUN_KEYS: Final = (
    "id", "target", "scenario", "source", "started_at", "duration_s", "seed", "runtime", "machine", "repetitions"
)  # fmt: skip


def render_json(report: Report) -> str:
    """The report as strict JSON (no NaN), one object, ending with a line end."""
    return json.dumps(to_contract(report), indent=2, allow_nan=False) + "\n"


def to_contract(report: Report) -> dict[str, Json]:
    """The report as the object of the contract."""
    content = dataclasses.asdict(report.file)
    return {
        "schema_version": SCHEMA_VERSION,
        "run": {key: content["run"][key] for key in RUN_KEYS} | {"target": report.target},
        "variants": [_variant(summary) for summary in report.variants],
        "warnings": [dataclasses.asdict(warning) for warning in report.warnings],
        "advice": advice_map(report.advice),
        "extensions": {
            "finished": report.file.finished,
            "baseline": report.baseline,
            "settings": content["settings"],
            "local": content["local"],
            "repetitions": content["repetitions"],
            "used_repetitions": list(report.used),
            "interval": {"confidence": CONFIDENCE, "method": "Student's t over repetitions"},
            "question": {
                "max_staleness_s": _finite(report.question.max_staleness_s),
                "volume": report.question.volume,
                "cold_share": report.question.cold_share,
            },
            "choices": [advice_map(choice) for choice in report.choices],
            "prices": {
                "region": prices.REGION,
                "read_on": prices.READ_ON,
                "included": prices.INCLUDED,
                "excluded": prices.EXCLUDED,
            },
        },
    }


def advice_map(advice: Advice) -> dict[str, Json]:
    """The `advice` of the contract; ``max_staleness_s`` is null for data of any age."""
    return {
        "variant": advice.variant,
        "sentence": advice.sentence,
        "max_staleness_s": _finite(advice.question.max_staleness_s),
        "reasons": list(advice.reasons),
        "alternatives": list(advice.alternatives),
        "excluded": [one._asdict() for one in advice.excluded],
    }


def _variant(summary: VariantSummary) -> dict[str, Json]:
    return {
        "variant": summary.variant,
        "invocations": summary.invocations,
        "function_errors": summary.function_errors,
        "throttles": summary.throttles,
        "lost": summary.lost,
        "environments": summary.environments,
        "cold_starts": summary.cold_starts,
        "latency_ms": _map(summary.latency_ms),
        "service_ms": _map(summary.service_ms),
        "duration_ms": _map(summary.duration_ms),
        "init_ms": _map(summary.init_ms),
        "restore_ms": _map(summary.restore_ms),
        "hit_ratio": _rounded(summary.hit_ratio),
        "downstream_calls": summary.downstream_calls,
        "downstream_calls_per_1000": _value(summary.downstream_calls_per_1000),
        "age_s": _map(summary.age_s),
        "staleness_s": _map(summary.staleness_s),
        "stale_answers": summary.stale_answers,
        "billed_ms": _rounded(summary.billed_ms),
        "cost_per_million_usd": None if summary.cost is None else _rounded(summary.cost.total),
        "warm": _warm(summary),
        "per_start": _per_start(summary),
        "per_month_usd": _rounded(summary.per_month_usd),
        "predicted": None,
        "extensions": _extensions(summary),
    }


def _warm(summary: VariantSummary) -> dict[str, Json] | None:
    warm, latency = summary.warm, summary.starts[Start.WARM].latency_ms
    if warm is None:
        return None
    return {
        "p50_ms": _rounded(latency.p50.value if latency else None),
        "calls_per_1000": _value(warm.calls_per_1000),
        "cost_per_million_usd": _value(warm.cost_total),
    }


def _per_start(summary: VariantSummary) -> dict[str, Json] | None:
    per = summary.per_start
    if per is None:
        return None
    return {
        "ms": _value(per.ms),
        "usd": None if per.usd is None else _finite(per.usd.value),
        "calls": _rounded(per.calls),
    }


def _extensions(summary: VariantSummary) -> dict[str, Json]:
    return {
        "answered": summary.ok,
        "ran": summary.ran,
        "failed_share": _value(summary.failed_share),
        "failed_share_ci95": _ci(summary.failed_share),
        "error_types": dict(summary.error_types),
        "restores": summary.restores,
        "starts": {start.value: _start(summary.starts[start]) for start in Start},
        "latency_p99_ci95_ms": _ci(summary.latency_ms.p99 if summary.latency_ms else None),
        "downstream_calls_per_1000_ci95": _ci(summary.downstream_calls_per_1000),
        "downstream_calls_on_the_wire": summary.wire_calls,
        "billed_ms_mean": _rounded(summary.billed_ms_mean),
        "memory_mb": summary.memory_mb,
        "cost_parts_usd": _cost(summary.cost),
        "cost_per_million_usd_ci95": _ci(summary.cost_total),
        "warm": _more_of_warm(summary),
        "per_start": _more_per_start(summary),
        "month_usd": _value(summary.month_usd),
        "month_usd_ci95": _ci(summary.month_usd),
        "against_baseline": _effect(summary.effect),
        "bound": summary.about.bound,
        "bound_s": _finite(summary.bound_s),
        "bound_broken": summary.bound_broken,
        "parts": [_part(one) for one in summary.parts],
        "repetitions": [one._asdict() | {"mean_ms": _finite(one.mean_ms)} for one in summary.repetitions],
    }


def _start(start: StartSummary) -> dict[str, Json]:
    return {"count": start.count, "latency_ms": _map(start.latency_ms), "service_ms": _map(start.service_ms)}


def _more_of_warm(summary: VariantSummary) -> dict[str, Json] | None:
    warm, latency = summary.warm, summary.starts[Start.WARM].latency_ms
    if warm is None:
        return None
    return {
        "answers": warm.count,
        "mean_ms": _value(warm.mean_ms),
        "mean_ms_ci95": _ci(warm.mean_ms),
        "hit_ms": _rounded(warm.hit_ms),
        "miss_ms": _rounded(warm.miss_ms),
        "p99_ms": _rounded(latency.p99.value if latency else None),
        "p99_ms_ci95": _ci(latency.p99 if latency else None),
        "calls_per_1000_ci95": _ci(warm.calls_per_1000),
        "read_units_per_1000": _value(warm.read_units_per_1000),
        "cost_per_million_usd_ci95": _ci(warm.cost_total),
        "cost_parts_usd": _cost(warm.cost),
    }


def _more_per_start(summary: VariantSummary) -> dict[str, Json] | None:
    per = summary.per_start
    if per is None:
        return None
    return {
        "count": per.count,
        "ms_ci95": _ci(per.ms),
        "usd_ci95": [per.usd.low, per.usd.high] if per.usd and per.usd.bounded else None,
        "start_wait_ms": _rounded(per.wait_ms),
    }


def _effect(effect: Effect | None) -> dict[str, Json] | None:
    if effect is None:
        return None
    return {
        "saved_ms": _value(effect.saved_ms),
        "saved_ms_ci95": _ci(effect.saved_ms),
        "saved_calls_share": _value(effect.saved_calls),
        "saved_calls_share_ci95": _ci(effect.saved_calls),
        "saved_usd_month": _value(effect.saved_usd_month),
        "saved_usd_month_ci95": _ci(effect.saved_usd_month),
    }


def _part(part: Part) -> dict[str, Json]:
    return {
        "name": part.name,
        "requested": part.requested,
        "answered_share": _value(part.answered_share),
        "answered_share_ci95": _ci(part.answered_share),
        "warm_mean_ms": _value(part.warm_ms),
        "warm_mean_ms_ci95": _ci(part.warm_ms),
        "calls_per_1000": _value(part.calls_per_1000),
        "calls_per_1000_ci95": _ci(part.calls_per_1000),
    }


def _cost(cost: Cost | None) -> Mapping[str, Json] | None:
    if cost is None:
        return None
    return {
        "requests": _rounded(cost.requests),
        "compute": _rounded(cost.compute),
        "restores": _rounded(cost.restores),
        "downstream": _rounded(cost.downstream),
    }


def _map(distribution: Distribution | None) -> Mapping[str, Json] | None:
    return None if distribution is None else distribution.to_map()


def _value(estimate: Estimate | None) -> float | None:
    return _rounded(estimate.value if estimate else None)


def _ci(estimate: Estimate | None) -> list[float] | None:
    if estimate is None or not estimate.bounded:
        return None
    return [round(estimate.low, 4), round(estimate.high, 4)]


def _rounded(value: float | None) -> float | None:
    found = _finite(value)
    return None if found is None else round(found, 4)


def _finite(value: float | None) -> float | None:
    """A number, or None where it is unknown or infinite (not answered; no limit)."""
    return None if value is None or not math.isfinite(value) else value
