"""The front door: which part of the endpoint answers a request."""

import hmac
import re
from collections.abc import Coroutine
from typing import Any
from urllib.parse import unquote_to_bytes

from lab.endpoint import wire
from lab.endpoint.api_error import error_answer
from lab.endpoint.control_secret import HEADER
from lab.endpoint.deployments.deployments import SERVICES, Deployments
from lab.endpoint.deployments.functions import Functions
from lab.endpoint.function_urls.function_urls import HOST, PATH, FunctionUrls, rewritten
from lab.endpoint.http_server import JSON_TYPE, Answer, Request, Respond
from lab.endpoint.invoke.destinations import Destinations
from lab.endpoint.invoke.event_queue import EventQueue
from lab.endpoint.invoke.invoke_api import INVOKE, INVOKE_ASYNC, InvokeApi
from lab.endpoint.invoke.invoker import Invoker
from lab.endpoint.lab_api import PREFIX, SNAPSHOTS_PATH
from lab.endpoint.lab_requests import LabRequests
from lab.endpoint.tasks import Tasks
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine

LOCAL_HOST = re.compile(rb"(?:(?:[a-z0-9.-]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
LOCAL_ORIGIN = re.compile(rb"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
DEFAULT_HOST = b"127.0.0.1"
MAX_HOSTS = 1000
LAB_PREFIX = PREFIX.encode()
SNAPSHOTS = SNAPSHOTS_PATH.encode()
SECRET_HEADER = HEADER.lower().encode()
CONTROL = re.compile(
    # The exceptions are what AWS has at signed URLs.
    rb"/_(?:lab|localstack|ministack(?!/(?:lambda-code|lambda-layers|cfn-response|cfn-signal)/))(?:/|$)"
)
REFUSAL = b'{"message":"the control addresses of the lab need its secret in the header %b"}' % HEADER.encode()


def is_control(target: bytes) -> bool:
    """Whether a request's target is an address that controls the lab or its emulator, however it is encoded."""
    return target[1:2] in (b"_", b"%") and CONTROL.match(unquote_to_bytes(target.partition(b"?")[0])) is not None


class FrontDoor:
    """Sends invocations to the engine, functions' calls over the wire, everything else to the emulator.

    ``secret`` opens the control addresses: the lab's own and the emulator's.
    ``clock_speed`` is how many seconds of the event queue's retry intervals and event ages pass in a second.
    """

    def __init__(
        self, engine: Engine, functions: Functions, the_wire: Wire, secret: str, *, clock_speed: float = 1.0
    ) -> None:
        self._engine = engine
        self._functions = functions
        self._wire = the_wire
        self._tasks = Tasks()
        invoker = Invoker(engine)
        destinations = Destinations(functions.client.meta.endpoint_url)
        self._events = EventQueue(invoker, functions, destinations, self._tasks, clock_speed)
        self._invoke_api = InvokeApi(invoker, functions, self._events)
        self._urls = FunctionUrls(invoker, functions)
        self._deployments = Deployments(engine, functions, self._tasks)
        self._lab_requests = LabRequests(engine, the_wire, destinations)
        self._secret = secret.encode()
        self._own_hosts: set[bytes] = set()

    def answer(self, request: Request, respond: Respond) -> None:
        """Answer one request, now or later."""
        try:
            host = request.headers.get(b"host", DEFAULT_HOST)
            if host in self._own_hosts:
                self._route(request, respond)
            else:
                self._route_by_host(host, request, respond)
        except Exception as error:
            respond(*error_answer(error))

    async def close(self) -> None:
        """Drop what is under way."""
        self._events.close()
        self._deployments.close()
        await self._tasks.close()

    def _route_by_host(self, host: bytes, request: Request, respond: Respond) -> None:
        if not LOCAL_HOST.fullmatch(host.lower()):
            respond(403, [JSON_TYPE], b'{"message":"this endpoint answers for loopback hosts only"}')
        elif match := HOST.fullmatch(host.lower()):
            path = request.target.partition(b"?")[0].decode("latin-1")
            self._answer_later(self._urls.answer(match[1].decode(), path, request), respond)
        else:
            if len(self._own_hosts) < MAX_HOSTS:
                self._own_hosts.add(host)
            self._route(request, respond)

    def _route(self, request: Request, respond: Respond) -> None:
        target, headers = request.target, request.headers
        if b"origin" in headers and not LOCAL_ORIGIN.fullmatch(headers[b"origin"].lower()):
            respond(403, [JSON_TYPE], b'{"message":"this endpoint does not answer pages of other origins"}')
        elif request.method == "POST" and (resolved := self._functions.kept(target)) is not None:
            self._invoke_api.invoke(resolved, request, respond)
        elif request.method == "POST" and (match := INVOKE.fullmatch(target)):
            self._answer_later(self._invoke_api.resolve_and_invoke(match, request, respond), respond)
        elif request.method == "POST" and (match := INVOKE_ASYNC.fullmatch(target)):
            self._answer_later(self._invoke_api.invoke_async(match, request), respond)
        elif is_control(target) and not hmac.compare_digest(headers.get(SECRET_HEADER, b""), self._secret):
            respond(403, [JSON_TYPE], REFUSAL)
        elif request.method == "POST" and target == SNAPSHOTS:
            self._answer_later(self._deployments.take_snapshot(request), respond)
        elif target.startswith(LAB_PREFIX):
            respond(*self._lab_requests.answer(request))
        elif match := PATH.fullmatch(target):
            path = (match[2] or b"/").decode("latin-1")
            self._answer_later(self._urls.answer(match[1].decode(), path, request), respond)
        else:
            self._answer_later(self._forward(request), respond)

    def _answer_later(self, work: Coroutine[Any, Any, Answer | None], respond: Respond) -> None:
        """Answer with what a coroutine returns; None if it sees to the answer itself."""

        async def answered() -> None:
            try:
                answer = await work
            except Exception as error:
                answer = error_answer(error)
            if answer is not None:
                respond(*answer)

        self._tasks.start(answered())

    async def _forward(self, request: Request) -> Answer:
        access_key, service = wire.signer(request)
        function = self._engine.function_of_access_key.get(access_key)
        if function is not None:
            return await self._wire.call(function, service, request)
        status, headers, body = await self._wire.forward(request)
        if service in SERVICES:
            await self._deployments.passed(request.body, body)
            body = rewritten(body, request.headers.get(b"host", DEFAULT_HOST))
        return status, headers, body
