"""A running engine for tests: functions from source text, invocations awaited."""

import asyncio
import contextlib
import itertools
import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lab.engine.engine import Engine
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation, InvocationResult
from lab.engine.settings import EngineSettings, Transport

_numbers = itertools.count(1)


class Answer:
    """An outcome, taken apart for tests."""

    def __init__(self, outcome: InvocationResult) -> None:
        self.raw = outcome.payload
        self.payload = json.loads(outcome.payload)
        self.function_error = outcome.function_error
        self.executed_version = outcome.executed_version
        self.log = outcome.log_tail.decode()

    @property
    def report(self) -> dict[str, str]:
        """The REPORT line's parts by name. The last is the genuine one: a function can print what looks like it."""
        line = next(line for line in reversed(self.log.splitlines()) if line.startswith("REPORT "))
        parts = line.removeprefix("REPORT ").strip().split("\t")
        return dict(part.split(": ", 1) for part in parts)

    def milliseconds(self, name: str) -> float:
        """A duration of the REPORT line."""
        return float(self.report[name].removesuffix(" ms"))


class Harness:
    """One engine and the functions made for it."""

    def __init__(self, folder: Path, settings: EngineSettings = EngineSettings()) -> None:  # noqa: B008 - frozen
        self.folder = folder
        self.settings = settings
        self.engine = Engine(folder / "engine", {"TEST_FOLDER": str(folder)}, settings)
        self._empty = folder / "empty"
        self._empty.mkdir(parents=True)

    def needs_fork(self) -> None:
        """Skip the test where environments are not forked from a snapshot."""
        if self.settings.transport is Transport.HTTP:
            pytest.skip("an unmodified runtime client cannot be forked: each environment runs its own init")

    def function(self, source: str, **changes: Any) -> FunctionVersion:
        """A function version whose handler is ``handler`` in the given source."""
        number = next(_numbers)
        code = self.folder / f"code-{number}"
        code.mkdir()
        (code / "function.py").write_text(textwrap.dedent(source))
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
        return Answer(await asyncio.wait_for(done, 60))

    async def close(self) -> None:
        """End the engine.

        Raises:
            AssertionError: something is left of it.
        """
        groups = self.engine._limits.folders
        self.engine.close()
        for _ in range(150):  # a killed process takes a moment to end
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
            told = b"".join((process / name).read_bytes() for name in ("cmdline", "environ", "cgroup"))
            if any(mark.encode() in told for mark in marks):
                found.append(f"process {process.name}: {(process / 'cmdline').read_bytes()!r}")
    return found
