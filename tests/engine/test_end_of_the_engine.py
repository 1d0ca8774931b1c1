"""What happens to what is under way when the engine, or a version, ends."""

import asyncio
import os

import pytest

from tests.engine.harness import Harness

FAILED = {"errorType": "Runtime.ExitError"}
SLOW = """
    import time
    def handler(event, context): time.sleep(60)
"""
SLOW_INIT = """
    import time
    time.sleep(0.5)
    def handler(event, context): return "served"
"""


async def test_what_still_waits_for_an_environment_when_the_engine_ends_fails_like_the_rest(
    own_harness: Harness,
) -> None:
    version = own_harness.function(SLOW)
    under_way = [asyncio.create_task(own_harness.invoke(version)) for _ in range(own_harness.engine.gate.limit + 3)]
    await asyncio.sleep(0)
    assert [start.environment for start in own_harness.engine._pools[version]._starts].count(None) == 3
    own_harness.engine.close()
    for answer in await asyncio.gather(*under_way):
        assert answer.function_error
        assert answer.payload.items() >= FAILED.items()
        assert answer.payload["errorMessage"].endswith("Error: Runtime exited without providing a reason")


async def test_what_still_waits_for_a_snapshot_when_the_engine_ends_fails(own_harness: Harness) -> None:
    version = own_harness.function(SLOW_INIT, snap_start=True)
    under_way = [asyncio.create_task(own_harness.invoke(version)) for _ in range(3)]
    await asyncio.sleep(0)
    own_harness.engine.close()
    for answer in await asyncio.gather(*under_way):
        assert answer.payload.items() >= FAILED.items()


async def test_what_waits_for_a_snapshot_when_its_version_goes_is_served(own_harness: Harness) -> None:
    version = own_harness.function(SLOW_INIT, snap_start=True)
    under_way = asyncio.create_task(own_harness.invoke(version))
    await asyncio.sleep(0)
    own_harness.engine.keep_functions(set())
    assert (await under_way).payload == "served"


async def test_an_environments_access_key_is_forgotten_some_time_after_its_end(
    own_harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last requests may come later than its end, and are its function's."""
    version = own_harness.function("def handler(event, context): ...\n")
    functions = own_harness.engine.function_of_access_key
    await own_harness.invoke(version)
    own_harness.engine.keep_functions(set())
    assert list(functions.values()) == [version.name]

    monkeypatch.setattr("lab.engine.engine.KEY_KEPT_S", 0.0)
    (first,) = functions
    await own_harness.invoke(version)
    own_harness.engine.keep_functions(set())
    await asyncio.sleep(0.05)
    assert list(functions) == [first]


async def test_ending_the_engine_leaves_no_process(own_harness: Harness) -> None:
    version = own_harness.function("import os\ndef handler(event, context): return os.readlink('/proc/self/ns/pid')")
    await own_harness.invoke(version)
    environment = next(iter(own_harness.engine._pools[version].environments))
    pid = environment._sandbox.pid
    assert pid is not None
    os.kill(pid, 0)
    await own_harness.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
