"""AWS's side of the Invoke API on loopback: answers by what the key asks for."""

import asyncio
import base64
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class InvokeDouble:
    """Function names and keys of the requests that came, and how the next ones are answered.

    Attributes:
        requests: what was asked, in order: variant, key.
        behaviours: by sequence of arrival, what to do instead of answering: `throttle`, `fail`, `drop`, `hang`, or
            `wait` (until `release` is set).
        delay_s: how long every answer takes.
        version: the version that every answer serves.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.behaviours: dict[int, str] = {}
        self.delay_s = 0.0
        self.release = asyncio.Event()
        self.version = 1
        self.seen: Counter[str] = Counter()
        self.under_way = 0
        self.most_under_way = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/2015-03-31/functions/{name}/invocations", self._invoke)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _invoke(self, request: web.Request) -> web.StreamResponse:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        variant = request.match_info["name"].removeprefix("cache-lab-")
        key = json.loads(await request.read())["key"]
        assert request.headers["X-Amz-Log-Type"] == "Tail"
        assert request.query["Qualifier"] == "live"
        assert "/us-east-1/lambda/aws4_request" in request.headers["Authorization"]
        behaviour = self.behaviours.get(len(self.requests), "answer")
        self.requests.append((variant, key))
        self.seen[variant] += 1
        await asyncio.sleep(self.delay_s)
        request_id = str(uuid.uuid4())
        match behaviour:
            case "throttle":
                headers = {"x-amzn-ErrorType": "TooManyRequestsException", "x-amzn-RequestId": request_id}
                return web.json_response(
                    {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}, status=429, headers=headers
                )
            case "drop":
                assert request.transport is not None
                request.transport.abort()
            case "wait":
                await self.release.wait()
            case "hang":
                await asyncio.Event().wait()
        report = f"REPORT RequestId: {request_id}\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 512 MB\t\n"
        headers = {"x-amzn-RequestId": request_id, "X-Amz-Log-Result": base64.b64encode(report.encode()).decode()}
        if behaviour == "fail":
            error = {"errorMessage": "downstream", "errorType": "DownstreamError", "requestId": request_id}
            return web.json_response(error, headers={**headers, "X-Amz-Function-Error": "Unhandled"})
        environment = {"id": f"{variant}-1", "invocation": self.seen[variant], "cold_start": False, "restored": False}
        answer = {
            "key": key,
            "version": self.version,
            "cache": "miss",
            "downstream_calls": 1,
            "init_downstream_calls": 2 if self.seen[variant] == 1 else 0,
            "environment": environment,
        }
        return web.json_response(answer, headers=headers)
