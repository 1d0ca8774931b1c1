"""REPORT lines, as Lambda's documentation and its logs show them."""

import json
from typing import Any

import pytest

from lab.records.report_line import InvocationReport, find_report, parse_report
from tests.unit.lab.records.captured_lines import CAPTURED, Captured

ID = "8f507cfc-6411-4ec4-9ea8-1d6f9c8a4f1d"
OTHER = "00000000-6411-4ec4-9ea8-1d6f9c8a4f1d"
WARM = (
    f"REPORT RequestId: {ID}\tDuration: 2.46 ms\tBilled Duration: 3 ms\tMemory Size: 1024 MB\tMax Memory Used: 95 MB\t"
)
WARM_REPORT = InvocationReport(duration_ms=2.46, billed_ms=3.0, memory_mb=1024, max_memory_mb=95)


def tail(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (f"START RequestId: {ID} Version: 1", *lines))


def test_warm() -> None:
    assert find_report(tail("hello", f"END RequestId: {ID}", WARM), ID) == WARM_REPORT


def test_cold() -> None:
    line = (
        f"REPORT RequestId: {ID}\tDuration: 2.46 ms\tBilled Duration: 417 ms\tMemory Size: 1024 MB\t"
        "Max Memory Used: 95 MB\tInit Duration: 413.61 ms\t"
    )

    assert find_report(tail(line), ID) == InvocationReport(
        duration_ms=2.46, billed_ms=417.0, memory_mb=1024, max_memory_mb=95, init_ms=413.61
    )


def test_restored() -> None:
    line = (
        f"REPORT RequestId: {ID}\tDuration: 12.00 ms\tBilled Duration: 253 ms\tMemory Size: 512 MB\t"
        "Max Memory Used: 80 MB\tRestore Duration: 402.41 ms\tBilled Restore Duration: 241 ms\t"
    )

    found = find_report(tail(line), ID)

    assert found == InvocationReport(
        duration_ms=12.0, billed_ms=253.0, memory_mb=512, max_memory_mb=80, restore_ms=402.41
    )


def test_timeout() -> None:
    line = (
        f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 30 MB\tStatus: timeout"
    )

    found = find_report(tail(line), ID)

    assert found is not None
    assert found.duration_ms == 3000.0
    assert found.init_ms is None
    assert found.error_type is None


def test_out_of_memory() -> None:
    found = find_report(tail(f"{WARM}Status: error\tError Type: Runtime.OutOfMemory"), ID)

    assert found is not None
    assert found.error_type == "Runtime.OutOfMemory"
    assert found.max_memory_mb == 95


def test_traced_by_x_ray() -> None:
    traced = "XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true"

    assert find_report(tail(WARM, traced), ID) == WARM_REPORT


def test_no_field_at_all() -> None:
    assert find_report(tail(f"REPORT RequestId: {ID}"), ID) == InvocationReport()


def test_unreadable_quantities_are_absent() -> None:
    line = f"REPORT RequestId: {ID}\tDuration: soon\tBilled Duration: 3 s\tMemory Size: MB\tMax Memory Used: -1 MB\t"

    assert find_report(tail(line), ID) == InvocationReport()


@pytest.mark.parametrize(
    "log", ["", "\n", "REPORT\n", f"REPORT RequestId: {OTHER}\tDuration: 1.00 ms\n", "{\n", "{}\n"]
)
def test_no_report(log: str) -> None:
    assert find_report(log, ID) is None


def test_without_a_request_id_nothing_is_found() -> None:
    assert find_report(tail(WARM), None) is None


def test_a_line_that_the_function_printed_is_not_believed() -> None:
    forged = f"REPORT RequestId: {ID}\tDuration: 0.01 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\t"
    as_json = json.dumps({"type": "platform.report", "record": {"requestId": ID, "metrics": {"durationMs": 0.01}}})

    assert find_report(tail(forged, as_json, f"END RequestId: {ID}", WARM), ID) == WARM_REPORT


def test_a_line_for_another_request_is_passed_over() -> None:
    assert find_report(tail(WARM, f"REPORT RequestId: {OTHER}\tDuration: 0.01 ms\t"), ID) == WARM_REPORT


def test_a_tail_that_begins_in_the_middle_of_a_line() -> None:
    assert find_report(f"ID: {ID}\tDuration: 9 ms\n{WARM}\n", ID) == WARM_REPORT


def as_json(**record: Any) -> str:
    return json.dumps({"time": "2026-11-20T10:00:00.000Z", "type": "platform.report", "record": record})


METRICS = {"durationMs": 2.46, "billedDurationMs": 3, "memorySizeMB": 1024, "maxMemoryUsedMB": 95}


def test_json_warm_has_no_init() -> None:
    assert find_report(as_json(requestId=ID, metrics=METRICS, status="success"), ID) == WARM_REPORT


def test_json_cold_and_restored() -> None:
    cold = find_report(as_json(requestId=ID, metrics={**METRICS, "initDurationMs": 413.61}), ID)
    restored = find_report(
        as_json(requestId=ID, metrics={**METRICS, "restoreDurationMs": 402.41, "billedRestoreDurationMs": 241}), ID
    )

    assert cold is not None
    assert cold.init_ms == 413.61
    assert restored is not None
    assert (restored.restore_ms, restored.init_ms) == (402.41, None)


def test_json_error() -> None:
    found = find_report(as_json(requestId=ID, metrics=METRICS, status="error", errorType="Runtime.OutOfMemory"), ID)

    assert found is not None
    assert found.error_type == "Runtime.OutOfMemory"


@pytest.mark.parametrize(
    "line",
    [
        as_json(requestId=ID),
        as_json(requestId=ID, metrics=None),
        as_json(requestId=ID, metrics={"durationMs": "fast", "billedDurationMs": True, "initDurationMs": None}),
        as_json(requestId=ID, metrics={"durationMs": float("nan")}),
    ],
)
def test_json_without_sound_fields(line: str) -> None:
    assert find_report(line, ID) == InvocationReport()


@pytest.mark.parametrize("line", ["{", "[]", '{"type":"platform.report"}', '{"type":"platform.report","record":[]}'])
def test_json_that_is_no_report(line: str) -> None:
    assert find_report(line, ID) is None


@pytest.mark.parametrize("captured", CAPTURED, ids=[each.name for each in CAPTURED])
def test_the_report_in_a_captured_log_is_one_event_and_is_parsed(captured: Captured) -> None:
    (found,) = filter(None, map(parse_report, captured.events))

    assert found[0] == captured.request_id
    assert found[1].fields() == {
        "duration_ms": captured.duration_ms,
        "billed_ms": captured.billed_ms,
        "memory_mb": captured.memory_mb,
        "max_memory_mb": captured.max_memory_mb,
        "init_ms": captured.init_ms,
        "restore_ms": captured.restore_ms,
    }
    assert find_report("".join(captured.events), captured.request_id) == found[1]  # in a tail, it is two lines
