"""The client of a local endpoint's own paths."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from lab.deploy.endpoint_control import EndpointControl
from lab.errors import LabError


class Answers(BaseHTTPRequestHandler):
    """Answers each request with what the test set, and keeps what came."""

    status = 200
    body = b"{}"
    came: list[tuple[str, str, bytes]] = []  # noqa: RUF012 -- emptied by each test

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.came.append((self.command, self.path, body))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_PUT = do_DELETE = _any  # noqa: N815 -- as http.server calls them

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Answers.status, Answers.body = 200, b"{}"
    Answers.came.clear()
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_is_asked(url: str) -> None:
    control = EndpointControl(url)
    control.info()
    control.wire()
    control.fail_downstream(0.25)
    Answers.body = b'{"ended": 2, "busy": 1}'
    assert control.end_environments() == {"ended": 2, "busy": 1}

    assert Answers.came == [
        ("GET", "/_lab/info", b""),
        ("GET", "/_lab/wire", b""),
        ("PUT", "/_lab/faults", b'{"error_rate": 0.25}'),
        ("DELETE", "/_lab/environments", b""),
    ]


def test_the_wire_by_function(url: str) -> None:
    Answers.body = b'{"functions": {"cache-lab-no_cache": {"downstream_calls": 12}}}'

    assert dict(EndpointControl(url).wire()["cache-lab-no_cache"]) == {"downstream_calls": 12}


@pytest.mark.parametrize(("status", "body"), [(404, b"{}"), (200, b"<html>"), (200, b"[]"), (500, b"")])
def test_something_else_that_answers_there(url: str, status: int, body: bytes) -> None:
    Answers.status, Answers.body = status, body

    with pytest.raises(LabError, match=rf"{url} is not a lab endpoint .*HTTP {status}.*lab serve"):
        EndpointControl(url).info()


def test_nobody_there() -> None:
    with pytest.raises(LabError, match=r"no local endpoint answers at http://127\.0\.0\.1:9 \(Connection refused\)"):
        EndpointControl("http://127.0.0.1:9").info()
