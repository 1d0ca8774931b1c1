"""The local endpoint as a child process of the lab."""

import contextlib
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from lab.errors import LabError

ROOT = Path(__file__).parents[2]
STOP_LIMIT_S = 20
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
STOPPED = "stopped"
"""The last line that ``lab serve`` writes to standard error."""
logger = logging.getLogger(__name__)


@contextlib.contextmanager
def started_endpoint(*, port: int = 0, profile: str | None = None, options: Sequence[str] = ()) -> Iterator[str]:
    """Start ``lab serve`` and give its URL; it ends with the block, and also when this process dies.

    ``options`` are further ones of ``lab serve``, as on its command line. Its errors are logged here at the end. Raises
    `LabError` if it did not start; the text is its last line on standard error.
    """
    command = [sys.executable, "-m", "lab", "serve", "--port", str(port), "--leash", *options]
    if profile is not None:
        command += ["--profile", profile]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as stderr:
        # A session of its own: Ctrl-C in the terminal is for the run, which then ends the endpoint in good order.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        started = False
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            started = first.startswith("ready ")
            if not started:
                process.wait(STOP_LIMIT_S)
                lines = _lines(stderr) or ["the local endpoint did not start and printed nothing"]
                raise LabError(lines[-1].removeprefix("lab: "))
            yield first.split()[1]
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            lines = _lines(stderr)
            if len(lines) > (0 if started else 1):  # an error of the start has been raised
                logger.error("the local endpoint reported:\n%s", "\n".join(lines))


def _lines(stderr: IO[str]) -> list[str]:
    stderr.seek(0)
    return [line for line in stderr.read().splitlines() if line.strip() and line != STOPPED]
