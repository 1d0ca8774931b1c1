"""Answers of the Invoke API and of function URLs, parsed to outcomes: nothing else is read, so all works on AWS too."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from facts.names import START_WAIT_HEADER
from lab.records.emf_line import downstream_of, find_emf
from lab.records.json_values import MOST, number
from lab.records.record import Outcome, Status
from lab.records.report_line import InvocationReport, find_report

_URL_FAILURES: Final[Mapping[int, Status]] = {502: "function_error", 429: "throttled"}

_Kind = TypeVar("_Kind", str, int, bool)


def parse_invoke_answer(http_status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Parse an answer of the Invoke API (AWS, "Lambda API reference: Invoke").

    HTTP 429 is `throttled`; the body's ``Reason`` names the limit. Any other status but 200 means that the function did
    not run: `lost`. Header ``X-Amz-Function-Error`` marks a function error, and the body has its ``errorType``.
    ``start_wait_ms`` comes from a header of the local endpoint.

    Args:
        http_status: the HTTP status.
        headers: headers by name, in a mapping that ignores case.
        body: the function's answer, or the error's.
    """
    request_id = headers.get("x-amzn-RequestId")
    if http_status == 429:
        reason = _get(_object(body), "Reason", str) or _error_type(http_status, headers)
        return Outcome(status="throttled", error_type=reason, request_id=request_id)
    if http_status != 200:
        return Outcome(status="lost", error_type=_error_type(http_status, headers), request_id=request_id)
    log = _log_tail(headers)
    report = find_report(log, request_id) or InvocationReport()
    failed = headers.get("X-Amz-Function-Error")
    if failed is None:
        return _answered(body, headers, report)
    return Outcome(
        status="function_error",
        error_type=_get(_object(body), "errorType", str) or report.error_type or failed,
        request_id=request_id,
        # A failed answer does not describe its environment. The report does, if it shows an init or a restore; an init
        # repeated after a crash is not shown.
        cold_start=True if report.init_ms is not None else None,
        restored=True if report.restore_ms is not None else None,
        start_wait_ms=_start_wait_ms(headers),
        **downstream_of(find_emf(log, request_id) or {}),
        **report.fields(),
    )


def parse_url_answer(http_status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Parse an answer of a function URL, which has no log and no REPORT line.

    A function error is HTTP 502, and only the log has its type (AWS Lambda Developer Guide, "Invoking Lambda function
    URLs"). HTTP 429 is `throttled`; any other status but 200 means that the function did not run: `lost`.
    """
    request_id = headers.get("x-amzn-RequestId")
    if http_status == 200:
        return _answered(body, headers, InvocationReport())
    status: Status = _URL_FAILURES.get(http_status, "lost")
    return Outcome(
        status=status,
        error_type=_error_type(http_status, headers),
        request_id=request_id,
        start_wait_ms=_start_wait_ms(headers),
    )


def _error_type(http_status: int, headers: Mapping[str, str]) -> str:
    return headers.get("x-amzn-ErrorType", f"HTTP {http_status}").partition(":")[0]


def _start_wait_ms(headers: Mapping[str, str]) -> float | None:
    try:
        return _number(float(headers[START_WAIT_HEADER]))
    except (KeyError, ValueError):
        return None


def _answered(body: bytes, headers: Mapping[str, str], report: InvocationReport) -> Outcome:
    content = _object(body)
    environment = content.get("environment")
    if not isinstance(environment, dict):
        environment = {}
    return Outcome(
        status="ok",
        request_id=headers.get("x-amzn-RequestId"),
        environment_id=_get(environment, "id", str),
        invocation=_get(environment, "invocation", int),
        cold_start=_get(environment, "cold_start", bool),
        restored=_get(environment, "restored", bool),
        cache=_get(content, "cache", str),
        downstream_calls=_get(content, "downstream_calls", int),
        downstream_ms=_number(content.get("downstream_ms")),
        age_ms=_number(content.get("age_ms")),
        version=_get(content, "version", int),
        init_downstream_calls=_get(content, "init_downstream_calls", int),
        downstream_errors=_get(content, "downstream_errors", int),
        downstream_throttles=_get(content, "downstream_throttles", int),
        read_units=_number(content.get("read_units")),
        start_wait_ms=_start_wait_ms(headers),
        **report.fields(),
    )


def _log_tail(headers: Mapping[str, str]) -> str:
    try:
        return base64.b64decode(headers.get("X-Amz-Log-Result", "")).decode("utf-8", errors="replace")
    except binascii.Error:
        return ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _get(content: Mapping[str, Any], name: str, kind: type[_Kind]) -> _Kind | None:
    value = content.get(name)
    return value if type(value) is kind else None


def _number(value: Any) -> float | None:
    measure = number(value)
    return measure if measure is not None and abs(measure) <= MOST else None
