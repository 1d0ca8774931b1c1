"""The contract of `report --format json`: the design's keys, no more beside ``extensions``."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from lab.analysis.model import Question
from lab.report.render import render
from tests.unit.lab.report.simulated import (
    repeated_content,
    repeated_records,
    run_content,
    simulate,
    simulated_records,
    write_run,
)  # fmt: skip

TOP = {"schema_version", "run", "variants", "warnings", "advice"}
RUN = {"id", "target", "scenario", "source", "started_at", "duration_s", "seed", "runtime", "machine", "repetitions"}
ADVICE = {"variant", "sentence", "max_staleness_s", "reasons", "alternatives", "excluded"}
VARIANT = {
    "variant",
    "invocations",
    "function_errors",
    "throttles",
    "lost",
    "environments",
    "cold_starts",
    "latency_ms",
    "service_ms",
    "duration_ms",
    "init_ms",
    "restore_ms",
    "hit_ratio",
    "downstream_calls",
    "downstream_calls_per_1000",
    "age_s",
    "staleness_s",
    "stale_answers",
    "billed_ms",
    "cost_per_million_usd",
    "warm",
    "per_start",
    "per_month_usd",
    "predicted",
}
MAP = {"p50", "p90", "p99", "max", "mean", "p50_ci95"}
MAPS = {"latency_ms", "service_ms", "duration_ms", "init_ms", "restore_ms", "age_s", "staleness_s"}


def _strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_keys_are_those_of_the_contract(repeated_run: Path) -> None:
    report = _strict(render(repeated_run, "json"))

    assert set(report) == TOP | {"extensions"}
    assert report["schema_version"] == 1
    assert set(report["run"]) == RUN
    for variant in report["variants"]:
        assert set(variant) == VARIANT | {"extensions"}
        for name in MAPS:
            assert variant[name] is None or set(variant[name]) == MAP


def test_what_was_not_measured_is_null(repeated_run: Path) -> None:
    variants = {one["variant"]: one for one in _strict(render(repeated_run, "json"))["variants"]}

    assert variants["snapstart"]["init_ms"] is None
    assert variants["no_cache"]["restore_ms"] is None
    assert variants["no_cache"]["init_ms"]["p50"] > 0


def test_the_added_fields_are_those_of_the_contract(repeated_run: Path) -> None:
    report = _strict(render(repeated_run, "json"))

    assert report["run"]["repetitions"] == 5
    assert set(report["advice"]) == ADVICE
    assert report["advice"]["max_staleness_s"] == 60
    assert report["advice"]["excluded"][0] == {
        "variant": "module_cache",
        "reason": "nothing limits how old its answers are",
        "remedy": "give its entries a TTL",
    }
    for variant in report["variants"]:
        assert set(variant["warm"]) == {"p50_ms", "calls_per_1000", "cost_per_million_usd"}
        assert set(variant["per_start"]) == {"ms", "usd", "calls"}
        assert variant["predicted"] is None
        assert (variant["per_month_usd"] > 0) == (variant["variant"] == "snapstart")


def test_any_age_is_null(repeated_run: Path) -> None:
    report = _strict(render(repeated_run, "json", question=Question(max_staleness_s=math.inf)))

    assert report["advice"]["max_staleness_s"] is None
    assert report["advice"]["variant"] == "module_cache"


def test_a_percentile_that_falls_on_a_failure_is_null(tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, status="lost", latency_ms=None, service_ms=None) if record.sequence % 5 else record
        for record in repeated_records()
    ]
    report = _strict(render(write_run(tmp_path, records, repeated_content(records)), "json"))

    assert report["variants"][0]["latency_ms"]["p50"] is None
    assert report["variants"][0]["latency_ms"]["mean"] > 0
    assert report["advice"]["variant"] is None


def test_warm_cold_and_restored_are_apart(repeated_run: Path) -> None:
    variants = {one["variant"]: one["extensions"] for one in _strict(render(repeated_run, "json"))["variants"]}
    starts = variants["no_cache"]["starts"]

    assert starts["cold_start"]["latency_ms"]["p50"] > 5 * starts["warm"]["latency_ms"]["p50"]
    assert variants["snapstart"]["starts"]["restored"]["count"] == variants["snapstart"]["restores"]
    assert variants["snapstart"]["starts"]["cold_start"] == {"count": 0, "latency_ms": None, "service_ms": None}


def test_an_effect_has_its_interval(repeated_run: Path) -> None:
    against = _strict(render(repeated_run, "json"))["variants"][1]["extensions"]["against_baseline"]

    for name in ("saved_ms", "saved_calls_share", "saved_usd_month"):
        low, high = against[f"{name}_ci95"]
        assert low <= against[name] <= high


def test_warnings_have_code_message_and_advice(tmp_path: Path) -> None:
    report = _strict(render(simulate(tmp_path, duration_s=1.0), "json"))

    assert all(set(warning) == {"code", "message", "advice"} for warning in report["warnings"])
    assert "too_few_samples" in {warning["code"] for warning in report["warnings"]}


def test_nan_in_a_run_becomes_null(tmp_path: Path) -> None:
    records = simulated_records(duration_s=1.0)
    content = run_content(records)
    content["run"]["machine"]["cpus"] = math.nan
    content["settings"]["rate"] = math.inf
    report = _strict(render(write_run(tmp_path, records, content), "json"))

    assert report["run"]["machine"]["cpus"] is None
    assert report["extensions"]["settings"]["rate"] is None


def test_an_empty_run_is_null_where_nothing_was_measured(tmp_path: Path) -> None:
    for variant in _strict(render(write_run(tmp_path, [], run_content([])), "json"))["variants"]:
        nulls = {key for key, value in variant.items() if value is None}

        assert nulls == MAPS | {
            "hit_ratio",
            "downstream_calls",
            "downstream_calls_per_1000",
            "stale_answers",
            "billed_ms",
            "cost_per_million_usd",
            "warm",
            "per_start",
            "predicted",
        }
