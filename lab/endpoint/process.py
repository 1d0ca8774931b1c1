"""The local endpoint as a child process of the lab."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from lab.errors import LabError

ROOT = Path(__file__).parents[2]
STOP_LIMIT_S = 20


@contextlib.contextmanager
def started_endpoint(*, port: int = 0, profile: str | None = None, options: Sequence[str] = ()) -> Iterator[str]:
    """Start ``lab serve`` and give its URL; it ends with the block, and also when this process dies.

    ``options`` are further ones of ``lab serve``, as on its command line.

    Raises:
        LabError: it did not start; the text is what it said.
    """
    leash_read, leash_write = os.pipe()
    command = [sys.executable, "-m", "lab", "serve", "--port", str(port), "--leash-fd", str(leash_read)]
    if profile is not None:
        command += ["--profile", profile]
    command += options
    with tempfile.TemporaryFile("w+", encoding="utf-8") as words:
        # A session of its own: Ctrl-C in the terminal is for the run, which then ends the endpoint in good order.
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            pass_fds=[leash_read],
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(leash_read)
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            if not first.startswith("ready "):
                process.wait(STOP_LIMIT_S)
                raise LabError(_why(words))
            yield first.split()[1]
        finally:
            os.close(leash_write)
            _end(process)


def _why(words: IO[str]) -> str:
    words.seek(0)
    lines = words.read().strip().splitlines()
    return lines[-1].removeprefix("lab: ") if lines else "the local endpoint did not start and said nothing"


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
