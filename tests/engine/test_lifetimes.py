"""How long environments live, which idle one is taken, how many may start: the engine's settings."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from lab.engine.function import FunctionVersion
from lab.engine.invocation import ThrottledError
from lab.engine.settings import EngineSettings, Routing
from tests.engine.harness import Harness, Meeting, meeting

WHO = """
    import uuid
    ME = str(uuid.uuid4())
    def handler(event, context):
        if "meet" in event: meet(event["meet"])
        return ME
"""


@pytest.fixture
async def make_harness(tmp_path: Path) -> AsyncIterator[Callable[[EngineSettings], Harness]]:
    made: list[Harness] = []

    def make(settings: EngineSettings) -> Harness:
        made.append(Harness(tmp_path / str(len(made)), settings))
        return made[-1]

    yield make
    for harness in made:
        harness.engine.close()


async def test_an_idle_environment_ends_after_its_time(make_harness: Callable[[EngineSettings], Harness]) -> None:
    """Ten minutes idle, at a clock 1,000 times faster."""
    harness = make_harness(EngineSettings(idle_s=600, clock_speed=1000))
    version = harness.function(WHO)
    first = await harness.invoke(version)
    pool = harness.engine._pools[version]
    (environment,) = pool.environments
    environment.idle_since += 1000  # whatever this machine does meanwhile
    pool.sweep()
    assert (await harness.invoke(version)).payload == first.payload
    await harness.until(lambda: not pool.environments)
    assert (await harness.invoke(version)).payload != first.payload


async def test_an_environment_in_use_ends_at_the_end_of_its_lifetime(
    make_harness: Callable[[EngineSettings], Harness],
) -> None:
    """67 to 147 minutes, at a clock 10,000 times faster: 0.4 to 0.9 seconds."""
    harness = make_harness(EngineSettings(idle_s=36_000, clock_speed=10_000))
    version = harness.function(WHO)
    first = await harness.invoke(version)
    for _ in range(100):
        if (await harness.invoke(version)).payload != first.payload:
            return
        await asyncio.sleep(0.03)
    pytest.fail("the environment outlived its lifetime")


@pytest.mark.parametrize(
    ("routing", "expected"), [(Routing.MOST_RECENTLY_USED, "late"), (Routing.LEAST_RECENTLY_USED, "early")]
)
async def test_routing_is_a_setting(
    make_harness: Callable[[EngineSettings], Harness], routing: Routing, expected: str
) -> None:
    harness = make_harness(EngineSettings(routing=routing))
    async with meeting() as met:
        version = harness.function(WHO, meeting=met)
        answers = await two_warm(harness, met, version)
        assert (await harness.invoke(version)).payload == answers[expected]


async def test_random_routing_uses_all(make_harness: Callable[[EngineSettings], Harness]) -> None:
    harness = make_harness(EngineSettings(routing=Routing.RANDOM))
    async with meeting() as met:
        version = harness.function(WHO, meeting=met)
        await two_warm(harness, met, version)
        assert len({(await harness.invoke(version)).payload for _ in range(40)}) == 2


async def two_warm(harness: Harness, met: Meeting, version: FunctionVersion) -> dict[str, Any]:
    """What two environments answered, one early and one late."""
    running = {name: asyncio.create_task(harness.invoke(version, {"meet": name})) for name in ("early", "late")}
    await met.arrived(2)
    answers = {}
    for name, answer in running.items():
        met.release(name)
        answers[name] = (await answer).payload
    return answers


async def test_more_new_environments_than_the_scale_out_rate_are_throttled(
    make_harness: Callable[[EngineSettings], Harness],
) -> None:
    """Documented: 1,000 new environments in 10 seconds a function; 2 here."""
    harness = make_harness(EngineSettings(scale_out=2, clock_speed=10))
    async with meeting() as met:
        version = harness.function(WHO, meeting=met)
        running = [asyncio.create_task(harness.invoke(version, {"meet": ""})) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ThrottledError, match="ConcurrentInvocationLimitExceeded"):
            await harness.invoke(version)
        await met.arrived(2)
        await asyncio.sleep(1.1)
        running.append(asyncio.create_task(harness.invoke(version)))
        await running[-1]
        met.release()
        assert len({answer.payload for answer in await asyncio.gather(*running)}) == 3


async def test_taking_an_environment_that_became_idle_is_not_a_start(
    make_harness: Callable[[EngineSettings], Harness],
) -> None:
    """Many short invocations while environments start must not use up the scale-out rate."""
    harness = make_harness(EngineSettings(scale_out=5))
    version = harness.function(WHO)
    await asyncio.gather(*(harness.invoke(version) for _ in range(3)))
    for _ in range(10):
        await asyncio.gather(*(harness.invoke(version) for _ in range(3)))
    assert len(harness.engine._pools[version].environments) <= 5
