"""Records of what functions logged, in both formats of Lambda's log."""

import json
from collections.abc import Iterable

import pytest

from lab.aws.function_logs import LogLine
from lab.collect.log_records import records
from lab.records.record import Record


def emf(request: str, environment: str = "e1", **values: float) -> str:
    counts = {"Hits": 0, "Misses": 0, "StaleServed": 0, "DownstreamCalls": 0, "DownstreamErrors": 0, "ColdStarts": 0}
    about = {"environment_id": environment, "request_id": request, "Variant": "ttl_cache"}
    return json.dumps({"_aws": {"Timestamp": 1}, **counts, **values, **about})


def text(request: str, more: str = "") -> str:
    return (
        f"REPORT RequestId: {request}\tDuration: 2.46 ms\tBilled Duration: 3 ms\tMemory Size: 512 MB\t"
        f"Max Memory Used: 95 MB\t{more}"
    )


def as_json(request: str, status: str = "success", **metrics: float) -> str:
    measured = {"durationMs": 2.46, "billedDurationMs": 3, "memorySizeMB": 512, "maxMemoryUsedMB": 95, **metrics}
    record = {"requestId": request, "status": status, "metrics": measured}
    return json.dumps({"time": "2026-11-21T10:00:00.000Z", "type": "platform.report", "record": record})


def made(*texts: str) -> list[Record]:
    lines: Iterable[LogLine] = (LogLine(100.0 + number, "s", each) for number, each in enumerate(texts))
    return list(records(lines, run_id="r", target="aws", variant="ttl_cache"))


@pytest.mark.parametrize("report", [text("a", "Init Duration: 413.61 ms\t"), as_json("a", initDurationMs=413.61)])
def test_a_cold_start(report: str) -> None:
    line = emf("a", Misses=1, DownstreamCalls=1, DownstreamLatency=5.5, ValueAge=5.7, ColdStarts=1, read_units=1)

    (record,) = made("START RequestId: a Version: 3", line, "END RequestId: a", report)

    assert record == Record(
        run_id="r",
        target="aws",
        variant="ttl_cache",
        sequence=0,
        key=None,
        planned_at=None,
        sent_at=None,
        received_at=103.0,
        latency_ms=None,
        service_ms=None,
        status="ok",
        request_id="a",
        environment_id="e1",
        invocation=1,
        cold_start=True,
        restored=False,
        init_ms=413.61,
        duration_ms=2.46,
        billed_ms=3.0,
        memory_mb=512,
        max_memory_mb=95,
        cache="miss",
        downstream_calls=1,
        downstream_ms=5.5,
        age_ms=5.7,
        downstream_errors=0,
        read_units=1.0,
    )
    assert '"planned_at":null' in record.to_json()


@pytest.mark.parametrize("report", [text("a", "Restore Duration: 253.10 ms\t"), as_json("a", restoreDurationMs=253.1)])
def test_a_restore_and_what_follows_it(report: str) -> None:
    first, second = made(emf("a", Hits=1, DownstreamCalls=3, ValueAge=9), report, emf("b", Hits=1), text("b"))

    assert (first.cold_start, first.restored, first.invocation, first.restore_ms) == (False, True, 1, 253.1)
    assert (first.downstream_calls, first.downstream_ms, first.init_downstream_calls) == (0, 0.0, 3)
    assert (second.cold_start, second.restored, second.invocation, second.restore_ms) == (False, True, 2, None)


def test_an_environment_that_began_before_the_span() -> None:
    (record,) = made(emf("a", StaleServed=1), text("a"))

    assert (record.environment_id, record.invocation, record.restored, record.cache) == ("e1", None, None, "stale")


@pytest.mark.parametrize(
    ("lines", "error_type"),
    [
        ([emf("a", DownstreamCalls=1, DownstreamErrors=1, DownstreamLatency=9), text("a")], None),
        ([text("a", "Status: timeout\t")], "Sandbox.Timedout"),
        ([text("a", "Status: error\tError Type: Runtime.OutOfMemory\t")], "Runtime.OutOfMemory"),
        ([as_json("a", "timeout")], "Sandbox.Timedout"),
        ([as_json("a", "failure")], None),
        (
            ["START RequestId: a Version: 3", "[ERROR] DownstreamError: no answer\nTraceback", emf("a"), text("a")],
            "DownstreamError",
        ),
        ([json.dumps({"errorType": "BadRequest", "requestId": "a"}), emf("a"), as_json("a", "error")], "BadRequest"),
    ],
)
def test_a_function_error(lines: list[str], error_type: str | None) -> None:
    (record,) = made(*lines)

    assert (record.status, record.error_type, record.cache) == ("function_error", error_type, None)


def test_downstream_errors_are_told_of_answers_and_failures_alike() -> None:
    line = emf("a", DownstreamCalls=3, DownstreamErrors=3, DownstreamLatency=9, downstream_throttles=2)
    found = made(line, text("a"), emf("b", Hits=1), text("b"))

    assert [
        (record.status, record.downstream_errors, record.downstream_calls, record.downstream_throttles)
        for record in found
    ] == [("function_error", 3, 3, 2), ("ok", 0, 0, None)]


def test_invocations_side_by_side_are_told_apart() -> None:
    found = made(emf("a", "e1", Hits=1), emf("b", "e2", Misses=1), text("b"), text("a"))

    assert [(record.request_id, record.cache, record.received_at) for record in found] == [
        ("a", "hit", 103.0),
        ("b", "miss", 102.0),
    ]


def test_an_asynchronous_invocation_that_was_tried_again_has_a_record_a_try() -> None:
    found = made(emf("a"), text("a"), emf("a", Hits=1), text("a"))

    assert [(record.sequence, record.status) for record in found] == [(0, "function_error"), (1, "ok")]


def test_a_request_that_timed_out_in_each_try_has_a_record_a_try() -> None:
    late = "2023-10-20T16:28:17.840Z a Task timed out after 3.00 seconds"
    lines = ["START RequestId: a Version: 3", late, "END RequestId: a", text("a")]

    found = made(*lines, *lines)
    only_reports = made(text("a", "Status: timeout\t"), text("a", "Status: timeout\t"))

    for records_found in (found, only_reports):
        assert [(record.status, record.error_type) for record in records_found] == [
            ("function_error", "Sandbox.Timedout"),
            ("function_error", "Sandbox.Timedout"),
        ]


def test_what_an_answered_invocation_printed_is_no_error() -> None:
    (record,) = made("START RequestId: a Version: 3", "[ERROR] ValueError: handled", emf("a", Hits=1), text("a"))

    assert (record.status, record.error_type) == ("ok", None)


def test_what_the_log_has_not_yet_is_absent() -> None:
    (record,) = made(emf("a", Hits=1, ValueAge=4))

    assert (record.status, record.cache, record.duration_ms, record.billed_ms) == ("ok", "hit", None, None)


@pytest.mark.parametrize(
    "line", ["", "{", "{}", "[]", '{"_aws": {}}', '{"_aws": {}, "request_id": 7}', "[" * 99_999, "é"]
)
def test_other_lines_are_passed_over(line: str) -> None:
    assert made(line) == []
