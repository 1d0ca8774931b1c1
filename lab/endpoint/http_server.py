"""A small HTTP/1.1 server: httptools parses, a callback answers.

It is on the path of every invocation, so it is small (docs/decisions/0006-engine.md). `_Parser` makes requests from
bytes and enforces limits; `_Connection` answers the requests of one client in order; `HttpServer` listens.
Requests for a proxy and upgrades with a body are refused. No client can make the server keep more than a bounded part
of what it sent.
"""

import asyncio
import collections
import enum
import functools
import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus

import httptools

MAX_BODY_BYTES = 512 << 20
MAX_HEADER_BYTES = 64 << 10
MAX_WAITING = 64
BODILESS = frozenset({204, 304})
JSON_TYPE = (b"Content-Type", b"application/json")

Headers = Iterable[tuple[bytes, bytes]] | bytes
"""Names and values; or the header lines themselves, each with its line end."""
Answer = tuple[int, Headers, bytes]
"""Status, headers and body."""
Respond = Callable[[int, Headers, bytes], None]

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, _REASONS.get(status, b"")) for status in range(100, 1000)}
_BUFFER = memoryview(bytearray(64 << 10))  # shared by all connections: what arrives is parsed at once


class Request:
    """One request: ``target`` is the path and query as sent, header names are lower case.

    The values of a repeated header are joined by commas (cookies by semicolons), as HTTP defines.
    """

    __slots__ = ("body", "headers", "keep_alive", "method", "target")

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.keep_alive = True

    def header(self, name: bytes) -> str | None:
        """A header's value as text (Latin-1, as HTTP has it)."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


class _RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Parser:
    """Makes requests from the bytes of one connection. The ``on_`` methods are httptools' callbacks."""

    def __init__(self, on_request: Callable[[Request], None], on_expect: Callable[[], None]) -> None:
        self._on_request = on_request
        self._on_expect = on_expect
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._body: list[bytes] = []
        self._body_bytes = self._header_bytes = 0
        self._in_headers = True

    def feed(self, data: memoryview) -> bool:
        """Parse bytes; False where the request that they complete is the connection's last.

        Raises `_RefusedError` if this is not HTTP, exceeds a limit, or is not taken here.
        """
        request = self._request
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return False  # the request is taken without the upgrade
        except httptools.HttpParserError as error:
            refused = error.__context__
            raise refused if isinstance(refused, _RefusedError) else _RefusedError(400) from None
        if self._in_headers and self._request is request:
            self._header_bytes += len(data)  # httptools keeps a header until it is whole
            if self._header_bytes > MAX_HEADER_BYTES:
                raise _RefusedError(431)
        return True

    def on_message_begin(self) -> None:
        self._request = Request()
        self._body = []
        self._body_bytes = self._header_bytes = 0
        self._in_headers = True

    def on_url(self, url: bytes) -> None:
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _RefusedError(431)
        if not self._in_headers:
            return  # a trailer must not pass for a header
        headers = self._request.headers
        name = name.lower()
        if name in headers:
            value = headers[name] + (b"; " if name == b"cookie" else b",") + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        self._in_headers = False
        headers = self._request.headers
        if not self._request.target.startswith(b"/"):
            raise _RefusedError(400)
        if b"upgrade" in headers and (b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"):
            raise _RefusedError(400)  # httptools would not read its body
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._on_expect()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            raise _RefusedError(413)

    def on_message_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.keep_alive = self._parser.should_keep_alive() and b"upgrade" not in request.headers
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._on_request(request)


class _Reading(enum.Enum):
    OPEN = enum.auto()
    PAUSED = enum.auto()  # until fewer requests wait
    ENDED = enum.auto()  # for good: after a request that was refused or is the last


class _Connection(asyncio.BufferedProtocol):
    """One client. Its requests are answered one after another, in the order in which they came."""

    def __init__(self, answer: Callable[[Request, Respond], None], connections: set["_Connection"]) -> None:
        self._answer = answer
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = _Parser(self._requested, self._continue)
        self._current: Request | None = None  # is being answered
        self._waiting: collections.deque[Request] = collections.deque()
        self._reading = _Reading.OPEN
        self._client_reads = True
        self._refusal: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._waiting.clear()
        self._connections.discard(self)

    def pause_writing(self) -> None:
        self._client_reads = False

    def resume_writing(self) -> None:
        self._client_reads = True
        self._answer_waiting()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        try:
            if not self._parser.feed(_BUFFER[:nbytes]):
                self._pause(_Reading.ENDED)
        except _RefusedError as refused:
            self._pause(_Reading.ENDED)
            self._refusal = refused.status
            self._answer_waiting()  # the refusal is sent when all requests before it are answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _requested(self, request: Request) -> None:
        if self._current is None and not self._waiting and self._client_reads:
            self._start(request)
            return
        self._waiting.append(request)
        if len(self._waiting) >= MAX_WAITING:
            self._pause(_Reading.PAUSED)

    def _continue(self) -> None:
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _pause(self, until: _Reading) -> None:
        self._reading = until
        if self._transport is not None:
            self._transport.pause_reading()

    def _start(self, request: Request) -> None:
        self._current = request
        self._answer(request, functools.partial(self._respond, request))

    def _answer_waiting(self) -> None:
        while self._waiting and self._current is None and self._client_reads:
            self._start(self._waiting.popleft())
        if self._transport is None:
            return
        if self._reading is _Reading.PAUSED and len(self._waiting) < MAX_WAITING:
            self._reading = _Reading.OPEN
            self._transport.resume_reading()
        elif self._refusal is not None and not self._waiting and self._current is None:
            head = b"HTTP/1.1 %d %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self._transport.write(head % (self._refusal, _REASONS[self._refusal]))
            self._transport.close()

    def _respond(self, request: Request, status: int, headers: Headers, body: bytes) -> None:
        if request is not self._current:
            return  # it has been answered
        self._current = None
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if not isinstance(headers, bytes):
            headers = b"".join([b"%b: %b\r\n" % header for header in headers])
        if not request.keep_alive:
            headers += b"connection: close\r\n"
        elif b"connection" in request.headers:
            headers += b"connection: keep-alive\r\n"
        if request.method == "HEAD" or status in BODILESS:
            transport.write(b"%b%b\r\n" % (_STATUS_LINES[status], headers))
        else:
            transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (_STATUS_LINES[status], headers, len(body), body))
        if not request.keep_alive:
            self._waiting.clear()
            transport.close()
        elif self._waiting or self._refusal is not None:
            # Not from within: the caller has not finished with this request, and thousands may be waiting.
            asyncio.get_running_loop().call_soon(self._answer_waiting)


class HttpServer:
    """A server of one listening socket.

    ``answer(request, respond)`` may call ``respond`` at once or later. Only its first call counts, and none after the
    client has gone.
    """

    def __init__(self, answer: Callable[[Request, Respond], None]) -> None:
        self._answer = answer
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serve the clients of a listening socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self._answer, self._connections), sock=listener)

    def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
