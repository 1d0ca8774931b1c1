"""Child processes end with the lab, however it ends, and their folder is removed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.deploy import child_process
from lab.deploy.child_process import running

# A program that writes into the folder and has a child that goes on writing when the program is ended.
WRITER = "i=0; while :; do i=$((i+1)); mkdir -p {folder}/$i; sleep 0.01; done"
PROGRAM = f"({WRITER}) & echo started; {WRITER}"
HOLDER = """
import os, sys
from pathlib import Path
from lab.deploy import child_process
with child_process.running(["sh", "-c", sys.argv[2]], folder=Path(sys.argv[1]), env=dict(os.environ)) as process:
    print(process.stdout.readline(), end="", flush=True)
    process.wait()
"""


def test_a_program_says_and_exits_as_it_does_by_itself(tmp_path: Path) -> None:
    with running(["sh", "-c", "echo out; echo err >&2; exit 7"], folder=tmp_path, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.read() == "out\nerr\n"
    assert process.returncode == 7
    assert tmp_path.is_dir()


def test_a_program_that_a_signal_ended_exits_as_in_a_shell(tmp_path: Path) -> None:
    with running(["sh", "-c", "kill -9 $$"], folder=tmp_path, env=os.environ) as process:
        process.wait()
    assert process.returncode == 128 + signal.SIGKILL


def test_when_an_error_goes_on_nothing_writes_any_more(tmp_path: Path) -> None:
    folder = tmp_path / "assembly"
    with pytest.raises(KeyboardInterrupt):
        _interrupted(folder)
    assert not folder.exists()
    time.sleep(0.1)
    assert not folder.exists()


def test_kill_9_of_the_lab_ends_the_program_and_removes_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "assembly"
    line = [sys.executable, "-c", HOLDER, str(folder), PROGRAM.format(folder=folder)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=child_process.ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "started\n"
        _until(folder.exists)
        holder.kill()
    _until(lambda: not folder.exists())
    time.sleep(0.1)
    assert not folder.exists()


def _interrupted(folder: Path) -> None:
    line = ["sh", "-c", PROGRAM.format(folder=folder)]
    with running(line, folder=folder, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        _until(folder.exists)
        raise KeyboardInterrupt


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
