"""HTTP as bytes over a socket, for tests that look at what a client library hides or would not send."""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

LIMIT_S = 20


class Answer(NamedTuple):
    """One answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection to the endpoint, as bytes."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=LIMIT_S)
        self._received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, to_head: bool = False) -> Answer:
        """Read one answer."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = 0 if to_head else int(headers.get("content-length", "0"))
        while len(self._received) < length:
            self._receive()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(int(status.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether the endpoint closes the connection without another byte."""
        return self._received == b"" and self.socket.recv(1) == b""

    def _receive(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f"the endpoint closed the connection after {self._received!r}")
        self._received += data


@contextlib.contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection, closed with the block."""
    connection = Connection(url)
    with connection.socket:
        yield connection


def request(
    url: str,
    method: str,
    target: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    host: str = "localhost",
) -> Answer:
    """One request on a connection of its own, with just these headers."""
    sent = {"Host": host, "Content-Length": str(len(body)), "Connection": "close"} | (headers or {})
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    with connected(url) as connection:
        connection.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return connection.answer(to_head=method == "HEAD")
