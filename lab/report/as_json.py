"""The report as JSON: the contract's keys; everything else is under ``extensions``, so that the two cannot be mixed."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Final

from facts import prices
from facts.prices import Cost
from lab.analysis.model import Advice, Effect, Report, Start, StartSummary, VariantSummary
from lab.analysis.statistics import CONFIDENCE, Distribution, Estimate
from lab.records.json_values import Json

SCHEMA_VERSION: Final = 1
RUN_KEYS: Final = ("id", "target", "scenario", "source", "started_at", "duration_s", "seed", "runtime", "machine")


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
        "extensions": {
            "finished": report.file.finished,
            "baseline": report.baseline,
            "settings": content["settings"],
            "local": content["local"],
            "interval": {"confidence": CONFIDENCE, "method": "Student's t over repetitions"},
            "choices": [_choice(advice) for advice in report.choices],
            "prices": {
                "region": prices.REGION,
                "read_on": prices.READ_ON,
                "included": prices.INCLUDED,
                "excluded": prices.EXCLUDED,
            },
        },
    }


def _choice(advice: Advice) -> dict[str, Json]:
    at_most_s = advice.question.max_staleness_s
    return {
        "at_most_s": at_most_s if math.isfinite(at_most_s) else None,
        "choose": advice.variant,
        "as_good": list(advice.alternatives),
        "unfit": {one.variant: one.reason for one in advice.excluded},
    }


def _variant(summary: VariantSummary) -> dict[str, Json]:
    per_1000 = summary.downstream_calls_per_1000
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
        "downstream_calls_per_1000": None if per_1000 is None else _rounded(per_1000.value),
        "age_s": _map(summary.age_s),
        "staleness_s": _map(summary.staleness_s),
        "stale_answers": summary.stale_answers,
        "billed_ms": _rounded(summary.billed_ms),
        "cost_per_million_usd": None if summary.cost is None else _rounded(summary.cost.total),
        "extensions": _extensions(summary),
    }


def _extensions(summary: VariantSummary) -> dict[str, Json]:
    return {
        "answered": summary.ok,
        "ran": summary.ran,
        "failed_share": None if summary.failed_share is None else _rounded(summary.failed_share.value),
        "failed_share_ci95": _ci(summary.failed_share),
        "error_types": dict(summary.error_types),
        "restores": summary.restores,
        **{start.value: _start(summary.starts[start]) for start in Start},
        "latency_p99_ci95_ms": _ci(summary.latency_ms.p99 if summary.latency_ms else None),
        "downstream_calls_per_1000_ci95": _ci(summary.downstream_calls_per_1000),
        "downstream_calls_on_the_wire": summary.wire_calls,
        "billed_ms_mean": _rounded(summary.billed_ms_mean),
        "memory_mb": summary.memory_mb,
        "cost_parts_usd": _cost(summary.cost),
        "cost_per_million_usd_ci95": _ci(summary.cost_total),
        "against_baseline": _effect(summary.effect),
    }


def _start(start: StartSummary) -> dict[str, Json]:
    return {"count": start.count, "latency_ms": _map(start.latency_ms), "service_ms": _map(start.service_ms)}


def _effect(effect: Effect | None) -> dict[str, Json] | None:
    if effect is None:
        return None
    saved = {"ms": effect.saved_ms, "calls": effect.saved_calls, "usd_month": effect.saved_usd_month}
    return {
        key: value
        for name, one in saved.items()
        for key, value in (
            (f"saved_{name}", None if one is None else _rounded(one.value)),
            (f"saved_{name}_ci95", _ci(one)),
        )
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


def _ci(estimate: Estimate | None) -> list[float] | None:
    if estimate is None or not estimate.bounded:
        return None
    return [round(estimate.low, 4), round(estimate.high, 4)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
