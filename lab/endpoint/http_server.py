"""A small HTTP/1.1 server for the front door: httptools parses, a callback answers.

It is this small because it is on the path of every invocation: see docs/decisions/0006-engine.md. What it does not
take (requests for a proxy, upgrades with a body) it refuses; no client can make it keep more than a bounded part of
what it sent.
"""

import asyncio
import collections
from collections.abc import Callable, Iterable
from http import HTTPStatus

import httptools

MAX_BODY_BYTES = 512 << 20
MAX_HEADER_BYTES = 64 << 10
MAX_WAITING = 64
BODILESS = frozenset({204, 304})

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, _REASONS.get(status, b"")) for status in range(100, 1000)}
_BUFFER = memoryview(bytearray(64 << 10))


class Request:
    """One request: ``target`` is the path and query as sent, header names are lower case.

    A header that came more than once has its values joined by commas (cookies by semicolons), as HTTP defines.
    """

    __slots__ = ("answered", "body", "headers", "keep_alive", "method", "target")

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.keep_alive = True
        self.answered = False

    def header(self, name: bytes) -> str | None:
        """A header's value as text (Latin-1, as HTTP has it)."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


Headers = Iterable[tuple[bytes, bytes]] | bytes
"""Names and values; or the header lines themselves, each with its line's end."""
Respond = Callable[[int, Headers, bytes], None]
Answer = Callable[[Request, Respond], None]


class HttpProtocol(asyncio.BufferedProtocol):
    """One connection.

    ``answer(request, respond)`` may call ``respond`` at once or later; only the first call counts, and none when the
    client has gone. Requests of a connection are answered one after another, in the order in which they came.
    """

    def __init__(self, answer: Answer, connections: set["HttpProtocol"]) -> None:
        self._answer = answer
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._header_bytes = 0
        self._in_headers = True
        self._waiting: collections.deque[Request] = collections.deque()
        self._answering = False
        self._writing_paused = False
        self._ended = False
        self._refusal: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """asyncio: the client has gone."""
        self._transport = None
        self._waiting.clear()
        self._connections.discard(self)

    def pause_writing(self) -> None:
        """asyncio: the client does not read its answers."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """asyncio: the client reads again."""
        self._writing_paused = False
        self._start_waiting()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """asyncio: where bytes may be put. One place for all connections: what comes is parsed at once."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: bytes have come."""
        before = self._request
        try:
            self._parser.feed_data(_BUFFER[:nbytes])
        except httptools.HttpParserUpgrade:
            self._end_reading()  # the request has been taken without the upgrade; it is the connection's last
        except httptools.HttpParserError as error:
            refusal = error.__context__
            self._refuse(refusal.status if isinstance(refusal, _RefusedError) else 400)
        else:
            if self._in_headers and self._request is before:
                self._count_unfinished(nbytes)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._request = Request()
        self._body = []
        self._body_bytes = self._header_bytes = 0
        self._in_headers = True

    def on_url(self, url: bytes) -> None:
        """httptools: a part of the target."""
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header; one that follows the body (a trailer) must not pass for one that came before it."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _RefusedError(431)
        if not self._in_headers:
            return
        headers = self._request.headers
        name = name.lower()
        if name in headers:
            value = headers[name] + (b"; " if name == b"cookie" else b",") + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """httptools: the headers are there; a client that waits for leave to send its body gets it."""
        self._in_headers = False
        request = self._request
        if not request.target.startswith(b"/"):
            raise _RefusedError(400)
        headers = request.headers
        if b"upgrade" in headers and (b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"):
            raise _RefusedError(400)  # the parser would not read its body
        if headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            raise _RefusedError(413)

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.keep_alive = self._parser.should_keep_alive() and b"upgrade" not in request.headers
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        if self._answering or self._waiting or self._writing_paused:
            self._wait(request)
        else:
            self._start(request)

    def _wait(self, request: Request) -> None:
        self._waiting.append(request)
        if len(self._waiting) >= MAX_WAITING and self._transport is not None:
            self._transport.pause_reading()

    def _start(self, request: Request) -> None:
        self._answering = True

        def respond(status: int, headers: Headers, body: bytes) -> None:
            self._respond(request, status, headers, body)

        self._answer(request, respond)

    def _start_waiting(self) -> None:
        while self._waiting and not self._answering and not self._writing_paused:
            self._start(self._waiting.popleft())
        if not self._ended and len(self._waiting) < MAX_WAITING and self._transport is not None:
            self._transport.resume_reading()
        elif self._refusal is not None and not self._waiting and not self._answering:
            self._write_refusal(self._refusal)

    def _respond(self, request: Request, status: int, headers: Headers, body: bytes) -> None:
        if request.answered:
            return
        request.answered = True
        self._answering = False
        if self._transport is None or self._transport.is_closing():
            return
        lines = (
            headers
            if isinstance(headers, bytes)
            else b"".join([b"%b: %b\r\n" % (name, value) for name, value in headers])
        )
        if not request.keep_alive:
            lines += b"connection: close\r\n"
        elif b"connection" in request.headers:
            lines += b"connection: keep-alive\r\n"
        head = _STATUS_LINES[status] + lines
        if request.method == "HEAD" or status in BODILESS:
            self._transport.write(head + b"\r\n")
        else:
            self._transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        if not request.keep_alive:
            self._waiting.clear()
            self._transport.close()
        elif self._waiting or self._refusal is not None:
            # Not from within: who answers has not finished with this request, and thousands may be waiting.
            asyncio.get_running_loop().call_soon(self._start_waiting)

    def _count_unfinished(self, size: int) -> None:
        # The parser gives a header when it is whole: one that never ends would be kept for ever.
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            self._refuse(431)

    def _end_reading(self) -> None:
        self._ended = True
        if self._transport is not None:
            self._transport.pause_reading()

    def _refuse(self, status: int) -> None:
        """Refuse what cannot be read, once all that came before it is answered."""
        self._end_reading()
        self._refusal = status
        self._start_waiting()

    def _write_refusal(self, status: int) -> None:
        if self._transport is not None and not self._transport.is_closing():
            head = b"HTTP/1.1 %d %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self._transport.write(head % (status, _REASONS[status]))
            self._transport.close()


class _RefusedError(Exception):
    """A request is of a kind that this server does not take."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HttpServer:
    """A server on 127.0.0.1, and nowhere else."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._connections: set[HttpProtocol] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen; returns the port, which is a free one where 0 was asked for.

        Raises:
            OSError: the port is in use.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpProtocol(self._answer, self._connections), "127.0.0.1", port, backlog=1024
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
