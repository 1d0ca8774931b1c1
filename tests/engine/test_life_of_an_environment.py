"""The life of an execution environment: one test a behaviour.

Sources: the AWS Lambda Developer Guide, "Lambda execution environment lifecycle", and experiments on AWS.
"""

import asyncio

import pytest

from tests.engine.endpoint import OVER_THE_CHANNEL
from tests.engine.harness import Harness, Meeting

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHO = """
    import os, time, uuid
    ME = str(uuid.uuid4())
    count = 0

    def handler(event, context):
        global count
        count += 1
        time.sleep(event.get("sleep", 0))
        if "meet" in event:
            meet(event["meet"])
        if event.get("crash"):
            os.kill(os.getpid(), 9)
        if "exit" in event:
            os._exit(event["exit"])
        path = "/tmp/notes" if os.path.isdir("/var/task") else os.environ["TMPDIR"] + "/notes"
        notes = open(path).read() if os.path.exists(path) else ""
        open(path, "a").write("x")
        return {"who": ME, "count": count, "notes": notes, "pid": os.getpid()}
"""


async def test_the_first_invocation_is_a_cold_start_and_the_next_reuses_its_environment(harness: Harness) -> None:
    version = harness.function(WHO)
    first = await harness.invoke(version)
    second = await harness.invoke(version)
    assert first.payload["who"] == second.payload["who"]
    assert second.payload["count"] == 2
    assert "Init Duration" in first.report
    assert "Init Duration" not in second.report


@OVER_THE_CHANNEL
async def test_a_busy_environment_is_never_queued_on(harness: Harness, meeting: Meeting) -> None:
    version = harness.function(WHO, meeting=meeting)
    answers = await harness.together(version, meeting, 3)
    assert len({answer.payload["who"] for answer in answers}) == 3


@OVER_THE_CHANNEL
async def test_the_most_recently_used_idle_environment_is_taken_first(harness: Harness, meeting: Meeting) -> None:
    version = harness.function(WHO, meeting=meeting)
    busy = {name: asyncio.create_task(harness.invoke(version, {"meet": name})) for name in ("early", "late")}
    await meeting.arrived(2)
    answers = {}
    for name in busy:
        meeting.release(name)
        answers[name] = (await busy[name]).payload["who"]
    assert answers["early"] != answers["late"]
    for _ in range(3):
        assert (await harness.invoke(version)).payload["who"] == answers["late"]


async def test_after_a_crash_the_same_environment_has_a_new_process_and_the_same_tmp(harness: Harness) -> None:
    """Seen on AWS: globals are lost, files are kept, and the re-init shows no Init Duration."""
    version = harness.function(WHO)
    before = await harness.invoke(version)
    crashed = await harness.invoke(version, {"crash": True})
    after = await harness.invoke(version)
    assert crashed.function_error
    assert crashed.payload["errorType"] == "Runtime.ExitError"
    assert crashed.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert after.payload["who"] != before.payload["who"]
    assert (after.payload["count"], after.payload["notes"]) == (1, "x")
    assert "Init Duration" not in after.report


async def test_an_exit_is_reported_with_its_status(harness: Harness) -> None:
    answer = await harness.invoke(harness.function(WHO), {"exit": 3})
    assert answer.payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert (answer.report["Status"], answer.report["Error Type"]) == ("error", "Runtime.ExitError")


async def test_a_timeout_ends_the_process_and_keeps_the_environment(harness: Harness) -> None:
    version = harness.function(WHO, timeout_s=1.0)
    before = await harness.invoke(version)
    late = await harness.invoke(version, {"sleep": 60})
    harness.give_time(version)
    after = await harness.invoke(version)
    assert late.payload["errorType"] == "Sandbox.Timedout"
    assert late.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert (late.report["Status"], late.report["Duration"]) == ("timeout", "1000.00 ms")
    assert int(late.report["Max Memory Used"].split()[0]) > 0
    assert after.payload["who"] != before.payload["who"]
    assert after.payload["notes"] == "x"


async def test_a_failed_init_is_run_again_within_the_invocation(harness: Harness) -> None:
    version = harness.function("raise RuntimeError('no luck')\ndef handler(e, c): ...")
    answer = await harness.invoke(version)
    assert answer.function_error
    assert answer.payload["errorType"] == "RuntimeError"
    assert answer.payload["errorMessage"] == "no luck"
    assert "Status" in answer.report


@OVER_THE_CHANNEL
async def test_an_init_that_succeeds_the_second_time_serves_the_invocation(harness: Harness) -> None:
    version = harness.function(
        """
        import os
        path = ("/tmp" if os.path.isdir("/var/task") else os.environ["TMPDIR"]) + "/seen"
        if not os.path.exists(path):
            open(path, "w").close()
            os._exit(1)
        def handler(event, context): return "served"
        """
    )
    answer = await harness.invoke(version)
    assert answer.payload == "served"
    assert "Init Duration" not in answer.report


@OVER_THE_CHANNEL
async def test_an_init_has_ten_seconds_and_then_runs_again_within_the_invocation(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documented: 10 seconds, then as after a failed init, with the function's own timeout; half a second here."""
    monkeypatch.setattr("lab.engine.environment.INIT_LIMIT_S", 0.5)
    version = harness.function("import time\ntime.sleep(1)\ndef handler(event, context): return 'served'")
    answer = await harness.invoke(version)
    assert answer.payload == "served"
    assert "Phase: init\tStatus: timeout" in answer.log
    assert "Init Duration" not in answer.report
    assert answer.milliseconds("Duration") >= 1000


async def test_nothing_of_an_environment_runs_between_invocations(harness: Harness) -> None:
    """A thread that ticks has its longest pause while its environment is idle."""
    version = harness.function(
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
        """
    )
    await harness.invoke(version)
    await harness.until(lambda: set(harness.processes(version).values()) == {"T"})
    await asyncio.sleep(0.5)
    assert (await harness.invoke(version)).payload >= 0.5


@OVER_THE_CHANNEL
async def test_environments_have_a_tmp_of_their_own(harness: Harness, meeting: Meeting) -> None:
    version = harness.function(WHO, meeting=meeting)
    answers = await harness.together(version, meeting, 2)
    assert [answer.payload["notes"] for answer in answers] == ["", ""]


@OVER_THE_CHANNEL
async def test_a_process_left_behind_by_a_crash_does_not_outlive_it(harness: Harness) -> None:
    if harness.engine.isolation.namespaces is None:
        pytest.skip("no process namespaces on this machine: a child that leaves its group is ended with the engine")
    version = harness.function(
        """
        import os, time
        def handler(event, context):
            if os.fork() == 0:
                os.setsid()
                time.sleep(60)
            os._exit(1)
        """
    )
    await harness.invoke(version)
    await harness.until(lambda: not harness.processes(version))


async def test_the_context_is_lambdas_own(harness: Harness) -> None:
    version = harness.function(
        """
        import os
        def handler(event, context):
            return {
                "name": context.function_name, "version": context.function_version,
                "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn,
                "request": context.aws_request_id, "group": context.log_group_name,
                "remaining": context.get_remaining_time_in_millis(),
                "custom": context.client_context.custom, "cwd": os.getcwd(),
            }
        """
    )
    context = (await harness.invoke(version, client_context='{"custom": {"a": "b"}}')).payload
    assert context["name"] == version.name
    assert context["version"] == "1"
    assert context["memory"] == "512"
    assert context["arn"] == version.arn
    assert context["group"] == version.log_group
    assert 9_000 < context["remaining"] <= 10_000
    assert context["custom"] == {"a": "b"}
    assert context["cwd"] in ("/var/task", str(version.code_dir))


async def test_what_the_function_prints_stands_between_start_and_end(harness: Harness) -> None:
    version = harness.function("def handler(event, context): print('hello'); return 1")
    lines = (await harness.invoke(version)).log.splitlines()
    kinds = [line.split(" ")[0] for line in lines]
    assert kinds == ["START", "hello", "END", "REPORT"]


@OVER_THE_CHANNEL
async def test_the_log_tail_is_the_last_4_kib(harness: Harness) -> None:
    version = harness.function("def handler(event, context): print('a' * 100_000); return 1")
    answer = await harness.invoke(version)
    assert len(answer.log.encode()) == 4096
    assert answer.log.rstrip().splitlines()[-1].startswith("REPORT ")


@OVER_THE_CHANNEL
async def test_billed_duration_counts_init(harness: Harness) -> None:
    """AWS bills init since August 2025."""
    answer = await harness.invoke(harness.function("def handler(event, context): ..."))
    whole = answer.milliseconds("Duration") + answer.milliseconds("Init Duration")
    assert whole <= answer.milliseconds("Billed Duration") <= whole + 1.01
