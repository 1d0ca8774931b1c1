"""SnapStart: one snapshot a version, environments restored from it. Sources: the AWS Lambda Developer Guide, "Improving
startup performance with Lambda SnapStart", and "Handling uniqueness with Lambda SnapStart".
"""

import asyncio
import socket
import sys

import pytest

from lab.engine.lifecycle import State
from lab.engine.snapshot import SnapshotState
from tests.engine.endpoint import OVER_THE_CHANNEL
from tests.engine.harness import Harness, Meeting

pytestmark = pytest.mark.asyncio(loop_scope="module")

SNAPPED = """
    import os, random, socket, time, uuid
    from snapshot_restore_py import register_before_snapshot, register_after_restore
    events = []
    INIT_ID = str(uuid.uuid4())
    register_before_snapshot(lambda: events.append("before 1"))
    register_before_snapshot(lambda: events.append("before 2"))
    register_after_restore(lambda: events.append("after 1"))
    register_after_restore(lambda: events.append("after 2"))
    folder = "/tmp" if os.path.isdir("/var/task") else os.environ["TMPDIR"]
    open(folder + "/made-in-init", "w").close()

    def handler(event, context):
        if "meet" in event: meet()
        folder = "/tmp" if os.path.isdir("/var/task") else os.environ["TMPDIR"]
        files = os.listdir(folder)
        open(f"{folder}/{context.aws_request_id}", "w").close()
        return {"init": INIT_ID, "events": events, "random": random.random(), "files": files, "pid": os.getpid(),
                "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
"""


@OVER_THE_CHANNEL
async def test_init_runs_once_and_every_environment_is_restored_from_it(harness: Harness, meeting: Meeting) -> None:
    version = harness.function(SNAPPED, snap_start=True, meeting=meeting)
    answers = await harness.together(version, meeting, 3)
    assert len({answer.payload["init"] for answer in answers}) == 1
    for answer in answers:
        assert answer.payload["type"] == "snap-start"
        assert "Restore Duration" in answer.report
        assert "Billed Restore Duration" in answer.report
        assert "Init Duration" not in answer.report


async def test_one_environment_is_made_ready_before_it_is_needed(harness: Harness, meeting: Meeting) -> None:
    """Its process is older than the invocation; its hooks and REPORT are those of a restore all the same."""
    source = """
        import os, time
        from snapshot_restore_py import register_after_restore
        restored = []
        register_after_restore(lambda: restored.append(time.time()))

        def handler(event, context):
            if event: meet()
            ticks = int(open("/proc/self/stat").read().rpartition(")")[2].split()[19])
            age_s = float(open("/proc/uptime").read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
            return {"age_s": age_s, "restored_s": time.time() - restored[0]}
    """
    version = harness.function(source, snap_start=True, meeting=meeting)
    await harness.invoke(version)
    pool = harness.engine._pools[version]
    await harness.until(lambda: pool._spare is not None and pool._spare.state is State.PREPARED)
    await asyncio.sleep(0.5)
    answers = await harness.together(version, meeting)
    (made_ready,) = (answer for answer in answers if "Restore Duration" in answer.report)
    assert made_ready.payload["age_s"] - made_ready.payload["restored_s"] > 0.45


async def test_hooks_run_before_the_snapshot_last_in_first_out_and_after_the_restore_in_order(
    harness: Harness,
) -> None:
    answer = await harness.invoke(harness.function(SNAPPED, snap_start=True))
    assert answer.payload["events"] == ["before 2", "before 1", "after 1", "after 2"]


@OVER_THE_CHANNEL
async def test_random_state_is_the_snapshots_in_every_environment(harness: Harness, meeting: Meeting) -> None:
    """The uniqueness fault that AWS warns of must show here as it does there."""
    version = harness.function(SNAPPED, snap_start=True, meeting=meeting)
    answers = await harness.together(version, meeting, 2)
    assert answers[0].payload["random"] == answers[1].payload["random"]


async def test_each_environment_logs_into_its_own_log(harness: Harness, meeting: Meeting) -> None:
    """Also by ``logging``: its descriptor was opened before the snapshot."""
    source = """
        import logging
        def handler(event, context):
            meet()
            logging.warning("of " + context.aws_request_id)
            print("printed for " + context.aws_request_id)
            return context.aws_request_id
    """
    version = harness.function(source, snap_start=True, meeting=meeting)
    for answer in await harness.together(version, meeting):
        assert answer.log.count(f"\tof {answer.payload}\n") == 1
        assert f"printed for {answer.payload}\n" in answer.log
        assert answer.log.count("\tof ") == 1


@pytest.mark.parametrize("snap_start", [False, True])
async def test_the_runtimes_own_variables_are_not_the_functions(harness: Harness, snap_start: bool) -> None:
    source = """
        import os
        def handler(event, context):
            return [name for name in os.environ if name.startswith(("LAB_", "_LAMBDA"))]
    """
    assert (await harness.invoke(harness.function(source, snap_start=snap_start))).payload == []


async def test_tmp_begins_as_the_snapshots_and_is_private_after_that(harness: Harness, meeting: Meeting) -> None:
    version = harness.function(SNAPPED, snap_start=True, meeting=meeting)
    answers = await harness.together(version, meeting, 2)
    assert [answer.payload["files"] for answer in answers] == [["made-in-init"], ["made-in-init"]]


@OVER_THE_CHANNEL
async def test_connections_made_before_the_snapshot_are_dead_after_the_restore(harness: Harness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        version = harness.function(
            f"""
            import socket
            connection = socket.create_connection(("127.0.0.1", {server.getsockname()[1]}))
            def handler(event, context):
                try:
                    connection.sendall(b"x")
                    connection.recv(1)
                except OSError as error:
                    return type(error).__name__
                return "alive"
            """,
            snap_start=True,
        )
        answer = await harness.invoke(version)
    assert answer.payload in ("ConnectionResetError", "BrokenPipeError")


@OVER_THE_CHANNEL
async def test_a_snapshot_with_threads_is_refused_and_environments_start_cold(harness: Harness) -> None:
    """A fork keeps one thread only, so a snapshot by fork would not be what AWS restores."""
    version = harness.function(
        """
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        def handler(event, context): return threading.active_count()
        """,
        snap_start=True,
    )
    answer = await harness.invoke(version)
    assert answer.payload == 2
    assert "Init Duration" in answer.report


@OVER_THE_CHANNEL
@pytest.mark.parametrize("reason", ["b'\\xff[' * 50_000", "b'\\x1b]0;title\\x07\\n'"])
async def test_a_refusal_that_a_function_forges_is_printable_and_short(harness: Harness, reason: str) -> None:
    """It is in the log and in reports: the engine must survive it, and a terminal too."""
    source = f"""
        import os
        from lab_runtime import channel
        os.write(3, channel.encode(channel.SNAPSHOT_REFUSED, None, {reason}))
        def handler(event, context): return 1
        """
    version = harness.function(source, snap_start=True)
    assert (await harness.invoke(version)).payload == 1
    (found,) = (text for refused, text in harness.engine.unusable_snapshots().items() if refused.name == version.name)
    assert found.isprintable()
    assert 0 < len(found) <= 200


@OVER_THE_CHANNEL
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize(
    "snapshot", ["threading.Thread(target=threading.Event().wait, daemon=True).start()", "register_before_snapshot(1)"]
)
async def test_no_process_of_an_unusable_snapshot_is_left_while_the_version_serves(
    harness: Harness, snapshot: str
) -> None:
    """Refused for its threads, or failed in a hook."""
    plain = harness.function("def handler(event, context): ...")
    await harness.invoke(plain)
    of_one_environment = len(harness.processes(plain))
    version = harness.function(
        f"""
        import threading
        from snapshot_restore_py import register_before_snapshot
        print("made in init")
        {snapshot}
        def handler(event, context): return "served"
        """,
        snap_start=True,
    )
    assert (await harness.invoke(version)).payload == "served"
    await harness.until(lambda: len(harness.processes(version)) == of_one_environment)
    assert (await harness.invoke(version)).payload == "served"


async def test_an_after_restore_hook_that_fails_fails_the_invocation(harness: Harness) -> None:
    version = harness.function(
        """
        from snapshot_restore_py import register_after_restore
        @register_after_restore
        def broken(): raise ValueError("cannot be restored")
        def handler(event, context): ...
        """,
        snap_start=True,
    )
    answer = await harness.invoke(version)
    assert answer.function_error
    assert answer.payload["errorMessage"] == "cannot be restored"


async def test_an_after_restore_hook_has_ten_seconds(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Developer Guide, "Lambda SnapStart runtime hooks": 10 seconds, else a timeout error; half a second here."""
    monkeypatch.setattr("lab.engine.environment.RESTORE_LIMIT_S", 0.5)
    version = harness.function(
        """
        import time
        from snapshot_restore_py import register_after_restore
        register_after_restore(lambda: time.sleep(30))
        def handler(event, context): return "served"
        """,
        snap_start=True,
    )
    answer = await harness.invoke(version)
    assert answer.function_error
    assert answer.payload["errorType"] == "Runtime.RestoreTimeout"
    assert (answer.report["Status"], answer.report["Error Type"]) == ("error", "Runtime.RestoreTimeout")


async def test_an_environment_whose_restore_took_too_long_is_not_used_again(harness: Harness, meeting: Meeting) -> None:
    version = harness.function(
        """
        from snapshot_restore_py import register_after_restore
        register_after_restore(meet)
        def handler(event, context): return "served"
        """,
        snap_start=True,
        meeting=meeting,
    )
    late = asyncio.create_task(harness.invoke(version))
    await meeting.arrived(1)
    (environment,) = harness.engine._pools[version].environments
    environment._deadline_passed()
    assert (await late).payload["errorType"] == "Runtime.RestoreTimeout"
    next_one = asyncio.create_task(harness.invoke(version))
    await meeting.arrived(1)
    meeting.release()
    answer = await next_one
    assert answer.payload == "served"
    assert "Restore Duration" in answer.report


@OVER_THE_CHANNEL
async def test_the_init_of_a_snapshot_has_130_seconds(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Developer Guide, lifecycle: 130 seconds, or the timeout if longer; half a second here."""
    monkeypatch.setattr("lab.engine.snapshot.SNAPSHOT_INIT_LIMIT_S", 0.5)
    source = "import time\ntime.sleep(30)\ndef handler(event, context): ..."
    version = harness.function(source, snap_start=True, timeout_s=0.5)
    snapshot = harness.engine.prepare_snapshot(version)
    await harness.until(lambda: snapshot.state is not SnapshotState.PENDING)
    assert (snapshot.state, snapshot.reason) == (SnapshotState.FAILED, "init took longer than 0.5 seconds")


async def test_a_restored_environment_is_reused_and_survives_a_crash(harness: Harness) -> None:
    version = harness.function(
        """
        import os
        def handler(event, context):
            if event.get("crash"):
                os._exit(9)
            return os.getpid()
        """,
        snap_start=True,
    )
    first = await harness.invoke(version)
    second = await harness.invoke(version)
    crashed = await harness.invoke(version, {"crash": True})
    after = await harness.invoke(version)
    assert first.payload == second.payload
    assert "Restore Duration" not in second.report
    assert crashed.payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 9")
    assert isinstance(after.payload, int)
