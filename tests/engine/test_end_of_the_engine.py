"""What becomes of what is under way when the engine, or a version, ends."""

import asyncio

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


async def test_what_still_waits_for_an_environment_when_the_engine_ends_fails_like_the_rest(harness: Harness) -> None:
    version = harness.function(SLOW)
    under_way = [asyncio.create_task(harness.invoke(version)) for _ in range(harness.engine.gate.limit + 3)]
    await asyncio.sleep(0)
    assert len(harness.engine._pools[version]._waiting) == 3
    harness.engine.close()
    for answer in await asyncio.gather(*under_way):
        assert answer.function_error
        assert answer.payload.items() >= FAILED.items()
        assert answer.payload["errorMessage"].endswith("Error: Runtime exited without providing a reason")


async def test_what_still_waits_for_a_snapshot_when_the_engine_ends_fails(harness: Harness) -> None:
    version = harness.function(SLOW_INIT, snap_start=True)
    under_way = [asyncio.create_task(harness.invoke(version)) for _ in range(3)]
    await asyncio.sleep(0)
    harness.engine.close()
    for answer in await asyncio.gather(*under_way):
        assert answer.payload.items() >= FAILED.items()


async def test_what_waits_for_a_snapshot_when_its_version_goes_is_served(harness: Harness) -> None:
    version = harness.function(SLOW_INIT, snap_start=True)
    under_way = asyncio.create_task(harness.invoke(version))
    await asyncio.sleep(0)
    harness.engine.keep_functions(set())
    assert (await under_way).payload == "served"


async def test_an_environments_access_key_is_forgotten_some_time_after_its_end(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last requests may come later than its end, and are its function's."""
    version = harness.function("def handler(event, context): ...\n")
    functions = harness.engine.function_of_access_key
    await harness.invoke(version)
    harness.engine.keep_functions(set())
    assert list(functions.values()) == [version.name]

    monkeypatch.setattr("lab.engine.engine.KEY_KEPT_S", 0.0)
    (first,) = functions
    await harness.invoke(version)
    harness.engine.keep_functions(set())
    await asyncio.sleep(0.05)
    assert list(functions) == [first]
