"""Invocations by the Lambda Invoke API, and what an answer tells: nothing else is asked, so all works on AWS too."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from facts.names import ALIAS, function_name
from lab.records.emf_line import downstream_of, find_emf
from lab.records.record import MOST, Outcome
from lab.records.report_line import Report, find_report


class SignedRequest(NamedTuple):
    """A request that needs only be sent."""

    method: str
    url: URL
    headers: dict[str, str]
    body: bytes


class Signer:
    """Makes signed Invoke requests (AWS Signature Version 4), ahead of the moment of sending.

    A signature holds for five minutes, so one made a gap between two starts too early is good.
    """

    def __init__(self, *, endpoint_url: str, region: str, credentials: Credentials) -> None:
        self._endpoint_url = endpoint_url.rstrip("/")
        self._region = region
        self._credentials = credentials

    def invocation(self, variant: str, key: str) -> SignedRequest:
        """A request that invokes a variant's function through its alias and waits for its answer and its log's tail."""
        function = function_name(variant)
        url = f"{self._endpoint_url}/2015-03-31/functions/{function}/invocations?Qualifier={ALIAS}"
        body = json.dumps({"key": key}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Amz-Invocation-Type": "RequestResponse",
            "X-Amz-Log-Type": "Tail",
        }
        return signed("POST", url, body=body, headers=headers, region=self._region, credentials=self._credentials)


def signed(
    method: str, url: str, *, body: bytes, headers: dict[str, str], region: str, credentials: Credentials
) -> SignedRequest:
    """A request to Lambda with its signature (AWS Signature Version 4)."""
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    # Asked for each time: the credentials of a role change during a long run.
    SigV4Auth(credentials.get_frozen_credentials(), "lambda", region).add_auth(request)
    return SignedRequest(method, URL(url, encoded=True), dict(request.headers.items()), body)


Reads: TypeAlias = Callable[[int, Mapping[str, str], bytes], Outcome]
"""Tells the outcome of an answer: HTTP status, headers (in a mapping that does not heed case), body."""


class Invoker:
    """Sends requests, as many at once as there are; none is sent twice.

    An asynchronous context manager: leaving it closes the connections.
    """

    def __init__(self, *, timeout_s: float, reads: Reads | None = None) -> None:
        """Args: timeout_s: how long to wait for an answer; reads: tells outcomes, by default `read_answer`."""
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._reads = reads or read_answer

    async def __aenter__(self) -> Self:
        # No limit: a request that waited for a connection would be late by our own doing.
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, auto_decompress=False, skip_auto_headers=("User-Agent",)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, request: SignedRequest) -> Outcome:
        """The outcome of a request. Without an answer in time, or a connection, it is `lost`; nothing is raised."""
        try:
            async with self._session.request(
                request.method, request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as answer:
                return self._reads(answer.status, answer.headers, await answer.read())
        except TimeoutError:
            return Outcome(status="lost", error_type="ClientTimeout")
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(status="lost", error_type=type(error).__name__)


def read_answer(http_status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome that an answer of the Invoke API tells (AWS, "Lambda API reference: Invoke").

    HTTP 429 is `throttled`, and its ``Reason`` tells which limit was met; any other that is not 200 means that the
    function was not run: `lost`. Header ``X-Amz-Function-Error`` marks a function error, whose ``errorType`` is in the
    body.

    Args:
        http_status: the HTTP status.
        headers: headers by name, in a mapping that does not heed case.
        body: the function's answer, or the error's.
    """
    request_id = headers.get("x-amzn-RequestId")
    if http_status == 429:
        return Outcome(status="throttled", error_type=_throttle(headers, body), request_id=request_id)
    if http_status != 200:
        return Outcome(status="lost", error_type=_refusal(headers, http_status), request_id=request_id)
    log = _log_tail(headers)
    report = find_report(log, request_id) or Report()
    failed = headers.get("X-Amz-Function-Error")
    if failed is None:
        return answered(body, request_id, report)
    return _failed(body, failed, request_id, report, downstream_of(find_emf(log, request_id) or {}))


def _refusal(headers: Mapping[str, str], http_status: int) -> str:
    return headers.get("x-amzn-ErrorType", f"HTTP {http_status}").partition(":")[0]


def _throttle(headers: Mapping[str, str], body: bytes) -> str:
    return _text(_object(body).get("Reason")) or _refusal(headers, 429)


def _measured(request_id: str | None, report: Report) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "init_ms": report.init_ms,
        "restore_ms": report.restore_ms,
        "duration_ms": report.duration_ms,
        "billed_ms": report.billed_ms,
        "memory_mb": report.memory_mb,
        "max_memory_mb": report.max_memory_mb,
    }


def _failed(body: bytes, failed: str, request_id: str | None, report: Report, downstream: Mapping[str, Any]) -> Outcome:
    return Outcome(
        status="function_error",
        error_type=_text(_object(body).get("errorType")) or report.error_type or failed,
        # A failed answer tells of no environment. The report does, but only if there was an init or a restore: one
        # made again after a crash is not shown.
        cold_start=True if report.init_ms is not None else None,
        restored=True if report.restore_ms is not None else None,
        **downstream,
        **_measured(request_id, report),
    )


def answered(body: bytes, request_id: str | None, report: Report) -> Outcome:
    """The outcome that a function's own answer tells.

    Args:
        body: the answer.
        request_id: of the invocation.
        report: what Lambda reported of it.
    """
    content = _object(body)
    environment = content.get("environment")
    if not isinstance(environment, dict):
        environment = {}
    return Outcome(
        status="ok",
        environment_id=_text(environment.get("id")),
        invocation=_whole(environment.get("invocation")),
        cold_start=_flag(environment.get("cold_start")),
        restored=_flag(environment.get("restored")),
        cache=_text(content.get("cache")),
        downstream_calls=_whole(content.get("downstream_calls")),
        downstream_ms=_number(content.get("downstream_ms")),
        age_ms=_number(content.get("age_ms")),
        version=_whole(content.get("version")),
        init_downstream_calls=_whole(content.get("init_downstream_calls")),
        downstream_errors=_whole(content.get("downstream_errors")),
        **_measured(request_id, report),
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


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Not-a-number is not below it either.
    return float(value) if abs(value) <= MOST else None
