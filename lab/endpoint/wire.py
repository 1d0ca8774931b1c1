"""The wire between functions and the services they read: counted, timed, and made to fail on request."""

import asyncio
import collections
import dataclasses
import random
import re
import time
from typing import Any

import aiohttp
import yarl

from lab.endpoint.http_server import Headers, Request
from lab.endpoint.profiles import Profile
from lab.endpoint.telemetry.telemetry import Telemetry

CREDENTIAL = re.compile(rb"Credential=([^/,\s]+)/\d+/[^/]*/([^/]+)/aws4_request")
HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"expect", b"upgrade"})
SERVICE_TITLES = {"dynamodb": "DynamoDB", "ssm": "SSM", "secretsmanager": "SecretsManager", "s3": "S3"}


@dataclasses.dataclass(slots=True)
class Calls:
    """What one function has asked of the services, as the wire saw it.

    ``overruns`` counts answers for which the emulator itself took longer than the profile allowed.
    """

    downstream_calls: int = 0
    downstream_errors: int = 0
    overruns: int = 0
    operations: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def to_json(self) -> dict[str, Any]:
        """As ``GET /_lab/wire`` shows it."""
        return {**dataclasses.asdict(self), "operations": dict(self.operations)}


def signer(request: Request) -> tuple[str, str]:
    """The access key and the service of a signed request (header or query); empty where it is not signed."""
    found = CREDENTIAL.search(request.headers.get(b"authorization", b""))
    if found is None and b"X-Amz-Credential=" in request.target:
        found = re.search(rb"X-Amz-Credential=([^%&/]+)(?:%2F|/)\d+(?:%2F|/)[^%/&]*(?:%2F|/)([^%/&]+)", request.target)
    return (found[1].decode("latin-1"), found[2].decode("latin-1")) if found else ("", "")


def operation_name(request: Request, service: str) -> str:
    """The operation's name, as in ``DynamoDB.GetItem``; S3's from its method."""
    title = SERVICE_TITLES.get(service, service)
    target = request.headers.get(b"x-amz-target")
    if target is not None:
        return f"{title}.{target.decode('latin-1').rpartition('.')[2]}"
    if service == "s3":
        names = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
        return f"{title}.{names.get(request.method, request.method)}"
    return f"{title}.{request.method}"


class Wire:
    """Forwards requests to the emulator; a function's are counted, held back by the profile, and can be failed.

    What telemetry knows of logs and metrics it answers itself, in the emulator's place.
    """

    def __init__(self, upstream: str, profile: Profile, telemetry: Telemetry) -> None:
        self._upstream = upstream
        self.telemetry = telemetry
        self.profile = profile
        self.error_rate = 0.0
        self.calls: collections.defaultdict[str, Calls] = collections.defaultdict(Calls)
        # Not for secrets: the draws are of latencies and faults.
        self._random = random.Random()  # noqa: S311
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the connections to the emulator."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            timeout=aiohttp.ClientTimeout(total=120),
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def forward(self, request: Request) -> tuple[int, Headers, bytes]:
        """Pass a request on as it is: status, headers and body of the answer; 502 when the emulator does not answer."""
        assert self._session is not None
        known = await self.telemetry.answer(request, signer(request)[1])
        if known is not None:
            return known
        headers = [
            (n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers.items() if n not in HOP_BY_HOP
        ]
        url = yarl.URL(self._upstream + request.target.decode("latin-1"), encoded=True)
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=request.body or None, allow_redirects=False
            ) as answer:
                body = await answer.read()
                kept = [(n, v) for n, v in answer.raw_headers if n.lower() not in HOP_BY_HOP]
                if request.method == "HEAD" and "content-length" in answer.headers:
                    kept.append((b"content-length", answer.headers["content-length"].encode()))
                return answer.status, kept, body
        except (aiohttp.ClientError, TimeoutError) as error:
            return 502, [(b"content-type", b"text/plain")], f"the emulator did not answer: {error!r}".encode()

    async def call(self, function: str, service: str, request: Request) -> tuple[int, Headers, bytes]:
        """A function's call of a service."""
        calls = self.calls[function]
        calls.downstream_calls += 1
        calls.operations[operation_name(request, service)] += 1
        latency = self.profile.services.get(service)
        due = time.perf_counter() + (latency.sample_s(self._random) if latency else 0.0)
        if self._random.random() < self.error_rate:
            answer = _fault(service)
        else:
            answer = await self.forward(request)
        if answer[0] >= 400:
            calls.downstream_errors += 1
        remaining_s = due - time.perf_counter()
        if remaining_s > 0:
            await asyncio.sleep(remaining_s)
        elif latency is not None:
            calls.overruns += 1
        return answer


def _fault(service: str) -> tuple[int, Headers, bytes]:
    if service == "s3":
        body = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>injected by the lab</Message></Error>"
        return 500, [(b"content-type", b"application/xml")], body
    body = b'{"__type":"InternalServerError","message":"injected by the lab"}'
    return 500, [(b"content-type", b"application/x-amz-json-1.0")], body
