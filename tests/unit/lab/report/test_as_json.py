"""The contract of `report --format json`: the design's keys, no more beside ``extensions``."""

import json
import math
from pathlib import Path
from typing import Any

from lab.report.render import render
from tests.unit.lab.report.simulated import run_content, simulate, simulated_records, write_run

TOP = {"schema_version", "run", "variants", "warnings"}
RUN = {"id", "target", "scenario", "source", "started_at", "duration_s", "seed", "runtime", "machine"}
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
}
MAP = {"p50", "p90", "p99", "max", "mean", "p50_ci95"}
MAPS = {"latency_ms", "service_ms", "duration_ms", "init_ms", "restore_ms", "age_s", "staleness_s"}


def _strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_keys_are_those_of_the_contract(simulated_run: Path) -> None:
    report = _strict(render(simulated_run, "json"))

    assert set(report) == TOP | {"extensions"}
    assert report["schema_version"] == 1
    assert set(report["run"]) == RUN
    for variant in report["variants"]:
        assert set(variant) == VARIANT | {"extensions"}
        for name in MAPS:
            assert variant[name] is None or set(variant[name]) == MAP


def test_what_was_not_measured_is_null(simulated_run: Path) -> None:
    variants = {one["variant"]: one for one in _strict(render(simulated_run, "json"))["variants"]}

    assert variants["snapstart"]["init_ms"] is None
    assert variants["no_cache"]["restore_ms"] is None
    assert variants["no_cache"]["init_ms"]["p50"] > 0


def test_warm_cold_and_restored_are_apart(simulated_run: Path) -> None:
    variants = {one["variant"]: one["extensions"] for one in _strict(render(simulated_run, "json"))["variants"]}

    assert (
        variants["no_cache"]["cold_start"]["latency_ms"]["p50"] > 5 * variants["no_cache"]["warm"]["latency_ms"]["p50"]
    )
    assert variants["snapstart"]["restored"]["count"] == variants["snapstart"]["restores"]
    assert variants["snapstart"]["cold_start"] == {"count": 0, "latency_ms": None, "service_ms": None}


def test_a_comparison_has_its_interval(simulated_run: Path) -> None:
    against = _strict(render(simulated_run, "json"))["variants"][1]["extensions"]["against_baseline"]
    low, high = against["latency_p50_ratio_ci95"]

    assert low <= against["latency_p50_ratio"] <= high
    assert against["shown"] == "faster"


def test_warnings_have_code_message_and_advice(tmp_path: Path) -> None:
    report = _strict(render(simulate(tmp_path, duration_s=1.0), "json"))

    assert [set(warning) for warning in report["warnings"]] == [{"code", "message", "advice"}]
    assert report["warnings"][0]["code"] == "too_few_samples"


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
        }
