"""What `lab dashboard` serves, and how the command starts and ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.dashboard import Dashboard
from lab.dashboard.serve import latest_run, opened_source, serve_dashboard
from lab.dashboard.sources import Source
from lab.dashboard.widgets import widget_data
from lab.errors import LabError, UsageError
from tests.shown_run import add_dashboards
from tests.unit.lab.dashboard.runs import record, write
from tests.unit.lab.dashboard.whole_runs import whole_range
from tests.unit.lab.runs_in_s3 import upload

ROOT = Path(__file__).resolve().parents[4]


def nothing_served(run: Path | str | None, port: int = 0) -> None:
    serve_dashboard(run, port=port, endpoint_url=None, say=lambda line: None)


def test_a_run_that_is_not_there_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no run at nowhere: run\.json is missing"):
        nothing_served("nowhere")
    with pytest.raises(UsageError, match="there is no run under runs/"):
        nothing_served(None)


def test_a_port_in_use_is_wrong_use(shown_run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} is in use: give another with --port"):
            nothing_served(shown_run, port)


def test_a_run_without_dashboards_is_refused_with_the_remedy(tmp_path: Path) -> None:
    run = write(tmp_path / "old", [record(0)], schema_version=1)
    with pytest.raises(LabError, match=r"old has no dashboards\.json, as a run of an older lab; run again, or give"):
        nothing_served(run)


def test_the_latest_run_is_shown_when_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for age, name in ((5, "new"), (500, "old")):
        folder = write(Path("runs") / name, [record(0)])
        os.utime(folder / "run.json", (1_790_000_000 - age, 1_790_000_000 - age))
    assert latest_run() == Path("runs/new")


@pytest.mark.parametrize(("number", "finished"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_it_ends_at_once_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals, finished: bool, application_dashboards: Any
) -> None:
    run = write(tmp_path / "run", [record(second) for second in range(50)], finished=finished)
    add_dashboards(run, application_dashboards)
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "lab", "dashboard", str(run), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        events = urllib.request.urlopen(f"{url}/events")  # noqa: S310 - our own
        assert events.readline().startswith(b"data: ")
        process.send_signal(number)
        assert process.wait(60) == 0
        events.close()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert list((tmp_path / "tmp").iterdir()) == []


def shown(source: Source, dashboard: Dashboard) -> Any:
    """What a dashboard shows of all records. A sum's last digits depend on their order."""
    while source.read_on():
        pass
    found = json.dumps(widget_data(dashboard, source, whole_range(source)))
    return json.loads(found, parse_float=lambda digits: float(f"{float(digits):.12g}"))


def test_a_run_in_s3_is_shown_as_the_same_run_in_a_folder(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown_run: Path, comparison: Dashboard
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    upload(bucket, "fleet/one", shown_run, shards=7)
    said: list[str] = []

    with opened_source(str(shown_run), None, said.append) as source, contextlib.closing(source):
        here, state, names = shown(source, comparison), source.state, list(source.dashboards)
    with opened_source(f"s3://{bucket}/fleet/one/", None, said.append) as source, contextlib.closing(source):
        assert shown(source, comparison) == here
        assert (source.state, list(source.dashboards)) == (state, names)
        assert (source.state.records, source.state.finished, source.remark) == (750, True, "")

    assert said == [f"fetching s3://{bucket}/fleet/one/"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_s3_that_has_not_ended_is_said_to_be_a_copy(
    bucket: str, tmp_path: Path, application_dashboards: Any
) -> None:
    run = write(tmp_path / "run", [record(second) for second in range(50)], finished=False)
    upload(bucket, "going", add_dashboards(run, application_dashboards), shards=2)

    with opened_source(f"s3://{bucket}/going", None, print) as source, contextlib.closing(source):
        while source.read_on():
            pass
        assert source.state.records == 50
        assert source.remark.startswith("The run had not ended when its records were fetched from S3")


def test_what_s3_does_not_have_is_one_line(bucket: str) -> None:
    with pytest.raises(UsageError, match=f"^no run at s3://{bucket}/none: run.json is missing.*$"):
        nothing_served(f"s3://{bucket}/none")
    with pytest.raises(LabError, match=r"^cannot read s3://no-b/x.*$"):
        nothing_served("s3://no-b/x")
