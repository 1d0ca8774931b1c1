"""The wire between functions and the services they read: counted, delayed, and made to fail on request."""

import asyncio
import collections
import json
import logging
import random
import re
import time

import aiohttp
import yarl

from facts.sources import TITLES
from lab.endpoint.http_server import Answer, Request
from lab.endpoint.lab_api import FunctionCalls
from lab.endpoint.profiles import Profile
from lab.endpoint.telemetry.telemetry import Telemetry

IN_HEADER = re.compile(rb"Credential=([^/,\s]+)/\d+/[^/]*/([^/]+)/aws4_request")
IN_QUERY = re.compile(rb"X-Amz-Credential=([^%&/]+)(?:%2F|/)\d+(?:%2F|/)[^%/&]*(?:%2F|/)([^%/&]+)")
HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"expect", b"upgrade"})
READS = frozenset({"DynamoDB.GetItem", "DynamoDB.BatchGetItem"})
S3_OPERATIONS = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}
S3_FAULT = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>injected by the lab</Message></Error>"
JSON_FAULT = b'{"__type":"InternalServerError","message":"injected by the lab"}'
logger = logging.getLogger(__name__)


def signer(request: Request) -> tuple[str, str]:
    """The access key and the service of a signed request (header or query); empty where it is not signed."""
    found = IN_HEADER.search(request.headers.get(b"authorization", b"")) or IN_QUERY.search(request.target)
    return (found[1].decode("latin-1"), found[2].decode("latin-1")) if found else ("", "")


def operation_name(request: Request, service: str) -> str:
    """The operation's name, as in ``DynamoDB.GetItem``; S3's from its method."""
    target = request.header(b"x-amz-target")
    if target is not None:
        operation = target.rpartition(".")[2]
    elif service == "s3":
        operation = S3_OPERATIONS.get(request.method, request.method)
    else:
        operation = request.method
    return f"{TITLES.get(service, service)}.{operation}"


class Wire:
    """Forwards requests to the emulator. A function's are counted, delayed by the profile, and can be made to fail.

    Telemetry answers requests about logs and metrics that it knows, in place of the emulator.
    """

    def __init__(self, upstream: str, profile: Profile, telemetry: Telemetry) -> None:
        self._upstream = upstream
        self.telemetry = telemetry
        self.profile = profile
        self.error_rate = 0.0
        self.calls: collections.defaultdict[str, FunctionCalls] = collections.defaultdict(
            lambda: FunctionCalls(
                downstream_calls=0, downstream_errors=0, read_units=0.0, overruns=0, operations=collections.Counter()
            )
        )
        self._random = random.Random()  # noqa: S311 - draws latencies and faults, no secrets
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            auto_decompress=False,
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            timeout=aiohttp.ClientTimeout(total=120),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def forward(self, request: Request) -> Answer:
        """Pass a request on unchanged; the answer is 502 when the emulator does not answer."""
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
            logger.warning("the emulator did not answer %s %s", request.method, url, exc_info=True)
            return 502, [(b"content-type", b"text/plain")], f"the emulator did not answer: {error!r}".encode()

    async def call(self, function: str, service: str, request: Request) -> Answer:
        """A function's call of a service."""
        calls = self.calls[function]
        operation = operation_name(request, service)
        calls["downstream_calls"] += 1
        calls["operations"][operation] += 1
        latency = self.profile.latency(function, service)
        due = time.perf_counter() + (latency.sample_s(self._random) if latency else 0.0)
        fails = self._random.random() < self.error_rate
        answer = _injected_fault(service) if fails else await self.forward(request)
        if answer[0] >= 400:
            calls["downstream_errors"] += 1
        elif operation in READS:
            calls["read_units"] += _read_units(answer[2])
        remaining_s = due - time.perf_counter()
        if remaining_s > 0:
            await asyncio.sleep(remaining_s)
        elif latency is not None:
            calls["overruns"] += 1
        return answer


def _read_units(body: bytes) -> float:
    """What an answer to a DynamoDB read states as consumed; 0 where it states nothing."""
    if b'"ConsumedCapacity"' not in body:
        return 0.0
    consumed = json.loads(body)["ConsumedCapacity"]
    tables = consumed if isinstance(consumed, list) else [consumed]
    return sum(float(table["CapacityUnits"]) for table in tables)


def _injected_fault(service: str) -> Answer:
    if service == "s3":
        return 500, [(b"content-type", b"application/xml")], S3_FAULT
    return 500, [(b"content-type", b"application/x-amz-json-1.0")], JSON_FAULT
