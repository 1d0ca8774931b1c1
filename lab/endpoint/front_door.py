"""The front door: the one address of the local endpoint, and where each request goes."""

import re

from lab.endpoint import wire
from lab.endpoint.api_error import internal_error
from lab.endpoint.deployments import SERVICES, Deployments
from lab.endpoint.destinations import Destinations
from lab.endpoint.event_queue import EventQueue
from lab.endpoint.function_urls import HOST, PATH, FunctionUrls, rewritten
from lab.endpoint.functions import Functions
from lab.endpoint.http_server import Request, Respond
from lab.endpoint.invoke_api import InvokeApi
from lab.endpoint.invoker import Invoker
from lab.endpoint.lab_requests import JSON_TYPE, PREFIX, LabRequests
from lab.endpoint.request_ids import new_request_id
from lab.endpoint.tasks import Tasks
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine

LOCAL_HOST = re.compile(rb"(?:(?:[a-z0-9.-]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
LOCAL_ORIGIN = re.compile(rb"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
MAX_HOSTS = 1000


class FrontDoor:
    """Sends invocations to the engine, functions' calls over the wire, everything else to the emulator.

    ``clock_speed`` is how many seconds of the event queue's retry intervals and event ages pass in a second.
    """

    def __init__(self, engine: Engine, functions: Functions, the_wire: Wire, *, clock_speed: float = 1.0) -> None:
        self._engine = engine
        self._wire = the_wire
        self._tasks = Tasks()
        invoker = Invoker(engine)
        destinations = Destinations(functions.client.meta.endpoint_url)
        self._events = EventQueue(invoker, functions, destinations, self._tasks, clock_speed)
        self._invoke_api = InvokeApi(invoker, functions, self._events, self._tasks)
        self._urls = FunctionUrls(invoker, functions)
        self._deployments = Deployments(engine, functions, self._tasks)
        self._lab_requests = LabRequests(engine, the_wire, destinations)
        self._plain_hosts: set[bytes] = set()

    def answer(self, request: Request, respond: Respond) -> None:
        """Answer one request, now or later."""
        try:
            self._route(request, respond)
        except Exception as error:
            respond(*internal_error(error).answer(new_request_id()))

    async def close(self) -> None:
        """Let go of what is under way."""
        self._events.close()
        self._deployments.close()
        await self._tasks.close()

    def _route(self, request: Request, respond: Respond) -> None:
        headers = request.headers
        host = headers.get(b"host", b"127.0.0.1")
        if host not in self._plain_hosts and not self._is_plain(host, request, respond):
            return
        if b"origin" in headers and not LOCAL_ORIGIN.fullmatch(headers[b"origin"].lower()):
            respond(403, [JSON_TYPE], b'{"message":"this endpoint does not answer pages of other origins"}')
        elif request.method == "POST" and self._invoke_api.answers(request, respond):
            pass
        elif request.target.startswith(PREFIX):
            self._lab_requests.answer(request, respond)
        elif (match := PATH.fullmatch(request.target)) is not None:
            path = (match[2] or b"/").decode("latin-1")
            self._tasks.go(self._urls.answer(match[1].decode(), path, request, respond))
        else:
            self._tasks.go(self._forward(request, respond))

    def _is_plain(self, host: bytes, request: Request, respond: Respond) -> bool:
        """Whether a host is one of the endpoint's own; if not, the request is answered here."""
        host = host.lower()
        if not LOCAL_HOST.fullmatch(host):
            respond(403, [JSON_TYPE], b'{"message":"this endpoint answers for loopback hosts only"}')
            return False
        match = HOST.fullmatch(host)
        if match is not None:
            path = request.target.partition(b"?")[0].decode("latin-1")
            self._tasks.go(self._urls.answer(match[1].decode(), path, request, respond))
            return False
        if len(self._plain_hosts) < MAX_HOSTS:
            self._plain_hosts.add(request.headers.get(b"host", b"127.0.0.1"))
        return True

    async def _forward(self, request: Request, respond: Respond) -> None:
        try:
            access_key, service = wire.signer(request)
            function = self._engine.function_of_access_key.get(access_key)
            if function is not None:
                respond(*await self._wire.call(function, service, request))
                return
            status, headers, body = await self._wire.forward(request)
            if service in SERVICES:
                await self._deployments.passed(request.body, body)
                body = rewritten(body, request.headers.get(b"host", b"127.0.0.1"))
        except Exception as error:
            status, headers, body = internal_error(error).answer(new_request_id())
        respond(status, headers, body)
