"""The tier without namespaces and without control groups, which is what macOS has, made to run on Linux.

An environment is then a process group and a folder named by TMPDIR. Where the code asks for macOS itself, the name of
the platform is changed in the engine, and in its processes before any of their modules is loaded.
"""

import asyncio
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from lab.engine.function import FunctionVersion
from lab.engine.sandbox import control_groups, isolation, sandbox
from lab.engine.sandbox.isolation import Isolation
from lab.engine.settings import EngineSettings, Transport
from tests.engine.harness import Harness, Meeting, processes_with
from tests.engine.test_copies_of_a_snapshot import assert_own_files, seen_by_environments

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="what is left behind is looked up in /proc"),
    pytest.mark.asyncio(loop_scope="module"),
]

LINUX_TOO = pytest.mark.parametrize("harness", ["linux", "darwin"], indirect=True)
OVER_HTTP_TOO = pytest.mark.parametrize("harness", ["linux", "darwin", "http"], indirect=True)
# macOS lacks prctl, hence subreapers and a signal at the parent's death, and gives the peak of memory in bytes.
MACOS = """
    import ctypes, resource, sys, types
    class Library(ctypes.CDLL):
        def __getattr__(self, name):
            if name == "prctl":
                raise AttributeError(name)
            return super().__getattr__(name)
    ctypes.CDLL = Library
    used = resource.getrusage
    resource.getrusage = lambda who: types.SimpleNamespace(ru_maxrss=used(who).ru_maxrss * 1024)
    sys.platform = "darwin"
"""
WHO = """
    import os, sys, time, uuid
    ME = str(uuid.uuid4())
    count = 0

    def handler(event, context):
        global count
        count += 1
        if "exit" in event:
            os._exit(event["exit"])
        time.sleep(event.get("sleep", 0))
        if "meet" in event: meet()
        path = os.environ["TMPDIR"] + "/notes"
        notes = open(path).read() if os.path.exists(path) else ""
        open(path, "a").write("x")
        return {"who": ME, "count": count, "notes": notes, "cwd": os.getcwd(), "platform": sys.platform,
                "tmp": os.environ["TMPDIR"], "pid": os.getpid(), "parent": os.getppid()}
"""


@pytest_asyncio.fixture(params=["darwin"], scope="module", loop_scope="module")
async def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    """An engine of this tier: as Linux has it, as macOS has it, and over HTTP (on Linux only, as its client is)."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_groups, "ROOT", folder / "no control groups")
        transport = Transport.HTTP if request.param == "http" else Transport.SOCKET
        if request.param == "darwin":
            (folder / "macos").mkdir()
            (folder / "macos" / "sitecustomize.py").write_text(textwrap.dedent(MACOS))
            patch.setenv("PYTHONPATH", str(folder / "macos"))
            for module in (isolation, sandbox):
                patch.setattr(module, "sys", SimpleNamespace(platform="darwin"))
        else:
            patch.setattr(Isolation, "probe", lambda: Isolation("process groups", None))
        harness = Harness(folder, EngineSettings(transport=transport))
        yield harness
        await harness.close()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def version_goes(harness: Harness) -> AsyncIterator[None]:
    yield
    harness.engine.keep_functions(set())


def is_macos(harness: Harness) -> bool:
    return (harness.folder / "macos").exists()


def function(harness: Harness, source: str, **changes: Any) -> FunctionVersion:
    """A function version, which runs on macOS where the engine does."""
    path = (("PYTHONPATH", str(harness.folder / "macos")),) if is_macos(harness) else ()
    return harness.function(source, environment=path, **changes)


async def gone(*marks: str) -> bool:
    """Whether the processes with these marks end, for which they get some time."""
    for _ in range(500):
        if not processes_with(*marks):
            return True
        await asyncio.sleep(0.02)
    return False


async def test_the_tier_is_reported(harness: Harness) -> None:
    tiers = harness.engine.tiers()
    assert tiers["isolation"].startswith("process groups: protects nothing")
    assert tiers["limits"].startswith("no writable control groups: memory by resident size")


@LINUX_TOO
async def test_the_platform_is_the_one_that_is_tested(harness: Harness) -> None:
    answer = await harness.invoke(function(harness, WHO))
    assert answer.payload["platform"] == ("darwin" if is_macos(harness) else "linux")


@OVER_HTTP_TOO
async def test_an_environment_lives_through_invocations_crashes_and_timeouts(harness: Harness) -> None:
    version = function(harness, WHO, timeout_s=1.0)
    first, warm = [await harness.invoke(version) for _ in range(2)]
    late = await harness.invoke(version, {"sleep": 60})
    harness.give_time(version)
    again, crashed, last = [await harness.invoke(version, event) for event in ({}, {"exit": 3}, {})]
    assert "Init Duration" in first.report
    assert (warm.payload["who"], warm.payload["count"]) == (first.payload["who"], 2)
    assert crashed.payload["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert late.payload["errorType"] == "Sandbox.Timedout"
    assert len({answer.payload["who"] for answer in (first, again, last)}) == 3
    assert [answer.payload["notes"] for answer in (first, warm, again, last)] == ["", "x", "xx", "xxx"]
    assert len({answer.payload["parent"] for answer in (first, again, last)}) == 1


async def test_code_is_where_it_lies_and_tmp_is_a_folder_of_the_environment(harness: Harness, meeting: Meeting) -> None:
    version = function(harness, WHO, meeting=meeting)
    answers = await harness.together(version, meeting)
    assert {answer.payload["cwd"] for answer in answers} == {str(version.code_dir)}
    folders = [Path(answer.payload["tmp"]) for answer in answers]
    assert folders[0] != folders[1]
    assert all(folder.is_relative_to(harness.folder) and (folder / "notes").exists() for folder in folders)
    harness.engine.keep_functions(set())
    assert not any(folder.exists() for folder in folders)


@OVER_HTTP_TOO
async def test_an_environment_is_frozen_while_it_is_idle(harness: Harness) -> None:
    version = function(
        harness,
        """
        import threading, time
        ticks, longest_pause_s = 0, 0
        def tick():
            global ticks, longest_pause_s
            last = time.monotonic()
            while True:
                time.sleep(0.01)
                ticks, now = ticks + 1, time.monotonic()
                longest_pause_s, last = max(longest_pause_s, now - last), now
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context):
            begun = ticks
            while ticks < begun + 5: time.sleep(0.01)
            return longest_pause_s
        """,
    )
    await harness.invoke(version)
    await harness.until(lambda: set(harness.processes(version).values()) == {"T"})
    await asyncio.sleep(0.4)
    assert (await harness.invoke(version)).payload >= 0.4


GREEDY = """
    import time
    def handler(event, context):
        held = b"x" * (event.get("mb", 1) << 20)
        time.sleep(event.get("hold", 0))
        return len(held)
"""


@LINUX_TOO
@pytest.mark.parametrize("hold", [0, 30])
async def test_more_memory_than_the_function_has_is_an_out_of_memory_error(harness: Harness, hold: float) -> None:
    version = function(harness, GREEDY, memory_mb=128, timeout_s=60.0)
    answer = await harness.invoke(version, {"mb": 200, "hold": hold})
    assert answer.payload["errorType"] == "Runtime.OutOfMemory"
    assert answer.report["Max Memory Used"] == "128 MB"
    assert (await harness.invoke(version)).payload == 1 << 20


@OVER_HTTP_TOO
async def test_where_memory_cannot_be_watched_it_is_looked_at_when_an_answer_comes(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS, which has no /proc: the runtime sends its peak with its answer."""
    monkeypatch.setattr(control_groups, "PAGE_BYTES", 0)
    version = function(harness, GREEDY, memory_mb=128)
    answer = await harness.invoke(version, {"mb": 200, "hold": 0.1})
    assert answer.payload["errorType"] == "Runtime.OutOfMemory"
    assert answer.milliseconds("Duration") >= 100


async def test_memory_is_told_in_mb(harness: Harness) -> None:
    report = (await harness.invoke(function(harness, GREEDY), {"mb": 100})).report
    assert 100 < int(report["Max Memory Used"].removesuffix(" MB")) < 200


@LINUX_TOO
async def test_the_end_of_its_first_process_is_the_environments(harness: Harness) -> None:
    version = function(
        harness,
        """
        import os, time
        def handler(event, context):
            if event:
                os.killpg(os.getppid(), 9)
                time.sleep(600)
            return os.getppid()
        """,
    )
    before = await harness.invoke(version, 0)
    killed = await harness.invoke(version, 1)
    after = await harness.invoke(version, 0)
    assert killed.payload["errorType"] == "Runtime.ExitError"
    assert after.payload != before.payload
    assert "Init Duration" in after.report
    assert len(harness.engine._pools[version].environments) == 1


LEAVES = """
    import os, signal, time
    STARTED = os.environ["TMPDIR"] + "/started"
    def handler(event, context):
        if event and os.fork() == 0:
            if event == "daemon":
                os.setsid()
                if os.fork(): os._exit(0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(STARTED, "w").close()
            while True: time.sleep(1)
        while not os.path.exists(STARTED): time.sleep(0.01)
        if event == "crash": os._exit(1)
        return "left"
"""


@LINUX_TOO
@pytest.mark.parametrize("event", ["child", "crash"])
async def test_children_end_with_the_environment(harness: Harness, event: str) -> None:
    await harness.invoke(function(harness, LEAVES, name=f"leaves-children-{os.getpid()}"), event)
    harness.engine.keep_functions(set())
    assert await gone(f"AWS_LAMBDA_FUNCTION_NAME=leaves-children-{os.getpid()}")


@pytest.mark.parametrize("harness", ["linux"], indirect=True)
async def test_a_daemon_ends_with_the_environment(harness: Harness) -> None:
    """Not on macOS, which does not hand orphans to the first process, and has no /proc to look for them in."""
    version = function(harness, LEAVES, name=f"leaves-a-daemon-{os.getpid()}")
    await harness.invoke(version, "daemon")
    harness.engine.keep_functions(set())
    try:
        assert await gone(f"AWS_LAMBDA_FUNCTION_NAME={version.name}")
    finally:
        for process in processes_with(f"AWS_LAMBDA_FUNCTION_NAME={version.name}"):
            os.kill(int(process.split()[1].rstrip(":")), signal.SIGKILL)


SNAPPED = """
    import os, random, sys, time, uuid
    from snapshot_restore_py import register_before_snapshot, register_after_restore
    events = []
    ME = str(uuid.uuid4())
    register_before_snapshot(lambda: events.append("before"))
    register_after_restore(lambda: events.append("after"))
    open(os.environ["TMPDIR"] + "/made-in-init", "w").close()
    def handler(event, context):
        if event == "exit": os._exit(1)
        if "meet" in event: meet()
        files = os.listdir(os.environ["TMPDIR"])
        open(os.environ["TMPDIR"] + "/" + context.aws_request_id, "w").close()
        return {"me": ME, "events": events, "files": files, "random": random.random(), "tmp": os.environ["TMPDIR"]}
"""


@OVER_HTTP_TOO
async def test_environments_are_restored_from_a_snapshot(harness: Harness, meeting: Meeting) -> None:
    version = function(harness, SNAPPED, snap_start=True, meeting=meeting)
    answers = await harness.together(version, meeting)
    for answer in answers:
        assert "Restore Duration" in answer.report
        assert answer.payload["events"] == ["before", "after"]
        assert answer.payload["files"] == ["made-in-init"]
    assert len({answer.payload["tmp"] for answer in answers}) == 2
    if harness.settings.transport is Transport.SOCKET:  # a fork
        assert len({(answer.payload["me"], answer.payload["random"]) for answer in answers}) == 1


@pytest.mark.parametrize("harness", ["linux"], indirect=True)
async def test_restored_environments_have_files_and_an_event_loop_of_their_own(
    harness: Harness, meeting: Meeting
) -> None:
    seen = await seen_by_environments(harness, meeting, 2)
    assert_own_files(seen)
    # Shared memory with a name, and a semaphore, which each can take: there is /dev/shm in this tier only.
    assert [(each["named"], each["lock"]) for each in seen] == [(each["me"], True) for each in seen]


async def test_a_restored_environment_survives_a_crash_and_ends_with_the_engine(harness: Harness) -> None:
    version = function(harness, SNAPPED, snap_start=True)
    before = await harness.invoke(version)
    crashed = await harness.invoke(version, "exit")
    after = await harness.invoke(version)
    assert crashed.payload["errorType"] == "Runtime.ExitError"
    assert after.payload["tmp"] == before.payload["tmp"]
    assert len(after.payload["files"]) == 2


@LINUX_TOO
async def test_the_end_of_the_supervisor_ends_every_environment(harness: Harness) -> None:
    """It is the parent of the first processes; the engine's own end is looked at after every module."""
    own = Harness(harness.folder / "own", harness.settings)
    version = function(harness, WHO)
    await own.invoke(version)
    own.engine._supervisor._process.kill()
    own.engine._supervisor._process.wait()
    own.engine.close()
    assert await gone(f"TEST_FOLDER={own.folder}")
    shutil.rmtree(own.folder / "engine")  # which the supervisor does at its own end
