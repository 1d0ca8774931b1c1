"""A small HTTP/1.1 server for the front door: httptools parses, a callback answers.

It is this small because it is on the path of every invocation: see docs/decisions/0006-front-door.md.
"""

import asyncio
import collections
from collections.abc import Callable, Iterable
from http import HTTPStatus

import httptools

MAX_BODY_BYTES = 512 << 20
MAX_HEADER_BYTES = 64 << 10

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Request:
    """One request: ``target`` is the path and query as sent, header names are lower case."""

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


Headers = Iterable[tuple[bytes, bytes]]
Respond = Callable[[int, Headers, bytes], None]
Answer = Callable[[Request, Respond], None]


class HttpProtocol(asyncio.Protocol):
    """One connection. ``answer(request, respond)`` may call ``respond`` at once or later, once."""

    def __init__(self, answer: Answer, connections: set["HttpProtocol"]) -> None:
        self._answer = answer
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._header_bytes = 0
        self._waiting: collections.deque[Request] = collections.deque()
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """asyncio: the client has gone."""
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes have come."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(400, b"this endpoint does not upgrade connections")
        except (httptools.HttpParserError, _TooLargeError) as error:
            self._refuse(413 if isinstance(error.__context__, _TooLargeError) else 400, b"malformed HTTP request")

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def on_message_begin(self) -> None:
        """httptools: a request begins."""
        self._request = Request()
        self._body = []
        self._body_bytes = self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """httptools: a part of the target."""
        self._request.target += url
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: a header."""
        self._request.headers[name.lower()] = value
        self._count_header(len(name) + len(value))

    def on_headers_complete(self) -> None:
        """httptools: the headers are there; a client that waits for leave to send its body gets it."""
        if self._request.headers.get(b"expect", b"").lower() == b"100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """httptools: a part of the body."""
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            raise _TooLargeError

    def on_message_complete(self) -> None:
        """httptools: the request is whole."""
        request = self._request
        request.method = self._parser.get_method().decode("ascii")
        request.keep_alive = self._parser.should_keep_alive()
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        if self._answering:
            self._waiting.append(request)
        else:
            self._start(request)

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise _TooLargeError

    def _start(self, request: Request) -> None:
        self._answering = True

        def respond(status: int, headers: Headers, body: bytes) -> None:
            self._respond(request, status, headers, body)

        self._answer(request, respond)

    def _respond(self, request: Request, status: int, headers: Headers, body: bytes) -> None:
        self._answering = False
        if self._transport is None:
            return
        lines = [b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b""))]
        lines += [b"%b: %b" % header for header in headers]
        if request.method != "HEAD":
            lines.append(b"content-length: %d" % len(body))
        if not request.keep_alive:
            lines.append(b"connection: close")
        has_body = request.method != "HEAD" and status not in (204, 304)
        self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + (body if has_body else b""))
        if not request.keep_alive:
            self._transport.close()
        elif self._waiting:
            self._start(self._waiting.popleft())

    def _refuse(self, status: int, message: bytes) -> None:
        if self._transport is not None:
            head = b"HTTP/1.1 %d %b\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(head % (status, _REASONS[status], len(message)) + message)
            self._transport.close()


class _TooLargeError(Exception):
    """A request is larger than this server takes."""


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
