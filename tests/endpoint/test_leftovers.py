"""What an endpoint leaves on the machine, however it ends."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.endpoint.control_secret import secret_file
from lab.endpoint.leftovers import claimed_folder
from lab.endpoint.process import started_endpoint
from tests.endpoint.test_front_door import invoke as invocation
from tests.engine.endpoint import Endpoint, until
from tests.engine.harness import left_behind, processes_with
from tests.engine.raw_http import connected

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SLOW = """
    import time
    time.sleep(0.1)
    def handler(event, context):
        end = time.monotonic() + 0.3
        while time.monotonic() < end: pass
"""
REQUESTS = 30


class Served(NamedTuple):
    """A `lab serve` under load; ``supervisor`` is the process that removes what is left if it is killed."""

    process: "subprocess.Popen[str]"
    endpoint: Endpoint
    supervisor: int
    folder: Path
    groups: list[str]

    def left(self) -> list[str]:
        """What is left of it: processes, mounts, groups, folder, secret, port."""
        port = int(self.endpoint.url.rpartition(":")[2])
        left = [str(file) for file in (secret_file(port),) if file.exists()]
        with contextlib.suppress(ConnectionRefusedError), connected(self.endpoint.url):
            left.append(self.endpoint.url)
        return left + left_behind(self.folder / "environments", self.groups)


def serve() -> "subprocess.Popen[str]":
    """Start `lab serve` as a terminal does: Ctrl-C is a signal to its process group."""
    command = [sys.executable, "-m", "lab", "serve", "--port", "0", "--profile", "none", "--startup", "none"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """One with many requests under way, for which it starts environments; its folder is not where others look."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with serve() as process, contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        assert process.stdout is not None
        endpoint = Endpoint(process.stdout.readline().split()[1])
        found = supervisor_of(process.pid)
        assert found is not None
        supervisor, folder, groups = found
        name = endpoint.new_function(SLOW, Timeout=60, MemorySize=128)
        for _ in range(REQUESTS):
            stack.enter_context(connected(endpoint.url)).send(invocation(name, b"{}"))
        until(lambda: len(processes_with(f"AWS_LAMBDA_FUNCTION_NAME={name}")) >= 2)
        yield Served(process, endpoint, supervisor, folder, groups)


def supervisor_of(pid: int) -> tuple[int, Path, list[str]] | None:
    """The supervisor of a `lab serve`, and its arguments: the endpoint's folder and its control groups."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            line = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        except FileNotFoundError:  # it has ended meanwhile
            continue
        if "lab.engine.sandbox.supervisor_program" in line:
            return int(child), Path(line[4]), line[5:-1]
    return None


def test_no_cgroup_mount_or_port_is_left_after_ctrl_c_under_load(loaded: Served) -> None:
    os.killpg(loaded.process.pid, signal.SIGINT)
    assert loaded.process.wait(60) == 0
    assert loaded.left() == []


def test_nothing_is_left_after_ctrl_c_while_it_starts() -> None:
    with serve() as process:
        until(lambda: supervisor_of(process.pid) is not None)
        _, folder, groups = supervisor_of(process.pid) or (0, Path(), [])
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 130)  # it was ready meanwhile, or not yet
    assert errors.splitlines()[-1] in ("stopped", "lab: interrupted")
    assert "Traceback" not in errors
    assert left_behind(folder / "environments", groups) == []


def test_serve_removes_what_dead_labs_left_and_nothing_of_a_live_one(loaded: Served, endpoint: Endpoint) -> None:
    name = endpoint.function("def handler(event, context): return 1\n")
    endpoint.invoke(name)
    for pid in (loaded.supervisor, loaded.process.pid):
        os.kill(pid, signal.SIGKILL)
    loaded.process.wait()
    assert str(loaded.folder / "environments") in loaded.left()
    with claimed_folder() as live, started_endpoint(profile="none") as url:
        assert Endpoint(url).client("sqs").list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
        until(lambda: loaded.left() == [])  # its last processes may still be ending
        assert live.is_dir()
    assert endpoint.control("GET", "/_lab/info").status == 200
    endpoint.control("DELETE", "/_lab/environments")
    assert endpoint.invoke(name).payload == 1  # in a new environment, in a new group
