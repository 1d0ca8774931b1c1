"""Answers of the Invoke API and of function URLs, parsed to outcomes."""

import base64
import json
from typing import Any

import pytest
from multidict import CIMultiDict

from lab.drive.answers import parse_invoke_answer, parse_url_answer
from lab.records.record import Outcome

ID = "8f507cfc-6411-4ec4-9ea8-1d6f9c8a4f1d"
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 2.46 ms\tBilled Duration: 417 ms\tMemory Size: 1024 MB\t"
    "Max Memory Used: 95 MB\tInit Duration: 413.61 ms\t\n"
)
ANSWER: dict[str, Any] = {
    "key": "item-0007",
    "value": {"a": 1},
    "version": 3,
    "cache": "miss",
    "downstream_calls": 1,
    "downstream_ms": 5.5,
    "init_downstream_calls": 2,
    "downstream_errors": 1,
    "downstream_throttles": 1,
    "read_units": 1.5,
    "age_ms": 5.75,
    "environment": {
        "id": "0b9c3b6e-2a59-4be9-a0b7-2d9f4b3f0a11",
        "invocation": 1,
        "cold_start": True,
        "restored": False,
        "pid": 8,
        "started_at": "2026-11-20T10:00:00+00:00",
    },
}


def headers(**more: str) -> CIMultiDict[str]:
    given = {
        "x-amzn-RequestId": ID,
        "X-Amz-Log-Result": base64.b64encode(f"START RequestId: {ID} Version: 1\n{REPORT}".encode()).decode(),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return CIMultiDict(given)


def test_an_answer() -> None:
    assert parse_invoke_answer(200, headers(), json.dumps(ANSWER).encode()) == Outcome(
        status="ok",
        request_id=ID,
        environment_id="0b9c3b6e-2a59-4be9-a0b7-2d9f4b3f0a11",
        invocation=1,
        cold_start=True,
        restored=False,
        init_ms=413.61,
        duration_ms=2.46,
        billed_ms=417.0,
        memory_mb=1024,
        max_memory_mb=95,
        cache="miss",
        downstream_calls=1,
        downstream_ms=5.5,
        age_ms=5.75,
        version=3,
        init_downstream_calls=2,
        downstream_errors=1,
        downstream_throttles=1,
        read_units=1.5,
    )


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000, b'{"environment": [], "version": "3"}']
)
def test_an_answer_of_some_other_function_has_the_report_only(body: bytes) -> None:
    found = parse_invoke_answer(200, headers(), body)

    assert found.status == "ok"
    assert found.duration_ms == 2.46
    assert (found.cache, found.version, found.environment_id, found.downstream_calls) == (None, None, None, None)


@pytest.mark.parametrize("wrong", [True, "1", 1.5, [], {}, None])
def test_a_field_of_the_wrong_kind_is_absent(wrong: Any) -> None:
    changed = {**ANSWER, "version": wrong, "downstream_calls": wrong, "cache": 7, "age_ms": "old"}

    found = parse_invoke_answer(200, headers(), json.dumps(changed).encode())

    assert (found.version, found.downstream_calls, found.cache, found.age_ms) == (None, None, None, None)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "true"])
def test_a_number_that_is_not_finite_is_absent(number: str) -> None:
    assert parse_invoke_answer(200, headers(), f'{{"age_ms": {number}}}'.encode()).age_ms is None


def test_a_function_error_has_its_type_and_no_answer() -> None:
    body = json.dumps({"errorMessage": "item-9", "errorType": "ItemNotFound", "requestId": ID, "stackTrace": []})

    found = parse_invoke_answer(200, headers(X_Amz_Function_Error="Unhandled"), body.encode())

    assert (found.status, found.error_type) == ("function_error", "ItemNotFound")
    assert (found.duration_ms, found.init_ms) == (2.46, 413.61)
    assert found.cold_start is True
    assert (found.version, found.downstream_calls, found.environment_id) == (None, None, None)


@pytest.mark.parametrize(("said", "found"), [("412.5", 412.5), ("soon", None), ("nan", None), (None, None)])
def test_the_time_lost_before_a_start(said: str | None, found: float | None) -> None:
    """A header of the local endpoint; AWS has none."""
    given = headers() if said is None else headers(X_Lab_Start_Wait_Ms=said)

    assert parse_invoke_answer(200, given, json.dumps(ANSWER).encode()).start_wait_ms == found
    assert parse_url_answer(200, given, json.dumps(ANSWER).encode()).start_wait_ms == found
    assert parse_url_answer(502, given, b"").start_wait_ms == found
    given["X-Amz-Function-Error"] = "Unhandled"
    assert parse_invoke_answer(200, given, b"{}").start_wait_ms == found


def emf(request_id: str, errors: Any, **more: Any) -> str:
    return json.dumps({"_aws": {}, "request_id": request_id, "DownstreamErrors": errors, **more})


def failed_with(logged: list[str]) -> Outcome:
    """Parse a function error with these lines at the end of its log."""
    tail = base64.b64encode("\n".join([*logged, REPORT]).encode()).decode()
    return parse_invoke_answer(200, headers(X_Amz_Function_Error="Unhandled", X_Amz_Log_Result=tail), b"{}")


@pytest.mark.parametrize(
    ("more", "calls", "ms", "init_calls"),
    [
        ({"DownstreamCalls": 3, "DownstreamLatency": 41.5}, 3, 41.5, None),
        ({"DownstreamCalls": 0}, 0, 0.0, 0),
        ({"DownstreamCalls": 2}, 0, 0.0, 2),  # all of them before the invocation, for it has no latency
        ({"DownstreamCalls": float("inf")}, None, None, None),
        ({"DownstreamCalls": True}, None, None, None),
        ({"DownstreamCalls": -1}, None, None, None),
        ({}, None, None, None),
    ],
)
def test_a_function_errors_downstream_calls_are_those_of_its_metrics_line(
    more: dict[str, Any], calls: int | None, ms: float | None, init_calls: int | None
) -> None:
    found = failed_with([emf(ID, 0, **more)])

    assert (found.downstream_calls, found.downstream_ms, found.init_downstream_calls) == (calls, ms, init_calls)


@pytest.mark.parametrize(
    ("logged", "errors"),
    [
        ([emf("another", 9), emf(ID, 3), "[ERROR] DownstreamError: item-9"], 3),
        ([emf(ID, 0)], 0),
        ([emf(ID, "many")], None),
        ([emf("another", 9)], None),
        ([emf(ID, 3)[20:], "{", "[]", '{"_aws": {}}'], None),  # the tail begins amid the line
        ([], None),
    ],
)
def test_a_function_errors_downstream_errors_are_those_of_its_metrics_line(logged: list[str], errors: Any) -> None:
    found = failed_with(logged)

    assert (found.downstream_errors, found.downstream_calls, found.duration_ms) == (errors, None, 2.46)


@pytest.mark.parametrize(("units", "kept"), [(50, 50.0), (0.5, 0.5), (0, 0.0), (-1, None), ("many", None)])
def test_a_function_errors_read_units_are_those_of_its_metrics_line(units: Any, kept: float | None) -> None:
    assert failed_with([emf(ID, 0, read_units=units)]).read_units == kept


def test_a_timeout_is_a_function_error() -> None:
    body = {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {ID} Error: Task timed out after 3.00 seconds",
    }
    report = f"REPORT RequestId: {ID}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tStatus: timeout\n"
    logged = headers(X_Amz_Function_Error="Unhandled", X_Amz_Log_Result=base64.b64encode(report.encode()).decode())

    found = parse_invoke_answer(200, logged, json.dumps(body).encode())

    assert (found.status, found.error_type, found.duration_ms) == ("function_error", "Sandbox.Timedout", 3000.0)
    assert found.cold_start is None  # an init made again after a crash is not shown, so it is not known


def test_a_function_error_without_a_type_has_the_headers() -> None:
    assert parse_invoke_answer(200, headers(X_Amz_Function_Error="Unhandled"), b"").error_type == "Unhandled"


THROTTLE = "TooManyRequestsException:http://internal.amazon.com/x/"


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        (b'{"Reason": "ConcurrentInvocationLimitExceeded"}', "ConcurrentInvocationLimitExceeded"),
        (b'{"Reason": 7}', "TooManyRequestsException"),
        (b"", "TooManyRequestsException"),
    ],
)
def test_a_throttle_names_the_limit(body: bytes, error_type: str) -> None:
    found = parse_invoke_answer(429, headers(x_amzn_ErrorType=THROTTLE), body)

    assert found == Outcome(status="throttled", error_type=error_type, request_id=ID)


@pytest.mark.parametrize(
    ("status", "kind", "error_type"),
    [
        (404, "ResourceNotFoundException", "ResourceNotFoundException"),
        (500, None, "HTTP 500"),
        (302, None, "HTTP 302"),
        (502, None, "HTTP 502"),
    ],
)
def test_any_other_status_means_that_the_function_did_not_run(status: int, kind: str | None, error_type: str) -> None:
    given = headers() if kind is None else headers(x_amzn_ErrorType=kind)

    assert parse_invoke_answer(status, given, b"") == Outcome(status="lost", error_type=error_type, request_id=ID)


@pytest.mark.parametrize("log", ["", "%%%", "abc", base64.b64encode(b"\xff\xfe\n").decode()])
def test_an_unreadable_log_is_ignored(log: str) -> None:
    found = parse_invoke_answer(200, headers(X_Amz_Log_Result=log), json.dumps(ANSWER).encode())

    assert found.version == 3
    assert found.duration_ms is None


URL_ANSWER = {"version": 3, "cache": "miss", "downstream_calls": 1, "environment": {"id": "e", "invocation": 2}}


def test_an_answer_of_a_function_url_has_no_report() -> None:
    found = parse_url_answer(200, CIMultiDict({"X-Amzn-RequestId": "r"}), json.dumps(URL_ANSWER).encode())

    assert found == Outcome(
        status="ok",
        request_id="r",
        environment_id="e",
        invocation=2,
        version=3,
        cache="miss",
        downstream_calls=1,
    )


@pytest.mark.parametrize(
    ("http_status", "error_type", "status", "expected"),
    [
        (502, None, "function_error", "HTTP 502"),
        (429, "TooManyRequestsException", "throttled", "TooManyRequestsException"),
        (403, "AccessDeniedException:http://x/", "lost", "AccessDeniedException"),
        (504, None, "lost", "HTTP 504"),
    ],
)
def test_a_failure_of_a_function_url(http_status: int, error_type: str | None, status: str, expected: str) -> None:
    headers = CIMultiDict({"x-amzn-RequestId": "r"} | ({"x-amzn-ErrorType": error_type} if error_type else {}))

    found = parse_url_answer(http_status, headers, b"Internal Server Error")

    assert (found.status, found.error_type, found.request_id) == (status, expected, "r")
