"""Invocations by the Lambda Invoke API, and what an answer tells: nothing else is asked, so all works on AWS too."""

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from lab.drive.report_line import MOST, Report, find_report
from lab.records import Status

ALIAS: Final = "live"
FUNCTION_PREFIX: Final = "cache-lab-"


class SignedRequest(NamedTuple):
    """A request that needs only be sent."""

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
        function = f"{FUNCTION_PREFIX}{variant}"
        url = f"{self._endpoint_url}/2015-03-31/functions/{function}/invocations?Qualifier={ALIAS}"
        body = json.dumps({"key": key}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Amz-Invocation-Type": "RequestResponse",
            "X-Amz-Log-Type": "Tail",
        }
        request = AWSRequest(method="POST", url=url, data=body, headers=headers)
        # Asked for each time: the credentials of a role change during a long run.
        SigV4Auth(self._credentials.get_frozen_credentials(), "lambda", self._region).add_auth(request)
        return SignedRequest(URL(url, encoded=True), dict(request.headers.items()), body)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an invocation: those fields of `lab.records.Record` that the answer tells. Absent is None."""

    status: Status
    error_type: str | None = None
    request_id: str | None = None
    environment_id: str | None = None
    invocation: int | None = None
    cold_start: bool | None = None
    restored: bool | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    duration_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: int | None = None
    max_memory_mb: int | None = None
    cache: str | None = None
    downstream_calls: int | None = None
    downstream_ms: float | None = None
    age_ms: float | None = None
    version: int | None = None
    init_downstream_calls: int | None = None

    def record_fields(self) -> dict[str, Any]:
        """The fields by name."""
        return {name: getattr(self, name) for name in _RECORD_FIELDS}


_RECORD_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Outcome))


class Invoker:
    """Sends requests, as many at once as there are; none is sent twice.

    An asynchronous context manager: leaving it closes the connections.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

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
            async with self._session.post(
                request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as answer:
                return read_answer(answer.status, answer.headers, await answer.read())
        except TimeoutError:
            return Outcome(status="lost", error_type="ClientTimeout")
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(status="lost", error_type=type(error).__name__)


def read_answer(http_status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome that an answer of the Invoke API tells (AWS, "Lambda API reference: Invoke").

    HTTP 429 is `throttled`; any other that is not 200 means that the function was not run: `lost`. Header
    ``X-Amz-Function-Error`` marks a function error, whose ``errorType`` is in the body.

    Args:
        http_status: the HTTP status.
        headers: headers by name, in a mapping that does not heed case.
        body: the function's answer, or the error's.
    """
    request_id = headers.get("x-amzn-RequestId")
    if http_status != 200:
        return Outcome(
            status="throttled" if http_status == 429 else "lost",
            error_type=headers.get("x-amzn-ErrorType", f"HTTP {http_status}").partition(":")[0],
            request_id=request_id,
        )
    content = _object(body)
    report = find_report(_log_tail(headers), request_id) or Report()
    failed = headers.get("X-Amz-Function-Error")
    measured: dict[str, Any] = {
        "request_id": request_id,
        "init_ms": report.init_ms,
        "restore_ms": report.restore_ms,
        "duration_ms": report.duration_ms,
        "billed_ms": report.billed_ms,
        "memory_mb": report.memory_mb,
        "max_memory_mb": report.max_memory_mb,
    }
    if failed is not None:
        return Outcome(
            status="function_error",
            error_type=_text(content.get("errorType")) or report.error_type or failed,
            # A failed answer tells of no environment. The report does, but only if there was an init or a restore: one
            # made again after a crash is not shown.
            cold_start=True if report.init_ms is not None else None,
            restored=True if report.restore_ms is not None else None,
            **measured,
        )
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
        **measured,
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
    return float(value) if abs(value) < MOST else None
