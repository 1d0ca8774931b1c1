"""The command as a user starts it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.unit.lab.dashboard.bodies_of_snapshots import DEMO
from tests.unit.lab.dashboard.runs import record, write

ROOT = Path(__file__).resolve().parents[4]
COMMAND = [sys.executable, "-m", "lab", "dashboard"]


def refused(*arguments: str, cwd: Path = ROOT) -> str:
    """The one line that the command says before it exits with 2."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def test_a_run_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    assert "no run at nowhere: run.json is missing" in refused("nowhere", cwd=tmp_path)
    assert "there is no run under runs/" in refused(cwd=tmp_path)


def test_a_port_in_use_is_wrong_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} is in use: give another with --port" in refused(str(DEMO), "--port", str(port))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("finished", [True, False])
def test_it_ends_at_once_and_leaves_nothing(tmp_path: Path, number: signal.Signals, finished: bool) -> None:
    run = write(tmp_path / "run", [record(second) for second in range(50)], finished=finished)
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    process = subprocess.Popen(
        [*COMMAND, str(run), "--port", "0"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        events = urllib.request.urlopen(f"{url}/events")  # noqa: S310 - our own
        assert events.readline().startswith(b"data: ")
        process.send_signal(number)
        assert process.wait(20) == 0
        events.close()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert list((tmp_path / "tmp").iterdir()) == []
