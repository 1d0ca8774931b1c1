"""AWS's Runtime API over HTTP, for one runtime process that speaks it as it does on Lambda: the unmodified client.

It stands where the channel stands in the other transport: it takes the same frames from the engine, and gives it the
same ones. Paths, headers and status codes: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom
runtimes", and the OpenAPI description that it links.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import httptools

from lab.engine.runtime import channel
from lab.engine.sandbox.peer import Address

PATHS = b"/2018-06-01/runtime/"
FRAME_OF_POST = {
    b"init/error": channel.INIT_ERROR,
    b"restore/error": channel.RESTORE_ERROR,
    b"response": channel.RESULT,
    b"error": channel.ERROR,
}
MAX_BYTES_BESIDE_BODY = 1 << 20  # of headers, trailers and chunk sizes: a function must not fill the engine's memory
ACCEPTED = b'{"status":"OK"}\n'
JSON = b"content-type: application/json\r\n"
ERROR_TYPE_HEADER = b"lambda-runtime-function-error-type"
FROM_BROWSERS = (b"origin", b"sec-fetch-site")
LINE_ENDS = str.maketrans("\r\n", "  ")

OnFrame = Callable[[int, bytes, bytes], None]
IsRuntime = Callable[[Address, Address], bool]


class RuntimeApi:
    """The Runtime API of one runtime process, on a loopback port of its own.

    ``send`` takes the engine's frames; ``on_frame(kind, header, body)`` gets the runtime's: READY at its first request
    for an invocation, SNAPSHOT when it asks to be restored (a RESTORE frame lets it go on). ``peak_kb()`` returns the
    process's peak memory. ``on_idle()`` is called when the runtime has asked for an invocation and there is none: only
    then may it be frozen, as on Lambda (Developer Guide, "Understanding the Lambda execution environment lifecycle").
    ``is_runtime(peer, own)`` says whether a connection with these two addresses is the environment's own: every process
    of this machine can connect.
    """

    def __init__(
        self, on_frame: OnFrame, peak_kb: Callable[[], int], on_idle: Callable[[], None], is_runtime: IsRuntime
    ) -> None:
        self.is_runtime = is_runtime
        self._on_frame = on_frame
        self._on_idle = on_idle
        self._peak_kb = peak_kb
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._frames = channel.Decoder()
        self._connections: set[_Connection] = set()
        self._poll: _Connection | None = None
        self._waiting: tuple[bytes, bytes] | None = None
        self._current = b""
        self._ready = False
        loop = asyncio.get_running_loop()
        self._serving = loop.create_task(loop.create_server(lambda: _Connection(self), sock=self._listener))

    def send(self, data: bytes) -> None:
        """Take a frame of the engine: an invocation, which waits until it is asked for, or RESTORE."""
        for kind, header, body in self._frames.feed(data):
            if kind == channel.INVOKE:
                self._waiting = (header, body)
                self._hand_over()
            elif kind == channel.RESTORE and self._poll is not None:
                poll, self._poll = self._poll, None
                poll.respond(200, b"")

    def close(self) -> None:
        """End the port and every connection."""
        self._serving.cancel()
        if self._serving.done() and not self._serving.cancelled():
            self._serving.result().close()
        self._listener.close()
        for connection in list(self._connections):
            connection.abort()

    def opened(self, connection: "_Connection") -> None:
        """The runtime has connected."""
        self._connections.add(connection)

    def closed(self, connection: "_Connection") -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if self._poll is connection:
            self._poll = None

    def request(self, connection: "_Connection", method: bytes, path: bytes) -> None:
        """Serve one request; its headers and body are the connection's."""
        if connection.headers.get(b"host") != self.address.encode() or not connection.headers.keys().isdisjoint(
            FROM_BROWSERS
        ):
            connection.respond_error(403, "Forbidden", "this is the Runtime API of one execution environment")
        elif method == b"GET" and path == PATHS + b"invocation/next":
            self._next(connection)
        elif method == b"GET" and path == PATHS + b"restore/next":
            self._poll = connection
            self._on_frame(channel.SNAPSHOT, b"", b"")
        elif method == b"POST" and path.startswith(PATHS):
            self._post(connection, path.removeprefix(PATHS))
        else:
            connection.respond_error(404, "NotFound", "no such path in the Runtime API")

    def _next(self, connection: "_Connection") -> None:
        self._poll = connection
        if not self._ready:
            self._ready = True
            self._on_frame(channel.READY, self._peak(), b"")
        elif self._waiting is not None:
            self._hand_over()
        else:
            self._on_idle()

    def _hand_over(self) -> None:
        if self._poll is None or self._waiting is None:
            return
        (header, event), self._waiting = self._waiting, None
        poll, self._poll = self._poll, None
        invoke_id, arn, deadline_ms, trace_id, client_context = header.decode().split("\n", 4)
        self._current = invoke_id.encode()
        lines = (
            f"Lambda-Runtime-Aws-Request-Id: {invoke_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {arn}\r\n"
        )
        if trace_id:
            lines += f"Lambda-Runtime-Trace-Id: {trace_id}\r\n"
        if client_context:  # JSON, in which a line's end can only stand where a space may
            lines += f"Lambda-Runtime-Client-Context: {client_context.translate(LINE_ENDS)}\r\n"
        poll.respond(200, event, lines.encode())

    def _post(self, connection: "_Connection", path: bytes) -> None:
        body = connection.body
        if path in (b"init/error", b"restore/error"):
            connection.respond(202, ACCEPTED)
            self._on_frame(FRAME_OF_POST[path], b"", _error(body, connection.headers.get(ERROR_TYPE_HEADER), path))
            return
        parts = path.split(b"/")
        kind = FRAME_OF_POST.get(parts[-1])
        if len(parts) != 3 or parts[0] != b"invocation" or kind is None:
            connection.respond_error(404, "NotFound", "no such path in the Runtime API")
        elif not self._current or parts[1] != self._current:
            connection.respond_error(400, "InvalidRequestID", "Invalid request ID")
        else:
            peak = self._peak()
            self._current = b""
            if connection.is_too_large:
                # Accepted all the same: after the documented 413 the client would end its process.
                kind, body = channel.ERROR, channel.RESPONSE_TOO_LARGE
            connection.respond(202, ACCEPTED)
            self._on_frame(kind, peak, body)

    def _peak(self) -> bytes:
        return b"%d %b" % (self._peak_kb(), self._current)


class _Connection(asyncio.Protocol):
    """One connection of the runtime: requests one after another, each answered before the next is sent."""

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._parts: list[bytes] = []
        self._size = 0
        self._beside_body = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._api.opened(self)
        if not self._api.is_runtime(*map(transport.get_extra_info, ("peername", "sockname"))):
            self.respond_error(403, "Forbidden", "this is the Runtime API of another execution environment")
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._api.closed(self)

    def data_received(self, data: bytes) -> None:
        self._beside_body += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()
        if self._beside_body > MAX_BYTES_BESIDE_BODY:
            self.abort()

    def on_message_begin(self) -> None:
        self._path = b""
        self._parts = []
        self._size = self._beside_body = 0
        self.headers = {}

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if b"expect" in self.headers and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        self._beside_body -= len(body)
        if not self.is_too_large:
            self._parts.append(body)

    @property
    def is_too_large(self) -> bool:
        """Whether the body of the request is larger than an answer may be; then it is not kept."""
        return self._size > channel.MAX_RESPONSE_BYTES

    def on_message_complete(self) -> None:
        self.body = b"".join(self._parts)
        self._api.request(self, self._parser.get_method(), self._path)

    def respond(self, status: int, body: bytes, headers: bytes = b"") -> None:
        """Answer. The client takes an event for JSON only where the content type says exactly this."""
        if self._transport is not None:
            head = b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())
            self._transport.write(head + headers + JSON + b"content-length: %d\r\n\r\n" % len(body) + body)

    def respond_error(self, status: int, error_type: str, message: str) -> None:
        """Refuse, in the form of the Runtime API's own errors."""
        self.respond(status, json.dumps({"errorMessage": message, "errorType": error_type}).encode())

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()


def _error(body: bytes, error_type: bytes | None, path: bytes) -> bytes:
    """The error that a runtime reports, always as an object; the type of an init's error is in the header."""
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        content = {"errorMessage": "", "errorType": "Runtime.Unknown"}
    if error_type is not None and path == b"init/error":
        content["errorType"] = error_type.decode("latin-1")
    return json.dumps(content).encode()


def peak_kb(pid: int | None) -> int:
    """The peak memory of a process, KiB; 0 where it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    _, _, after = status.partition(b"VmHWM:")
    return int(after.split(None, 1)[0]) if after else 0
