"""`lab dashboard` as a process of its own, for tests of its page, its pictures and its benchmark."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Served(NamedTuple):
    """Where the page is, and the process that serves it."""

    url: str
    pid: int


@contextlib.contextmanager
def served_dashboard(run: Path) -> Iterator[Served]:
    """The command, as a user starts it, on a free port."""
    command = [sys.executable, "-m", "lab", "dashboard", str(run), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process.stdout.readline().split()[1], process.pid)
        finally:
            process.terminate()
            process.wait(20)
