"""The front door: the one address of the local endpoint, and where each request goes."""

import asyncio
import base64
import contextlib
import json
import re
import urllib.parse
import uuid
from collections.abc import Coroutine
from typing import Any

from lab.endpoint import wire
from lab.endpoint.functions import Functions, Resolved, UnavailableCodeError, UnknownFunctionError, split_name
from lab.endpoint.http_server import Headers, Request, Respond
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine
from lab.engine.invocation import Invocation, Outcome
from lab.engine.snapshot import Snapshot

INVOKE = re.compile(rb"/2015-03-31/functions/([^/?]+)/invocations(?:\?(.*))?")
LOCAL_HOST = re.compile(rb"(?:(?:[a-z0-9.-]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
LOCAL_ORIGIN = re.compile(rb"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
STACK_STATE = re.compile(rb"<(?:StackId|StackStatus|CreationTime|LastUpdatedTime)>[^<]*")
CONTROL_PLANE = frozenset({"lambda", "cloudformation"})
MAX_PAYLOAD_BYTES = 6 << 20
SETTLE_S = 0.3
JSON_TYPE = (b"content-type", b"application/json")


class FrontDoor:
    """Sends invocations to the engine, functions' calls over the wire, everything else to the emulator."""

    def __init__(self, engine: Engine, functions: Functions, the_wire: Wire) -> None:
        self._engine = engine
        self._functions = functions
        self._wire = the_wire
        self._tasks: set[asyncio.Task[None]] = set()
        self._settling: asyncio.TimerHandle | None = None
        self._settled: set[tuple[bytes, ...]] = set()
        self._names: dict[bytes, tuple[str, str | None]] = {}

    def answer(self, request: Request, respond: Respond) -> None:
        """Answer one request, now or later."""
        if not LOCAL_HOST.fullmatch(request.headers.get(b"host", b"127.0.0.1").lower()):
            respond(403, [JSON_TYPE], b'{"message":"this endpoint answers for loopback hosts only"}')
            return
        origin = request.headers.get(b"origin")
        if origin is not None and not LOCAL_ORIGIN.fullmatch(origin.lower()):
            respond(403, [JSON_TYPE], b'{"message":"this endpoint does not answer pages of other origins"}')
            return
        if request.method == "POST" and (match := INVOKE.fullmatch(request.target)):
            self._invoke(match[1], match[2], request, respond)
        elif request.target.startswith(b"/_lab/"):
            self._own(request, respond)
        else:
            self._go(self._forward(request, respond))

    async def close(self) -> None:
        """Let go of what is under way."""
        if self._settling is not None:
            self._settling.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Invocations

    def _invoke(self, name: bytes, query: bytes | None, request: Request, respond: Respond) -> None:
        try:
            target = self._target(name, query)
        except ValueError as error:
            _error(respond, 400, "ValidationException", f"not a function name: {error}")
            return
        if len(request.body) > MAX_PAYLOAD_BYTES:
            message = f"Request must be smaller than {MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
            _error(respond, 413, "RequestTooLargeException", message)
            return
        resolved = self._functions.kept(*target)
        if resolved is not None:
            self._run(resolved, request, respond)
        else:
            self._go(self._resolve_and_run(target, request, respond))

    def _target(self, name: bytes, query: bytes | None) -> tuple[str, str | None]:
        key = name + b"?" + (query or b"")
        known = self._names.get(key)
        if known is None:
            function, qualifier = split_name(urllib.parse.unquote_to_bytes(name).decode())
            asked = urllib.parse.parse_qs((query or b"").decode("latin-1")).get("Qualifier")
            known = self._names[key] = (function, asked[0] if asked else qualifier)
        return known

    async def _resolve_and_run(self, target: tuple[str, str | None], request: Request, respond: Respond) -> None:
        try:
            resolved = await self._functions.resolve(*target)
            self._run(resolved, request, respond)
        except UnknownFunctionError as error:
            _error(respond, 404, "ResourceNotFoundException", f"Function not found: {error}")
        except (UnavailableCodeError, ValueError, FileNotFoundError) as error:
            _error(respond, 502, "ServiceException", str(error))
        except Exception as error:
            _error(respond, 500, "ServiceException", f"{type(error).__name__}: {error}")

    def _run(self, resolved: Resolved, request: Request, respond: Respond) -> None:
        kind = request.headers.get(b"x-amz-invocation-type", b"RequestResponse")
        request_id = str(uuid.uuid4())
        if kind == b"DryRun":
            respond(204, [(b"x-amzn-requestid", request_id.encode())], b"")
            return
        try:
            payload = _payload(request.body)
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            _error(respond, 400, "InvalidRequestContentException", message)
            return
        waits = kind != b"Event"
        want_tail = request.headers.get(b"x-amz-log-type") == b"Tail"

        def done(outcome: Outcome) -> None:
            if waits:
                respond(200, _invoke_headers(request_id, outcome, want_tail=want_tail), outcome.payload)

        invocation = Invocation(
            request_id=request_id,
            payload=payload,
            arn=resolved.invoked_arn,
            on_done=done,
            client_context=_client_context(request),
        )
        self._engine.invoke(resolved.version, invocation)
        if not waits:
            respond(202, [(b"x-amzn-requestid", request_id.encode())], b"")

    # The emulator, and the wire to it

    async def _forward(self, request: Request, respond: Respond) -> None:
        access_key, service = wire.signer(request)
        function = self._engine.function_of_access_key.get(access_key)
        if function is not None:
            respond(*await self._wire.call(function, service, request))
            return
        answer = await self._wire.forward(request)
        if service in CONTROL_PLANE:
            self._functions.changed()
            if b"Action=DescribeStacks" in request.body:
                await self._settle_stacks(answer[2])
            else:
                self._settle_soon()
        respond(*answer)

    async def _settle_stacks(self, body: bytes) -> None:
        """Before anyone is told that a stack is complete, take its snapshots: so does CloudFormation."""
        state = tuple(STACK_STATE.findall(body))
        if state not in self._settled and b"_IN_PROGRESS</StackStatus>" not in body:
            self._settled.add(state)
            await self._settle()

    def _settle_soon(self) -> None:
        if self._settling is None:
            loop = asyncio.get_running_loop()
            self._settling = loop.call_later(SETTLE_S, lambda: self._go(self._settle_now()))

    async def _settle_now(self) -> None:
        self._settling = None
        await self._settle()

    async def _settle(self) -> None:
        """Learn what was deployed: keep its code, take the snapshots that Lambda takes when a version is published."""
        with contextlib.suppress(Exception):  # half-way through a deployment the emulator may answer anything
            versions = await self._functions.deployed()
            self._engine.keep_functions({version.name for version in versions})
            snapshots = [self._engine.prepare_snapshot(version) for version in versions if version.snap_start]
            await asyncio.gather(*(_settled(snapshot) for snapshot in snapshots))

    # The lab's own requests

    def _own(self, request: Request, respond: Respond) -> None:
        route = (request.method, request.target)
        if route == ("GET", b"/_lab/info"):
            respond(200, [JSON_TYPE], json.dumps(self._info()).encode())
        elif route == ("GET", b"/_lab/wire"):
            calls = {name: calls.to_json() for name, calls in self._wire.calls.items()}
            respond(200, [JSON_TYPE], json.dumps({"functions": calls}).encode())
        elif route == ("PUT", b"/_lab/faults"):
            self._set_faults(request, respond)
        else:
            _error(respond, 404, "NotFound", f"no such request: {request.method} {request.target.decode('latin-1')}")

    def _set_faults(self, request: Request, respond: Respond) -> None:
        try:
            rate = float(json.loads(request.body)["error_rate"])
        except (ValueError, KeyError, TypeError):
            rate = -1.0
        if not 0 <= rate <= 1:
            _error(respond, 400, "ValidationException", 'the body must be {"error_rate": a number from 0 to 1}')
            return
        self._wire.error_rate = rate
        respond(200, [JSON_TYPE], json.dumps({"error_rate": rate}).encode())

    def _info(self) -> dict[str, Any]:
        used = self._engine.interpreters
        profile = self._wire.profile
        return {
            "interpreters": {
                runtime: {"interpreter": interpreter.version, "exact": exact}
                for runtime, (interpreter, exact) in used.items()
            },
            "profile": {"name": profile.name, "text": profile.text},
            "tiers": self._engine.tiers(),
            "starts_delayed": {"count": self._engine.gate.delayed, "at_a_time": self._engine.gate.limit},
            "warnings": self._interpreter_warnings(),
        }

    def _interpreter_warnings(self) -> list[dict[str, str]]:
        return [
            {
                "code": "interpreter_differs",
                "message": f"{runtime} functions ran on Python {interpreter.version}: there is no {runtime} here",
                "advice": f"install {runtime}, then `make setup` again",
            }
            for runtime, (interpreter, exact) in self._engine.interpreters.items()
            if not exact
        ]


def _settled(snapshot: Snapshot) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settled() -> None:
        if not future.done():
            future.set_result(None)

    snapshot.when_settled(settled)
    return future


def _payload(body: bytes) -> bytes:
    if not body:
        return b"{}"
    json.loads(body)
    return body


def _client_context(request: Request) -> str | None:
    encoded = request.headers.get(b"x-amz-client-context")
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None


def _invoke_headers(request_id: str, outcome: Outcome, *, want_tail: bool) -> Headers:
    headers = [
        JSON_TYPE,
        (b"x-amzn-requestid", request_id.encode()),
        (b"x-amz-executed-version", outcome.executed_version.encode()),
    ]
    if outcome.function_error:
        headers.append((b"x-amz-function-error", b"Unhandled"))
    if want_tail:
        headers.append((b"x-amz-log-result", base64.b64encode(outcome.log_tail)))
    return headers


def _error(respond: Respond, status: int, error_type: str, message: str) -> None:
    headers = [JSON_TYPE, (b"x-amzn-requestid", str(uuid.uuid4()).encode()), (b"x-amzn-errortype", error_type.encode())]
    kind = "User" if status < 500 else "Service"
    respond(status, headers, json.dumps({"Type": kind, "Message": message, "message": message}).encode())
