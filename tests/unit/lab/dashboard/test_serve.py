"""The command as a user starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lab.dashboard.bodies_of_snapshots import DEMO
from tests.unit.lab.dashboard.runs import record, write
from tests.unit.lab.runs_in_s3 import upload

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


def ended_data(run: str) -> Any:
    """What `lab dashboard RUN` shows when it has read all records; the page; what it said on standard error."""
    process = subprocess.Popen(
        [*COMMAND, run, "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        with urllib.request.urlopen(f"{url}/events") as events:  # noqa: S310 - our own
            while True:
                line = events.readline()
                if line.startswith(b"data: ") and json.loads(line.removeprefix(b"data: "))["share"] == 1:
                    break
        page, shown = (urllib.request.urlopen(f"{url}{path}").read().decode() for path in ("/", "/data"))  # noqa: S310
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        # A sum's last digits depend on the order of the records.
        return json.loads(shown, parse_float=lambda digits: float(f"{float(digits):.12g}")), page, said
    finally:
        process.kill()
        process.communicate()


def test_a_run_in_s3_is_shown_as_the_same_run_in_a_folder(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    upload(bucket, "fleet/one", DEMO, shards=7)

    there, _, said = ended_data(f"s3://{bucket}/fleet/one/")
    here, _, _ = ended_data(str(DEMO))

    assert "fetching s3://runs/fleet/one/" in said
    assert there["widgets"] == here["widgets"]
    assert (there["records"], there["damaged"], there["finished"]) == (2250, 0, True)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_run_in_s3_that_has_not_ended_is_said_to_be_a_copy(bucket: str, tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(second) for second in range(50)], finished=False)
    upload(bucket, "going", run, shards=2)

    shown, page, _ = ended_data(f"s3://{bucket}/going")

    assert shown["records"] == 50
    assert "The run had not ended when its records were fetched from S3" in page


def test_what_s3_does_not_have_is_one_line(bucket: str) -> None:
    for run, code, said in (
        (f"s3://{bucket}/none", 2, "no run at s3://runs/none: run.json is missing"),
        ("s3://no-b/x", 1, "no-b"),
    ):
        ended = subprocess.run([*COMMAND, run, "--port", "0"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (code, "")
        assert ended.stderr.splitlines()[0] == f"fetching {run}"
        assert said in ended.stderr.splitlines()[1]
        assert ended.stderr.count("\n") == 2
