"""From the source tree to the answer: deployed by the stock CDK CLI to the local endpoint, run, compared."""

import collections
import contextlib
import itertools
import json
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from functions.registry import VARIANTS
from lab.drive.load import LONGEST_SETTLE_S, SETTLE_TTLS
from tests.e2e.conftest import CONCURRENCY, DURATION_S, RATE, REPEAT, TTL_S, Run, invoke, lab


def test_every_variant_is_driven_in_every_repetition(run: Run) -> None:
    repetitions = run.content["repetitions"]
    assert run.content["run"]["repetitions"] == REPEAT
    # Of a busy machine, one is repeated, or the second bad one ends the run.
    assert [each["number"] for each in repetitions] == list(range(len(repetitions)))
    assert min(sum(each["problem"] is None for each in repetitions) / REPEAT, 1.0) == 1.0 or (
        sum(each["problem"] is not None for each in repetitions) == 2
    )
    groups_a_second = RATE / CONCURRENCY
    slots = {
        "settle": math.ceil(min(SETTLE_TTLS * TTL_S, LONGEST_SETTLE_S) * groups_a_second),
        "steady": round(DURATION_S / REPEAT * groups_a_second),
    }
    for variant, repetition in itertools.product(VARIANTS, repetitions):
        records = [each for each in run.of(variant.name) if each.repetition == repetition["number"]]
        counts = collections.Counter(each.phase for each in records)
        assert counts == {"start": CONCURRENCY} | {phase: CONCURRENCY * count for phase, count in slots.items()}
        assert {record.status for record in records} == {"ok"}
        measured = [each.planned_at or 0.0 for each in records if each.phase == "steady"]
        assert repetition["measured_from"] <= min(measured) <= max(measured) < repetition["measured_until"]


def test_every_repetition_has_environments_of_its_own(run: Run) -> None:
    for variant in VARIANTS:
        found = collections.defaultdict(set)
        for record in run.of(variant.name):
            found[record.environment_id].add(record.repetition)
        assert {len(repetitions) for repetitions in found.values()} == {1}
    assert "started_warm" not in {warning["code"] for warning in run.content["warnings"]}
    for record in run.records:
        if record.phase == "start":
            assert record.invocation == 1
            assert record.restored if record.variant == "snapstart" else record.cold_start


def test_variants_are_asked_for_the_same_keys(run: Run) -> None:
    sequences = [
        [record.key for record in sorted(run.of(variant.name), key=lambda record: record.sequence)]
        for variant in VARIANTS
    ]
    assert all(sequence == sequences[0] for sequence in sequences)


def test_no_cache_makes_one_downstream_call_an_invocation_and_is_never_stale(run: Run) -> None:
    for record in run.of("no_cache"):
        assert record.downstream_calls == 1
        assert record.cache == "miss"
        assert record.staleness_ms == 0


def test_module_cache_makes_one_downstream_call_a_key_and_environment(run: Run) -> None:
    records = run.of("module_cache")
    calls = sum(record.downstream_calls or 0 for record in records)
    assert calls == len({(record.environment_id, record.key) for record in records})
    assert calls < len(records)


def test_only_what_a_cache_held_is_stale(run: Run) -> None:
    assert {record.cache for record in run.records if record.staleness_ms} <= {"hit"}


def test_module_cache_serves_what_was_superseded(clients: dict[str, Any]) -> None:
    dynamodb = clients["dynamodb"]
    (table,) = dynamodb.list_tables()["TableNames"]
    item = dynamodb.get_item(TableName=table, Key={"key": {"S": "item-0003"}})["Item"]
    _, first = invoke(clients, "module_cache", {"key": "item-0003"})
    newer = {**item, "version": {"N": str(first["version"] + 1)}}
    try:
        dynamodb.put_item(TableName=table, Item=newer)
        _, second = invoke(clients, "module_cache", {"key": "item-0003"})
        _, read = invoke(clients, "no_cache", {"key": "item-0003"})
    finally:
        dynamodb.put_item(TableName=table, Item=item)
    assert second["environment"]["id"] == first["environment"]["id"]
    assert (second["cache"], second["version"]) == ("hit", first["version"])
    assert read["version"] == first["version"] + 1


@pytest.mark.parametrize("variant", ["ttl_cache", "tmp_cache", "snapstart"])
def test_a_cache_with_a_ttl_never_answers_older_than_it(run: Run, variant: str) -> None:
    for record in run.of(variant):
        assert record.age_ms is not None
        assert record.duration_ms is not None
        assert record.age_ms <= TTL_S * 1000 + record.duration_ms
    assert {record.cache for record in run.of(variant)} >= {"hit"}


def test_ttl_cache_reads_again_what_has_expired(clients: dict[str, Any]) -> None:
    _, first = invoke(clients, "ttl_cache", {"key": "item-0003"})
    time.sleep(max(0.0, TTL_S - first["age_ms"] / 1000) + 0.1)
    _, second = invoke(clients, "ttl_cache", {"key": "item-0003"})
    assert second["environment"]["id"] == first["environment"]["id"]
    assert (second["cache"], second["downstream_calls"]) == ("miss", 1)


def test_snapstarts_first_request_after_a_restore_has_the_snapshots_values(run: Run) -> None:
    first = [record for record in run.of("snapstart") if record.restored and record.invocation == 1]
    assert first
    for record in first:
        assert (record.cache, record.downstream_calls) in (("hit", 0), ("miss", 1))  # the snapshot may be too old
        assert record.restore_ms is not None
        assert record.init_ms is None


def test_snapstart_is_the_only_variant_that_is_restored(run: Run) -> None:
    for record in run.records:
        assert record.restored == (record.variant == "snapstart")
        assert not (record.cold_start and record.restored)


def test_the_functions_count_what_the_wire_saw(run: Run) -> None:
    wire = run.content["wire"]
    assert set(wire) == {variant.name for variant in VARIANTS}
    assert wire["no_cache"]["downstream_calls"] == len(run.of("no_cache"))
    for variant, seen in wire.items():
        assert seen["read_units"] == sum(record.read_units or 0 for record in run.of(variant))
    assert "downstream_count_differs" not in {warning["code"] for warning in run.content["warnings"]}


def test_figures_of_the_report_line_are_in_the_records(run: Run) -> None:
    for record in run.records:
        assert record.duration_ms is not None
        assert record.billed_ms is not None
        assert record.memory_mb == 512
        assert record.max_memory_mb is not None
        whole = record.duration_ms + (record.init_ms or 0)
        assert whole <= record.billed_ms <= whole + (record.restore_ms or 0) + 2  # a part of a restore is billed
        assert record.latency_ms is not None
        assert record.service_ms is not None
        assert record.service_ms >= record.duration_ms


def test_the_comparison_is_printed_and_can_be_had_again(run: Run, tmp_path: Path) -> None:
    for variant in VARIANTS:
        assert variant.name in run.stdout
    report = json.loads(lab("report", str(run.folder), "--format", "json").stdout)
    assert [row["variant"] for row in report["variants"]] == [variant.name for variant in VARIANTS]
    page = tmp_path / "report.html"
    assert lab("report", str(run.folder), "--format", "html", "--output", str(page)).returncode == 0
    assert page.stat().st_size < 2_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process by /proc, which Linux has")
def test_tmp_cache_outlives_a_crash_of_its_process(clients: dict[str, Any]) -> None:
    _, before = invoke(clients, "tmp_cache", {"key": "item-0003"})
    _, before = invoke(clients, "tmp_cache", {"key": "item-0003"})
    _kill_runtimes_of(b"cache-lab-tmp_cache")
    answer, after = invoke(clients, "tmp_cache", {"key": "item-0003"})
    assert "FunctionError" not in answer
    assert before["cache"] == after["cache"] == "hit"
    assert after["environment"]["id"] != before["environment"]["id"]
    assert after["version"] == before["version"]


def _kill_runtimes_of(function: bytes) -> None:
    wanted = b"AWS_LAMBDA_FUNCTION_NAME=" + function
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
                killed += 1
    assert killed
    time.sleep(0.3)  # the environment sees the end of its process


@pytest.mark.parametrize(
    ("event", "error_type"),
    [
        ({}, "BadRequest"),
        ({"key": 7}, "BadRequest"),
        ({"key": "no such item"}, "BadRequest"),
        ({"key": "item-9999"}, "ItemNotFound"),
    ],
)
@pytest.mark.parametrize("variant", [variant.name for variant in VARIANTS])
def test_what_cannot_be_answered_is_a_function_error(
    clients: dict[str, Any], variant: str, event: Any, error_type: str
) -> None:
    answer, payload = invoke(clients, variant, event)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == error_type


def test_the_dashboard_is_deployed(clients: dict[str, Any]) -> None:
    body = json.loads(
        clients["cloudwatch"].get_dashboard(DashboardName="CacheLab-comparison-us-east-1")["DashboardBody"]
    )
    text = json.dumps(body)
    for variant in VARIANTS:
        assert variant.name in text
