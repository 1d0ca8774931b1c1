"""The Runtime API as a runtime meets it on the wire. Source: the AWS Lambda Developer Guide, "Using the Lambda runtime
API for custom runtimes". With its real client it is tested by every test of the engine that runs in both transports.
"""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from lab.engine.runtime import channel
from lab.engine.runtime_api import RuntimeApi

NEXT = "/2018-06-01/runtime/invocation/next"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
INVOKE = channel.encode_invoke("id-1", ARN, 1_700_000_000_000, '{\n"custom": {}}', b'{"a": 1}')


class Wire:
    """A Runtime API, the frames that it gave the engine, and a runtime that speaks HTTP by hand."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes, bytes]] = []
        self.times_idle = 0
        self.is_runtime = True
        self.api = RuntimeApi(
            lambda *frame: self.frames.append(frame), lambda: 1234, self._idle, lambda *_: self.is_runtime
        )

    def _idle(self) -> None:
        self.times_idle += 1

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own: status, headers with lower-case names, body."""
        host, port = self.api.address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = {"Host": self.api.address, "Content-Length": str(len(body))}
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        status, *got = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        answer = {name.lower(): value for name, value in (line.split(": ", 1) for line in got)}
        content = await reader.readexactly(int(answer["content-length"]))
        writer.close()
        return int(status.split()[1]), answer, content

    async def take_invocation(self) -> tuple[int, dict[str, str], bytes]:
        """Ask for the first invocation, and get it."""
        polling = asyncio.create_task(self.ask("GET", NEXT))
        while not self.frames:
            await asyncio.sleep(0.01)
        self.api.send(INVOKE)
        return await polling


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    wire.api.close()


async def test_the_first_request_for_an_invocation_ends_init(wire: Wire) -> None:
    status, _, event = await wire.take_invocation()
    assert (status, event) == (200, b'{"a": 1}')
    assert wire.frames == [(channel.READY, b"1234 ", b"")]


async def test_an_invocation_that_is_early_waits_until_it_is_asked_for(wire: Wire) -> None:
    """The engine sends the next one as soon as it has an answer, before the runtime asks for it."""
    await wire.take_invocation()
    wire.api.send(INVOKE)
    assert (await wire.ask("GET", NEXT))[0] == 200
    assert wire.times_idle == 0


async def test_the_runtime_is_idle_when_it_asks_for_an_invocation_and_there_is_none(wire: Wire) -> None:
    """From then on the environment may be frozen, not from its answer on."""
    await wire.take_invocation()
    await wire.ask("POST", "/2018-06-01/runtime/invocation/id-1/response", b"1")
    assert wire.times_idle == 0
    polling = asyncio.create_task(wire.ask("GET", NEXT))
    while not wire.times_idle:
        await asyncio.sleep(0.01)
    wire.api.send(INVOKE)
    assert (await polling)[0] == 200


async def test_the_headers_are_those_documented_and_the_content_type_is_bare(wire: Wire) -> None:
    """Any other content type, even with a charset, makes the client hand the handler bytes."""
    _, headers, _ = await wire.take_invocation()
    assert headers == {
        "content-type": "application/json",
        "content-length": "8",
        "lambda-runtime-aws-request-id": "id-1",
        "lambda-runtime-deadline-ms": "1700000000000",
        "lambda-runtime-invoked-function-arn": ARN,
        "lambda-runtime-client-context": '{ "custom": {}}',
    }


async def test_an_answer_is_accepted_once_and_for_its_own_invocation(wire: Wire) -> None:
    await wire.take_invocation()
    path = "/2018-06-01/runtime/invocation/{}/response"
    other = await wire.ask("POST", path.format("id-2"), b"1")
    accepted = await wire.ask("POST", path.format("id-1"), b"2")
    again = await wire.ask("POST", path.format("id-1"), b"3")
    assert (other[0], accepted[0], again[0]) == (400, 202, 400)
    assert json.loads(other[2]) == {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
    assert wire.frames[1:] == [(channel.RESULT, b"1234 id-1", b"2")]


async def test_an_error_of_init_has_the_type_that_its_header_names(wire: Wire) -> None:
    body = b'{"errorType": "ValueError", "errorMessage": "no"}'
    answer = await wire.ask(
        "POST", "/2018-06-01/runtime/init/error", body, Lambda_Runtime_Function_Error_Type="Runtime.Own"
    )
    assert answer[0] == 202
    ((kind, _, error),) = wire.frames
    assert (kind, json.loads(error)) == (channel.INIT_ERROR, {"errorType": "Runtime.Own", "errorMessage": "no"})


async def test_an_error_of_init_that_is_no_json_is_an_error_still(wire: Wire) -> None:
    await wire.ask("POST", "/2018-06-01/runtime/init/error", b"\xff")
    ((_, _, error),) = wire.frames
    assert json.loads(error)["errorType"] == "Runtime.Unknown"


async def test_a_restore_is_waited_for(wire: Wire) -> None:
    polling = asyncio.create_task(wire.ask("GET", "/2018-06-01/runtime/restore/next"))
    while not wire.frames:
        await asyncio.sleep(0.01)
    assert wire.frames == [(channel.SNAPSHOT, b"", b"")]
    assert not polling.done()
    wire.api.send(channel.encode(channel.RESTORE))
    assert (await polling)[0] == 200


@pytest.mark.parametrize("headers", [{"Host": "attacker.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "none"}])
async def test_a_page_in_a_browser_cannot_take_an_invocation(wire: Wire, headers: dict[str, str]) -> None:
    assert (await wire.ask("GET", NEXT, b"", **headers))[0] == 403
    assert wire.frames == []


@pytest.mark.parametrize("path", ["/", "/2018-06-01/runtime/nothing", "/2018-06-01/runtime/invocation/x/y/z"])
async def test_an_unknown_path_is_not_found(wire: Wire, path: str) -> None:
    assert (await wire.ask("POST", path))[0] == 404


async def test_what_is_no_http_ends_its_connection_only(wire: Wire) -> None:
    host, port = wire.api.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\0\0 nonsense\r\n\r\n")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    assert (await wire.ask("GET", "/"))[0] == 404


@pytest.mark.parametrize(
    "begin", ["GET /", "GET / HTTP/1.1\r\nname: ", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0;"]
)
async def test_a_request_without_an_end_does_not_fill_the_engines_memory(wire: Wire, begin: str) -> None:
    host, port = wire.api.address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(begin.encode())
    with pytest.raises(ConnectionError):
        await write_on(writer)
    writer.close()
    assert (await wire.ask("GET", "/"))[0] == 404


async def write_on(writer: asyncio.StreamWriter) -> None:
    for _ in range(100):
        writer.write(b"a" * (1 << 20))
        await writer.drain()
