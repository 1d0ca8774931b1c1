"""Limits of an execution environment.

Sources: the AWS Lambda Developer Guide, "Lambda quotas" and "Configure Lambda function memory"; the error of an
environment that is out of memory was seen on AWS.
"""

import asyncio
import time
from pathlib import Path

import pytest

from lab.engine.environment import Environment
from lab.engine.settings import EngineSettings
from tests.engine.endpoint import OVER_THE_CHANNEL
from tests.engine.harness import Harness, Meeting

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _groups(harness: Harness) -> None:
    tier = harness.engine.tiers()["limits"]
    if not tier.startswith("cgroup"):
        pytest.skip(f"needs control groups; here: {tier}")


def _namespaces(harness: Harness) -> None:
    if harness.engine.isolation.namespaces is None:
        pytest.skip("needs mount namespaces, which this machine does not allow")


GREEDY = """
    import time
    def handler(event, context):
        held = bytearray(event["mb"] * 1024 * 1024)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(event.get("hold", 0))
        return len(held)
"""


@pytest.mark.parametrize("hold", [0, 30.0])
async def test_more_memory_than_the_function_has_is_an_out_of_memory_error(harness: Harness, hold: float) -> None:
    version = harness.function(GREEDY, memory_mb=128)
    answer = await harness.invoke(version, {"mb": 130, "hold": hold})
    assert answer.function_error
    assert answer.payload["errorType"] == "Runtime.OutOfMemory"
    assert answer.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert (answer.report["Status"], answer.report["Error Type"]) == ("error", "Runtime.OutOfMemory")
    assert answer.report["Max Memory Used"] == "128 MB"


@OVER_THE_CHANNEL
async def test_after_running_out_of_memory_the_environment_serves_again(harness: Harness) -> None:
    version = harness.function(GREEDY, memory_mb=128)
    await harness.invoke(version, {"mb": 130})
    answer = await harness.invoke(version, {"mb": 10})
    assert answer.payload == 10 * 1024 * 1024
    assert int(answer.report["Max Memory Used"].split()[0]) < 128


@OVER_THE_CHANNEL
async def test_the_kernel_ends_what_takes_memory_faster_than_anyone_looks(harness: Harness) -> None:
    _groups(harness)
    version = harness.function(GREEDY, memory_mb=128, tmp_mb=64)
    answer = await harness.invoke(version, {"mb": 2000})
    assert answer.payload["errorType"] == "Runtime.OutOfMemory"


async def test_max_memory_used_is_measured(harness: Harness) -> None:
    version = harness.function(GREEDY, memory_mb=512)
    small = await harness.invoke(version, {"mb": 1})
    large = await harness.invoke(version, {"mb": 150})
    used = [int(answer.report["Max Memory Used"].split()[0]) for answer in (small, large)]
    assert 140 <= used[1] - used[0] <= 160


BUSY = """
    import time
    def handler(event, context):
        begun, used = time.perf_counter(), time.process_time()
        while time.process_time() - used < 0.1:
            pass
        return time.perf_counter() - begun
"""


@OVER_THE_CHANNEL
async def test_processor_time_is_in_proportion_to_memory(harness: Harness) -> None:
    _groups(harness)
    small = await harness.invoke(harness.function(BUSY, memory_mb=256))
    assert small.payload > 0.1 * 1769 / 256 * 0.7


async def test_processor_time_is_not_limited_when_it_shall_not_be(tmp_path: Path) -> None:
    """The time of the test above, at half the memory, is out of reach of a small function otherwise."""
    harness = Harness(tmp_path, EngineSettings(limit_cpu=False))
    _groups(harness)
    small = await harness.invoke(harness.function(BUSY, memory_mb=128))
    await harness.close()
    assert harness.engine.tiers()["limits"] in ("cgroup v1: memory", "cgroup v2: memory")
    assert small.payload < 0.1 * 1769 / 128 * 0.7


@OVER_THE_CHANNEL
async def test_tmp_has_the_size_that_was_configured(harness: Harness) -> None:
    _namespaces(harness)
    version = harness.function(
        """
        import os
        def handler(event, context):
            try:
                with open("/tmp/big", "wb") as file:
                    for _ in range(100):
                        file.write(bytes(1024 * 1024))
            except OSError as error:
                return [os.strerror(error.errno), os.path.getsize("/tmp/big") // 1024**2]
        """,
        tmp_mb=64,
    )
    answer = await harness.invoke(version)
    assert answer.payload == ["No space left on device", 64]


@OVER_THE_CHANNEL
async def test_a_full_tmp_does_not_count_as_memory(harness: Harness) -> None:
    _namespaces(harness)
    version = harness.function(
        """
        import time
        def handler(event, context):
            with open("/tmp/big", "wb") as file:
                for _ in range(150):
                    file.write(bytes(1024 * 1024))
            time.sleep(0.1)
            return "served"
        """,
        memory_mb=128,
    )
    assert (await harness.invoke(version)).payload == "served"


@OVER_THE_CHANNEL
async def test_only_tmp_can_be_written(harness: Harness) -> None:
    _namespaces(harness)
    version = harness.function(
        """
        import os
        def handler(event, context):
            try:
                open(event + "/new", "w")
            except OSError as error:
                return os.strerror(error.errno)
        """
    )
    for place in ("/var/task", "/opt", "/var/runtime", "/usr", "/etc"):
        assert (await harness.invoke(version, place)).payload == "Read-only file system", place
    assert (await harness.invoke(version, "/tmp")).payload is None


@OVER_THE_CHANNEL
async def test_a_timeout_is_kept_to_milliseconds(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured by another timer of the same event loop, which is as late as this machine is slow."""
    times: dict[str, float] = {}
    kill = Environment._kill
    monkeypatch.setattr(Environment, "_kill", lambda self: (times.update(kill=time.perf_counter()), kill(self)))
    version = harness.function("import time\ndef handler(event, context): time.sleep(event)", timeout_s=1.0)
    await harness.invoke(version, 0)
    asyncio.get_running_loop().call_later(1.0, lambda: times.update(timer=time.perf_counter()))
    answer = await harness.invoke(version, 60)
    assert answer.report["Duration"] == "1000.00 ms"
    assert abs(times["kill"] - times["timer"]) < 0.1


async def test_the_exec_wrapper_starts_the_runtime(harness: Harness) -> None:
    version = harness.function(
        "import os\ndef handler(event, context): return os.environ.get('WRAPPED')",
        environment=(("AWS_LAMBDA_EXEC_WRAPPER", "/var/task/wrapper"),),
    )
    wrapper = version.code_dir / "wrapper"
    wrapper.write_text('#!/bin/sh\nexport WRAPPED="$#"\nexec "$@"\n')
    wrapper.chmod(0o755)
    _namespaces(harness)
    answer = await harness.invoke(version)
    assert int(answer.payload) >= 2


@OVER_THE_CHANNEL
async def test_environments_do_not_see_one_anothers_processes(harness: Harness, meeting: Meeting) -> None:
    _namespaces(harness)
    version = harness.function(
        """
        import os
        def handler(event, context):
            meet()
            return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
        """,
        meeting=meeting,
    )
    for answer in await harness.together(version, meeting):
        assert len(answer.payload) <= 3
