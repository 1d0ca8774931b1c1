"""A running engine for tests: functions from source text, invocations awaited."""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from lab.engine.engine import Engine
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation, InvocationResult
from lab.engine.settings import EngineSettings

_numbers = itertools.count(1)


LIMIT_S = 60
MEET = """
def meet(name=""):
    import socket
    with socket.create_connection(("127.0.0.1", {port})) as connection:
        connection.sendall(f"{{name}}\\n".encode())
        connection.recv(1)

"""


class Answer:
    """The result of an invocation, taken apart for tests."""

    def __init__(self, result: InvocationResult) -> None:
        self.raw = result.payload
        self.payload = json.loads(result.payload)
        self.function_error = result.function_error
        self.executed_version = result.executed_version
        self.start_wait_ms = result.start_wait_ms
        self.log = result.log_tail.decode()

    @property
    def report(self) -> dict[str, str]:
        """The REPORT line's parts by name. The last is the genuine one: a function can print what looks like it."""
        line = next(line for line in reversed(self.log.splitlines()) if line.startswith("REPORT "))
        parts = line.removeprefix("REPORT ").strip().split("\t")
        return dict(part.split(": ", 1) for part in parts)

    def milliseconds(self, name: str) -> float:
        """A duration of the REPORT line."""
        return float(self.report[name].removesuffix(" ms"))


class Meeting:
    """Where functions meet the test: each that calls ``meet(name)`` waits until the test releases it."""

    def __init__(self, server: asyncio.Server, arrivals: "asyncio.Queue[tuple[str, asyncio.StreamWriter]]") -> None:
        self.source = MEET.format(port=server.sockets[0].getsockname()[1])
        self._arrivals = arrivals
        self._held: list[tuple[str, asyncio.StreamWriter]] = []

    async def arrived(self, number: int) -> None:
        """Wait until so many more functions wait."""
        for _ in range(number):
            self._held.append(await asyncio.wait_for(self._arrivals.get(), LIMIT_S))

    def release(self, *names: str) -> None:
        """Release those of these names, or all that have arrived."""
        for name, writer in self._held:
            if not names or name in names:
                writer.close()
        self._held = [held for held in self._held if names and held[0] not in names]


@contextlib.asynccontextmanager
async def meeting() -> AsyncIterator[Meeting]:
    """A place to meet; whoever still waits at the end is released."""
    arrivals: asyncio.Queue[tuple[str, asyncio.StreamWriter]] = asyncio.Queue()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrivals.put_nowait(((await reader.readline()).decode().strip(), writer))

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    opened = Meeting(server, arrivals)
    yield opened
    opened.release()
    server.close()


class Harness:
    """One engine and the functions made for it."""

    def __init__(self, folder: Path, settings: EngineSettings = EngineSettings()) -> None:  # noqa: B008 - frozen
        self.folder = folder
        self.settings = settings
        self.engine = Engine(folder / "engine", {"TEST_FOLDER": str(folder)}, settings)
        self._empty = folder / "empty"
        self._empty.mkdir(parents=True)

    def function(self, source: str, *, meeting: Meeting | None = None, **changes: Any) -> FunctionVersion:
        """A function version whose handler is ``handler`` in the given source; with a meeting, it has ``meet``."""
        number = next(_numbers)
        code = self.folder / f"code-{number}"
        code.mkdir()
        (code / "function.py").write_text((meeting.source if meeting else "") + textwrap.dedent(source))
        settings: dict[str, Any] = {
            "name": f"function-{number}",
            "version": "1",
            "arn": f"arn:aws:lambda:us-east-1:000000000000:function:function-{number}:1",
            "handler": "function.handler",
            "runtime": "python3.13",
            "memory_mb": 512,
            "timeout_s": 10.0,
            "tmp_mb": 512,
            "environment": (),
            "code_dir": code,
            "layers_dir": self._empty,
            "log_group": f"/aws/lambda/function-{number}",
        }
        return FunctionVersion(**(settings | changes))

    async def invoke(self, version: FunctionVersion, event: Any = None, **fields: Any) -> Answer:
        """Invoke and wait for the answer."""
        done: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
        invocation = Invocation(
            request_id=f"00000000-0000-0000-0000-{next(_numbers):012}",
            payload=json.dumps({} if event is None else event).encode(),
            arn=version.arn,
            on_done=done.set_result,
            wants_log=True,
            **fields,
        )
        self.engine.invoke(version, invocation)
        return Answer(await asyncio.wait_for(done, LIMIT_S))

    async def together(self, version: FunctionVersion, meeting: Meeting, number: int = 2) -> list[Answer]:
        """The answers of invocations that meet: each has an environment of its own."""
        answers = [asyncio.create_task(self.invoke(version, {"meet": ""})) for _ in range(number)]
        await meeting.arrived(number)
        meeting.release()
        return await asyncio.gather(*answers)

    def processes(self, version: FunctionVersion) -> dict[int, str]:
        """The processes of a function in this engine, and their states, as proc(5) has them."""
        marks = (f"TEST_FOLDER={self.folder}\0".encode(), f"AWS_LAMBDA_FUNCTION_NAME={version.name}\0".encode())
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                variables = (process / "environ").read_bytes()
                if all(mark in variables for mark in marks):
                    found[int(process.name)] = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return found

    def give_time(self, version: FunctionVersion) -> None:
        """Give the function's environments a minute from now on: a slow machine may need it to start a process."""
        for environment in self.engine._pools[version].environments:
            environment.version = dataclasses.replace(version, timeout_s=60.0)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(LIMIT_S):
            while not is_so():
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        """End the engine.

        Raises:
            AssertionError: something is left of it.
        """
        groups = self.engine._limits.folders
        self.engine.close()
        for _ in range(1500):  # a killed process takes a moment to end
            left = left_behind(self.folder / "engine", groups)
            if not left:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"left behind: {left}")


def left_behind(folder: Path, groups: list[str]) -> list[str]:
    """The processes, mounts and control groups that are left of an engine, and its folder if that is."""
    left = [place for place in (str(folder), *groups) if Path(place).exists()]
    left += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    return left + processes_with(str(folder.parent), *(Path(group).name for group in groups))


def processes_with(*marks: str) -> list[str]:
    """The processes that have one of these texts in their command, their variables or their control groups' names."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):
            text = b"".join((process / name).read_bytes() for name in ("cmdline", "environ", "cgroup"))
            if any(mark.encode() in text for mark in marks):
                found.append(f"process {process.name}: {(process / 'cmdline').read_bytes()!r}")
    return found
