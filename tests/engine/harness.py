"""A running engine for tests: functions from source text, invocations awaited."""

import asyncio
import itertools
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lab.engine.engine import Engine
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation, Outcome
from lab.engine.settings import EngineSettings, Transport

_numbers = itertools.count(1)


class Answer:
    """An outcome, taken apart for tests."""

    def __init__(self, outcome: Outcome) -> None:
        self.payload = json.loads(outcome.payload)
        self.function_error = outcome.function_error
        self.executed_version = outcome.executed_version
        self.log = outcome.log_tail.decode()

    @property
    def report(self) -> dict[str, str]:
        """The REPORT line's parts by name."""
        line = next(line for line in self.log.splitlines() if line.startswith("REPORT "))
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
        self.engine = Engine(folder / "engine", {}, settings)
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
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        invocation = Invocation(
            request_id=f"00000000-0000-0000-0000-{next(_numbers):012}",
            payload=json.dumps({} if event is None else event).encode(),
            arn=version.arn,
            on_done=done.set_result,
            **fields,
        )
        self.engine.invoke(version, invocation)
        return Answer(await asyncio.wait_for(done, 60))
