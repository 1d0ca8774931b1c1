"""A tiny HTTP server that counts what reaches it and fails as often as a test wants."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


Respond = Callable[[Request], Response]

_JSON = {"Content-Type": "application/x-amz-json-1.0"}
FAULT = Response(500, _JSON, b'{"__type": "InternalServerError"}')
REFUSAL = Response(400, _JSON, b'{"__type": "AccessDeniedException"}')
"""What a client does not try again."""


@dataclass
class Wire:
    """What went over the wire.

    ``failures_left`` requests from now on are answered by ``failure``, or by hanging up where that is None.
    """

    respond: Respond
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    failures_left: int = 0
    failure: Response | None = FAULT
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response | None:
        with self._lock:
            self.requests.append(request)
            fails = self.failures_left > 0
            self.failures_left -= fails
        if fails:
            return self.failure
        return self.respond(request)


class _Server(ThreadingHTTPServer):
    # With the default of 5, the kernel drops connections of a client that opens ten, and it tries again after a second.
    request_queue_size = 128


@contextmanager
def served(respond: Respond) -> Iterator[Wire]:
    """A server on a free port of the loopback, answering by ``respond``."""
    wire = Wire(respond)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One write an answer: head and body apart would wait 40 ms for each other.
        wbufsize = 1 << 16

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = wire.answer(Request(self.command, self.path, dict(self.headers), body))
            if response is None:
                self.close_connection = True
                return
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815 -- http.server's names

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    wire.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
