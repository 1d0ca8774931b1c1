"""A function in an execution environment of its own: a real process, as real as it gets without Lambda."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("environment_program.py")


class Invocation(NamedTuple):
    """The result of an invocation.

    Attributes:
        answer: what the handler returned; empty if it raised.
        error: the name of what it raised, else empty.
        text: the text of what it raised.
        emf: its EMF lines, parsed.
        request_id: that of its context.
    """

    answer: dict[str, Any]
    error: str
    text: str
    emf: list[dict[str, Any]]
    request_id: str


class FunctionProcess:
    """The process, once ``handler`` is imported."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._command({})

    def invoke(self, event: Any) -> Invocation:
        content, log = self._command({"event": event})
        emf = [json.loads(line) for line in log if line.startswith('{"_aws"')]
        return Invocation(
            content.get("answer", {}), content.get("error", ""), content.get("text", ""), emf, content["request_id"]
        )

    def get(self, key: str) -> dict[str, Any]:
        """The answer for a key; the invocation must succeed."""
        invocation = self.invoke({"key": key})
        assert not invocation.error, invocation
        return invocation.answer

    def let_pass(self, seconds: float) -> None:
        """Set the process's wall clock ahead."""
        self._command({"pass": seconds})

    def snapshot(self) -> None:
        self._command({"snapshot": True})

    @contextmanager
    def restored(self) -> Iterator[None]:
        """In the block, the process is one restored from the snapshot."""
        self._command({"restore": True})
        yield
        self._command({"end": True})

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _command(self, command: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if command:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        log: list[str] = []
        for line in self._process.stdout:
            if line.startswith("ANSWER "):
                content: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
                return content, log
            log.append(line)
        raise AssertionError(f"the function's process ended: {log}")


@contextmanager
def started(variant: str, *, endpoint: str, tmp: Path, settings: Mapping[str, str]) -> Iterator[FunctionProcess]:
    """The function of a variant, with ``tmp`` for its /tmp.

    Args:
        variant: the name of its folder.
        endpoint: the URL where its AWS clients go.
        tmp: what ``tempfile.gettempdir()`` is for it.
        settings: its environment variables beside those that all have.
    """
    environment = {
        "PYTHONPATH": f"{ROOT / 'layer/python'}:{ROOT / 'functions' / variant}:{ROOT}",
        "TMPDIR": str(tmp),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "CACHE_LAB_VARIANT": variant,
        **settings,
    }
    with subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", str(PROGRAM)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield FunctionProcess(process)
        finally:
            process.kill()
