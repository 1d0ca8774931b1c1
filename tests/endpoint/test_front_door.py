"""The front door, as bytes: which clients it answers, and what it survives."""

import concurrent.futures
import contextlib
import json
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import Endpoint, until
from tests.engine.raw_http import Connection, connected, request

ECHO = "def handler(event, context): return event\n"


def invoke(name: str, body: bytes, *headers: str, version: str = "1.1") -> bytes:
    """An invocation as bytes."""
    lines = [f"POST /2015-03-31/functions/{name}/invocations HTTP/{version}", "Host: localhost", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def is_well(endpoint: Endpoint) -> bool:
    """Whether the endpoint still answers."""
    return bool(endpoint.invoke(endpoint.function(ECHO), {"well": True}).payload == {"well": True})


# Which clients it answers


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")
def test_it_listens_on_the_loopback_address_only(endpoint: Endpoint) -> None:
    port = endpoint.url.rpartition(":")[2]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    listening = [row[1] for row in rows if row[3] == "0A"]
    assert f"0100007F:{int(port):04X}" in listening
    assert f"00000000:{int(port):04X}" not in listening


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "169.254.169.254", "", "a b"]
)
def test_a_foreign_host_is_refused(endpoint: Endpoint, host: str) -> None:
    """A page with a name that was rebound to 127.0.0.1 must not reach the endpoint."""
    for target in ("/2015-03-31/functions", "/"):
        assert request(endpoint.url, "GET", target, host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:4566", "bucket.s3.localhost:4566"])
def test_a_loopback_host_is_answered(endpoint: Endpoint, host: str) -> None:
    assert endpoint.control("GET", "/_lab/info", host=host).status == 200


def test_of_two_hosts_neither_is_believed(endpoint: Endpoint) -> None:
    assert request(endpoint.url, "GET", "/2015-03-31/functions", b"", {"HOST": "evil.example"}).status == 403


def test_a_host_in_a_trailer_is_not_believed(endpoint: Endpoint) -> None:
    with connected(endpoint.url) as connection:
        connection.send(
            b"POST / HTTP/1.1\r\nHost: evil.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: localhost\r\n\r\n"
        )
        assert connection.answer().status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "file://"])
def test_a_page_of_another_origin_is_refused(endpoint: Endpoint, origin: str) -> None:
    name = endpoint.function("calls = []\ndef handler(event, context): calls.append(event); return len(calls)\n")
    target = f"/2015-03-31/functions/{name}/invocations"
    before = endpoint.invoke(name).payload
    assert request(endpoint.url, "POST", target, b"{}", {"Origin": origin}).status == 403
    assert endpoint.invoke(name).payload == before + 1


def test_a_page_of_this_machine_is_answered(endpoint: Endpoint) -> None:
    answer = request(endpoint.url, "GET", "/2015-03-31/functions", b"", {"Origin": "http://localhost:3000"})
    assert answer.status == 200


# What HTTP allows


def test_chunked_bodies_are_read(endpoint: Endpoint) -> None:
    """RFC 9112, 7.1."""
    name = endpoint.function(ECHO)
    head = invoke(name, b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
    with connected(endpoint.url) as connection:
        connection.send(head + b'3;name=value\r\n{"a\r\n4\r\n": 1\r\n1\r\n}\r\n0\r\nX-Trailer: 1\r\n\r\n')
        assert connection.answer().json == {"a": 1}
        connection.send(endpoint.control_bytes("GET", "/_lab/info"))
        assert connection.answer().status == 200


def test_a_client_that_asks_for_leave_gets_it(endpoint: Endpoint) -> None:
    """RFC 9110, 10.1.1: Expect: 100-continue."""
    name = endpoint.function(ECHO)
    with connected(endpoint.url) as connection:
        connection.send(invoke(name, b"[1]", "Expect: 100-continue")[:-3])
        assert connection.answer().status == 100
        connection.send(b"[1]")
        assert connection.answer().json == [1]


def test_pipelined_requests_are_answered_in_order(endpoint: Endpoint) -> None:
    """RFC 9112, 9.3.2: the slow one first."""
    name = endpoint.function("import time\ndef handler(event, context): time.sleep(event); return event\n")
    endpoint.invoke(name, 0)
    with connected(endpoint.url) as connection:
        connection.send(
            invoke(name, b"0.3")
            + endpoint.control_bytes("GET", "/_lab/info")
            + invoke(name, b"0")
            + endpoint.control_bytes("GET", "/_lab/nothing")
        )
        assert connection.answer().json == 0.3
        assert "profile" in connection.answer().json
        assert connection.answer().json == 0
        assert connection.answer().status == 404


def test_a_flood_of_pipelined_requests_is_answered(endpoint: Endpoint) -> None:
    """Neither the stack nor the memory may grow with them; the client reads nothing until all is sent."""
    count = 5000
    name = endpoint.function("import time\ndef handler(event, context): time.sleep(event); return event\n")
    asked = endpoint.control_bytes("GET", "/_lab/wire")
    with connected(endpoint.url) as connection, concurrent.futures.ThreadPoolExecutor(1) as sender:
        sent = sender.submit(connection.send, invoke(name, b"0.2") + asked * count)
        assert connection.answer().json == 0.2
        assert all(connection.answer().status == 200 for _ in range(count))
        sent.result()


def test_http_1_0_closes_and_keeps_alive_when_asked(endpoint: Endpoint) -> None:
    """RFC 9112, 9.3."""
    name = endpoint.function(ECHO)
    with connected(endpoint.url) as connection:
        connection.send(invoke(name, b"1", "Connection: keep-alive", version="1.0"))
        answer = connection.answer()
        assert (answer.json, answer.headers["connection"]) == (1, "keep-alive")
        connection.send(invoke(name, b"2", version="1.0"))
        answer = connection.answer()
        assert (answer.json, answer.headers["connection"]) == (2, "close")
        assert connection.is_closed()


def test_an_upgrade_is_declined(endpoint: Endpoint) -> None:
    """RFC 9110, 7.8: a server may ignore it; some clients offer HTTP/2 so."""
    with connected(endpoint.url) as connection:
        connection.send(
            b"GET /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
        )
        assert connection.answer().status == 200
        assert connection.is_closed()


def test_an_upgrade_with_a_body_is_refused_and_runs_nothing(endpoint: Endpoint) -> None:
    """The parser would not read the body: the function would run without its event."""
    name = endpoint.function(
        "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n"
    )
    before = endpoint.invoke(name).payload
    with connected(endpoint.url) as connection:
        connection.send(invoke(name, b"[1]", "Connection: Upgrade", "Upgrade: h2c"))
        assert connection.answer().status == 400
    assert endpoint.invoke(name).payload == before + 1


# What it survives


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET @evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \x00\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        bytes(range(256)).replace(b"\n", b"") * 16 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(endpoint: Endpoint, data: bytes) -> None:
    with connected(endpoint.url) as connection:
        connection.send(data)
        assert connection.answer().status == 400
        assert connection.is_closed()
    assert is_well(endpoint)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: bcdefghij\r\n" * 10_000 + b"\r\n",
    ],
)
def test_huge_headers_are_refused(endpoint: Endpoint, head: bytes) -> None:
    """RFC 6585: 431."""
    with connected(endpoint.url) as connection:
        connection.send(head)
        assert connection.answer().status == 431
    assert is_well(endpoint)


def test_a_header_that_never_ends_is_refused(endpoint: Endpoint) -> None:
    with connected(endpoint.url) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nA: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                connection.send(b"x" * 10_000)
                time.sleep(0.001)
            pytest.fail("ten megabytes of header were taken")
    assert is_well(endpoint)


def test_what_came_before_a_malformed_request_is_answered(endpoint: Endpoint) -> None:
    name = endpoint.function("import time\ndef handler(event, context): time.sleep(event); return event\n")
    with connected(endpoint.url) as connection:
        info = endpoint.control_bytes("GET", "/_lab/info")
        connection.send(invoke(name, b"0.2") + info + b"nonsense\r\n\r\n" + info)
        assert connection.answer().json == 0.2
        assert connection.answer().status == 200
        assert connection.answer().status == 400
        assert connection.is_closed()


def test_half_requests_hold_up_nobody(endpoint: Endpoint) -> None:
    name = endpoint.function(ECHO)
    halves = [b"P", b"POST /2015-03-31/fun", invoke(name, b"[1,2,3]")[:-20], invoke(name, b"[1,2,3]")[:-1], b""]
    with contextlib.ExitStack() as stack:
        for half in halves * 20:
            stack.enter_context(connected(endpoint.url)).send(half)
        assert is_well(endpoint)
    assert is_well(endpoint)


def test_a_request_may_come_byte_by_byte(endpoint: Endpoint) -> None:
    data = invoke(endpoint.function(ECHO), b'{"slow": true}', "X-Amz-Log-Type: Tail")
    with connected(endpoint.url) as connection:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(data)):
            connection.send(data[place : place + 1])
        assert connection.answer().json == {"slow": True}


def test_a_body_shorter_than_its_length_is_no_request(endpoint: Endpoint) -> None:
    name = endpoint.function(
        "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n"
    )
    before = endpoint.invoke(name).payload
    with connected(endpoint.url) as connection:
        connection.send(invoke(name, b"[1]")[:-1])
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed()
    assert endpoint.invoke(name).payload == before + 1


@pytest.mark.parametrize("linger", [None, b"\1\0\0\0\0\0\0\0"], ids=["closed", "reset"])
def test_a_client_that_leaves_during_an_invocation_disturbs_nobody(endpoint: Endpoint, linger: bytes | None) -> None:
    """The invocation goes on to its end, as on Lambda, and its environment is used again."""
    counts = WAITS.replace("    return ME", "        left.append(1)\n    return left")
    name = endpoint.new_function("left = []\n" + counts, Timeout=60)
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with gate() as made, connected(endpoint.url) as connection:
        connection.send(invoke(name, json.dumps(made.event).encode()))
        made.wait_for(1)
        if linger is not None:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    answers = []

    def answered() -> bool:
        answer = request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations")
        answers.append(answer.json)
        return answer.status == 200  # 429 until the other one has ended

    until(answered)
    assert answers[-1] == [1]


def test_a_client_that_does_not_read_holds_up_nobody(endpoint: Endpoint) -> None:
    name = endpoint.function("def handler(event, context): return 'x' * 5_000_000\n")
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(connected(endpoint.url))
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.send(invoke(name, b"{}") * 3)
        time.sleep(0.3)
        assert is_well(endpoint)


def test_a_request_that_the_emulator_cannot_be_asked_is_answered(endpoint: Endpoint) -> None:
    """Whatever stands in the target, there is an answer."""
    for target in ("//", "/%", "/?%zz=%", "/a b".replace(" ", "%20"), "/\\", "/..;/", "/" + "a/" * 1000):
        assert 200 <= request(endpoint.url, "GET", target).status < 600


def test_an_error_of_the_labs_own_requests_is_json(endpoint: Endpoint) -> None:
    answer = endpoint.control("PUT", "/_lab/faults", b'{"error_rate": 2}')
    assert answer.status == 400
    assert "error_rate" in json.loads(answer.body)["message"]


def test_many_connections_are_taken(endpoint: Endpoint) -> None:
    with contextlib.ExitStack() as stack:
        many: list[Connection] = [stack.enter_context(connected(endpoint.url)) for _ in range(500)]
        for connection in many:
            connection.send(endpoint.control_bytes("GET", "/_lab/info"))
        assert all(connection.answer().status == 200 for connection in many)
