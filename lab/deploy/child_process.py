"""Child processes that never outlive the lab: even after its ``kill -9`` they end, and their folder is removed.

``python -m lab.deploy.child_process FOLDER PROGRAM [ARGUMENT …]`` runs the program in a process group of its own until
its standard input closes; then it ends the group and removes the folder. The lab holds the other end of that input.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 5.0


@contextlib.contextmanager
def running(line: Sequence[str], *, folder: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program. When the block ends, also by an error, the program and all its children have ended.

    ``folder``, where it writes, is removed if the lab dies before the block ends. The caller removes it otherwise. The
    process has standard output and error as one text in ``stdout``: read it to its end to let the program finish. After
    the block it has a ``returncode`` like that of a shell.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "lab.deploy.child_process", str(folder), *line],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        cwd=ROOT,
        start_new_session=True,  # Ctrl-C in the terminal reaches only the lab, which then closes the input
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def main(folder: str, line: Sequence[str]) -> None:
    """Run the program; exit as it exits."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    program = subprocess.Popen(line, stdin=subprocess.DEVNULL, process_group=0)
    while program.poll() is None:
        readable, _, _ = select.select([sys.stdin, ended], [], [])
        if sys.stdin in readable:  # nothing is ever written there: it has closed
            _end_group(program, signal.SIGTERM)
            _end_group(program, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(program.returncode if program.returncode >= 0 else 128 - program.returncode)


def _end_group(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a program and its children, and wait until all have ended: each may still write."""
    until = time.monotonic() + PATIENCE_S
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: of a group of zombies
        os.killpg(program.pid, number)
        while time.monotonic() < until:
            program.poll()
            os.killpg(program.pid, 0)
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
