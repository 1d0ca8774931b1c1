"""Start-up profiles: the platform's share of starts, drawn and added to what the function itself does here."""

import asyncio
import dataclasses
import math
import statistics
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lab.engine.function import FunctionVersion
from lab.engine.lifecycle import State
from lab.engine.pool import Pool
from lab.engine.settings import EngineSettings, Transport
from lab.engine.startup import NO_STARTUP, Quantiles, Share, Shares, StartupProfile
from tests.engine.endpoint import BOTH_TRANSPORTS
from tests.engine.harness import Answer, Harness, Meeting, meeting
from tests.function_versions import function_version

KNOWN = Quantiles(100, 200, 400, 800)
ALWAYS = Quantiles(2000, 2000, 2000, 2000)
PROFILE = StartupProfile(
    name="test",
    text="for tests",
    inits={("python3.12", "x86_64"): KNOWN, ("python3.14", "x86_64"): ALWAYS, ("python3.14", "arm64"): KNOWN},
    restores={"x86_64": KNOWN},
    billed_restores={"x86_64": Quantiles(10, 20, 40, 80)},
)
TWO_SECONDS = dataclasses.replace(
    PROFILE,
    inits={("python3.13", "x86_64"): ALWAYS},
    restores={"x86_64": ALWAYS},
    billed_restores={"x86_64": Quantiles(50, 50, 50, 50)},
)
DAY = 86_400_000.0
HELD = dataclasses.replace(PROFILE, inits={("python3.13", "x86_64"): Quantiles(DAY, DAY, DAY, DAY)})
LIGHT = "def handler(event, context): return 1"
HEAVY = f"import time\ntime.sleep(0.5)\n{LIGHT}"
HOOKS = """
    import time
    from snapshot_restore_py import register_after_restore
    register_after_restore(lambda: time.sleep(0.5))
    def handler(event, context): return 1
"""
WHO = """
    import uuid
    ME = str(uuid.uuid4())
    def handler(event, context):
        if "meet" in event: meet(event["meet"])
        return ME
"""


@pytest.fixture
async def make_harness(tmp_path: Path) -> AsyncIterator[Callable[..., Harness]]:
    made: list[Harness] = []

    def make(startup: StartupProfile, transport: Transport = Transport.SOCKET) -> Harness:
        settings = EngineSettings(startup=startup, transport=transport)
        made.append(Harness(tmp_path / str(len(made)), settings))
        return made[-1]

    yield make
    for harness in made:
        harness.engine.close()


# Drawing


def test_quantiles_are_met_and_the_logarithm_is_linear_between_them() -> None:
    found = [KNOWN.at(probability) for probability in (0, 0.1, 0.3, 0.5, 0.9, 0.99, 1)]
    assert found == pytest.approx([100, 100, 100 * math.sqrt(2), 200, 400, 800, 800])


@pytest.mark.parametrize("beginning", [0.0, 0.31, 0.77])
def test_a_few_draws_stand_for_the_distribution(beginning: float) -> None:
    """A third of 15 independent draws would have a median beyond these limits."""
    shares = Shares(PROFILE, beginning)
    draws = [shares.draw(function_version("f", "1"), restored=True) for _ in range(15)]
    milliseconds = [share.ms for share in draws if share]
    assert 170 < statistics.median(milliseconds) < 230
    assert sum(ms < 200 for ms in milliseconds) in (7, 8)


def test_functions_draw_the_same_and_each_on_its_own() -> None:
    shares = Shares(PROFILE)
    first, other = function_version("a", "1"), function_version("b", "1")
    of_first = [shares.draw(first, restored=True) for _ in range(4)]
    assert len(set(of_first)) == 4
    assert of_first == [shares.draw(other, restored=True) for _ in range(4)]


def test_what_is_billed_of_a_restore_is_drawn_with_it() -> None:
    shares = Shares(PROFILE)
    for _ in range(5):
        share = shares.draw(function_version("f", "1"), restored=True)
        assert share is not None
        assert share.billed_ms == pytest.approx(share.ms / 10)


@pytest.mark.parametrize(
    ("runtime", "architecture", "expected"),
    [
        ("python3.12", "x86_64", 200),
        ("python3.11", "x86_64", 200),
        ("python3.13", "x86_64", 2000),
        ("python3.15", "x86_64", 2000),
        ("python3.14", "arm64", 200),
    ],
)
def test_the_row_is_of_the_deployed_runtime_and_architecture(runtime: str, architecture: str, expected: float) -> None:
    """A runtime without a row has that of the nearest one, of two equally near the newer."""
    version = dataclasses.replace(function_version("f", "1"), runtime=runtime, architecture=architecture)
    assert Shares(PROFILE, 0.5).draw(version, restored=False) == Share(expected, expected)


def test_the_profile_none_has_no_share() -> None:
    shares = Shares(NO_STARTUP)
    assert [shares.draw(function_version("f", "1"), restored=restored) for restored in (True, False)] == [None, None]


# In the engine


@pytest.mark.parametrize("transport", BOTH_TRANSPORTS)
async def test_the_functions_own_init_comes_on_top_of_the_share(
    make_harness: Callable[..., Harness], transport: Transport
) -> None:
    """The interpreter's own start is part of the share: an empty handler has next to nothing to add."""
    harness = make_harness(TWO_SECONDS, transport)
    light, heavy = [await harness.invoke(harness.function(source)) for source in (LIGHT, HEAVY)]
    assert light.milliseconds("Init Duration") >= 2000
    assert heavy.milliseconds("Init Duration") >= 2500
    billed = heavy.milliseconds("Duration") + heavy.milliseconds("Init Duration")
    assert billed <= heavy.milliseconds("Billed Duration") <= billed + 1.01
    assert (await harness.invoke(harness.function(LIGHT))).payload == 1


@pytest.mark.parametrize("transport", BOTH_TRANSPORTS)
async def test_hooks_come_on_top_of_the_share_of_a_restore_and_of_its_billed_part(
    make_harness: Callable[..., Harness], transport: Transport
) -> None:
    harness = make_harness(TWO_SECONDS, transport)
    answer = await harness.invoke(harness.function(HOOKS, snap_start=True))
    restore, billed = answer.milliseconds("Restore Duration"), answer.milliseconds("Billed Restore Duration")
    assert restore >= 2500
    assert billed - 1.01 <= restore - 2000 + 50 <= billed + 0.01
    assert answer.milliseconds("Billed Duration") - billed <= answer.milliseconds("Duration") + 1.01


async def test_an_environment_is_held_frozen_and_takes_no_place_at_the_gate(
    make_harness: Callable[..., Harness],
) -> None:
    """More environments are held at the same time than may start at the same time."""
    harness = make_harness(HELD)
    version = harness.function(
        """
        import threading, time
        def tick():
            while True: time.sleep(0.01)
        threading.Thread(target=tick, daemon=True).start()
        def handler(event, context): return 1
        """
    )
    wanted = harness.engine.gate.limit + 2
    under_way = [asyncio.create_task(harness.invoke(version)) for _ in range(wanted)]
    await harness.until(lambda: version in harness.engine._pools)
    environments = harness.engine._pools[version].environments
    await harness.until(lambda: [environment.state for environment in environments].count(State.HELD) == wanted)
    await harness.until(lambda: set(harness.processes(version).values()) == {"T"})
    for environment in environments:
        environment._deadline_passed()
    answers = await asyncio.gather(*under_way)
    assert [(answer.payload, answer.start_wait_ms) for answer in answers] == [(1, 0.0)] * wanted
    assert harness.engine.gate.delayed == 0


async def test_a_process_that_is_killed_while_it_is_held_fails_the_invocation(
    make_harness: Callable[..., Harness],
) -> None:
    harness = make_harness(HELD)
    version = harness.function(LIGHT)
    under_way = asyncio.create_task(harness.invoke(version))
    await harness.until(lambda: version in harness.engine._pools)
    pool = harness.engine._pools[version]
    await harness.until(lambda: [environment.state for environment in pool.environments] == [State.HELD])
    (environment,) = pool.environments
    environment._sandbox.kill_process()
    assert (await under_way).payload["errorType"] == "Runtime.ExitError"
    assert (await harness.invoke(version)).payload == 1  # in the same environment, which has started already


# As many environments as on Lambda


async def test_requests_at_once_start_as_many_environments(make_harness: Callable[..., Harness]) -> None:
    """Short invocations, which one environment could serve one after another."""
    harness = make_harness(NO_STARTUP)
    version = harness.function(WHO)
    answers = await asyncio.gather(*(harness.invoke(version) for _ in range(30)))
    assert len({answer.payload for answer in answers}) == 30
    waited = [answer for answer in answers if answer.start_wait_ms]
    assert len(waited) >= 30 - harness.engine.gate.limit  # a busy machine delays the others, too
    assert harness.engine.gate.delayed == len(waited)


@pytest.mark.parametrize("snap_start", [False, True])
async def test_only_a_few_start_at_the_same_time(make_harness: Callable[..., Harness], snap_start: bool) -> None:
    """Restores too, with hooks that take a while; one environment prepared from the snapshot does not go first."""
    harness = make_harness(NO_STARTUP)
    async with meeting() as met:
        source = f"""
            from snapshot_restore_py import register_after_restore
            if {snap_start}: register_after_restore(meet)
            else: meet()
            def handler(event, context): return 1
        """
        version = harness.function(source, snap_start=snap_start, meeting=met)
        limit = harness.engine.gate.limit
        under_way = [asyncio.create_task(harness.invoke(version)) for _ in range(2 * limit)]
        for _ in range(2):
            await met.arrived(limit)
            begun = [start for start in harness.engine._pools[version]._starts if start.environment is not None]
            assert len(begun) == limit
            met.release()
            await harness.until(lambda: len(harness.engine._pools[version]._starts) <= limit)
        assert all(answer.payload == 1 for answer in await asyncio.gather(*under_way))


async def test_a_request_waits_for_the_environment_that_lambda_would_have_used(
    make_harness: Callable[..., Harness],
) -> None:
    """A start waits for a processor; on Lambda its environment would be idle again when the request comes."""
    harness = make_harness(NO_STARTUP)
    limit = harness.engine.gate.limit
    async with meeting() as met:
        version = harness.function("meet('init')\n" + textwrap.dedent(WHO), meeting=met)
        pool, to_learn = await a_start(harness, met, version)
        await to_learn
        under_way = [asyncio.create_task(harness.invoke(version, {"meet": ""})) for _ in range(limit + 2)]
        await met.arrived(1 + limit)  # one in the idle environment, the others in their inits
        (waiting,) = [start for start in pool._starts if start.environment is None]
        await harness.until(lambda: waiting.free_at() < time.perf_counter())
        follower = asyncio.create_task(harness.invoke(version, {"meet": ""}))
        await harness.until(lambda: waiting.followers)
        met.release()
        await met.arrived(limit + 1)  # those that started, and the init of the one that waited
        met.release()
        for _ in range(2):
            await met.arrived(1)
            met.release()
        answers = await asyncio.gather(*under_way)
        followed = await follower
    assert followed.payload == answers[-1].payload
    assert len({answer.payload for answer in answers}) == limit + 2
    assert (
        0
        < followed.start_wait_ms
        < answers[-1].start_wait_ms + sum(answers[-1].milliseconds(figure) for figure in ("Init Duration", "Duration"))
    )
    assert answers[0].start_wait_ms == 0


async def test_an_idle_environment_serves_who_has_waited_too_long_for_a_start(
    make_harness: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst on a machine that is far too slow: without this, callers give up before their starts begin."""
    monkeypatch.setattr("lab.engine.pool.PATIENCE_S", 0.0)
    harness = make_harness(NO_STARTUP)
    limit = harness.engine.gate.limit
    async with meeting() as met:
        version = harness.function("meet('init')\n" + textwrap.dedent(WHO), meeting=met)
        _, to_learn = await a_start(harness, met, version)
        await to_learn
        at_once = [asyncio.create_task(harness.invoke(version)) for _ in range(limit + 2)]
        await met.arrived(limit)  # in their inits; the first request has the idle environment
        first, last = await at_once[0], await at_once[-1]
        met.release()
        starting = await asyncio.gather(*at_once[1:-1])
    assert last.payload == first.payload
    assert last.start_wait_ms > 0
    assert len({answer.payload for answer in [first, *starting]}) == limit + 1


async def test_who_waits_for_an_environment_that_ends_gets_another(make_harness: Callable[..., Harness]) -> None:
    harness = make_harness(NO_STARTUP)
    async with meeting() as met:
        version = harness.function("meet('init')\n" + textwrap.dedent(WHO), meeting=met)
        pool, under_way = await a_start(harness, met, version, released=False)
        (start,) = pool._starts
        start._pace.own_s = start._pace.first_s = 0.0
        follower = asyncio.create_task(harness.invoke(version))
        await harness.until(lambda: start.followers)
        assert start.environment is not None
        start.environment.end()
        assert (await under_way).function_error
        await met.arrived(1)
        met.release()
        assert isinstance((await follower).payload, str)


async def test_every_restore_gives_its_place_back(make_harness: Callable[..., Harness]) -> None:
    """Also one that takes the copy which is just being prepared."""
    harness = make_harness(NO_STARTUP)
    version = harness.function(WHO, snap_start=True)
    for _ in range(2 * harness.engine.gate.limit + 1):
        await harness.invoke(version)
        harness.engine.end_environments()
    await harness.until(lambda: harness.engine.gate._starting == 0)


# Ending all environments


async def test_all_environments_end_and_the_busy_ones_when_they_have_answered(
    make_harness: Callable[..., Harness],
) -> None:
    harness = make_harness(NO_STARTUP)
    async with meeting() as met:
        version = harness.function(WHO, meeting=met)
        other = harness.function(WHO)
        before = await harness.invoke(other)
        under_way = [asyncio.create_task(harness.invoke(version, {"meet": ""})) for _ in range(2)]
        await met.arrived(2)
        assert harness.engine.end_environments() == (1, 2)
        met.release()
        busy = {answer.payload for answer in await asyncio.gather(*under_way)}
        assert harness.engine.end_environments() == (0, 0)
        after = [await harness.invoke(each) for each in (version, other)]
    assert after[0].payload not in busy
    assert after[1].payload != before.payload
    assert all("Init Duration" in answer.report for answer in after)


async def test_environments_whose_start_still_waits_end_too(make_harness: Callable[..., Harness]) -> None:
    harness = make_harness(NO_STARTUP)
    version = harness.function(WHO)
    number = harness.engine.gate.limit + 2
    under_way = [asyncio.create_task(harness.invoke(version)) for _ in range(number)]
    await harness.until(lambda: version in harness.engine._pools)
    assert harness.engine.end_environments() == (0, number)
    after = asyncio.create_task(harness.invoke(version))
    answers = await asyncio.gather(*under_way)
    assert (await after).payload not in {answer.payload for answer in answers}
    assert len(harness.engine._pools[version].environments) == 1


async def test_the_snapshot_outlives_the_environments(make_harness: Callable[..., Harness]) -> None:
    harness = make_harness(NO_STARTUP)
    version = harness.function(WHO, snap_start=True)
    first = await harness.invoke(version)
    (age_s,) = harness.engine.snapshot_ages_s().values()
    harness.engine.end_environments()
    second = await harness.invoke(version)
    assert first.payload == second.payload  # drawn in the init of the snapshot
    assert "Restore Duration" in second.report
    assert 0 < age_s < harness.engine.snapshot_ages_s()[version]


async def test_over_http_there_is_no_snapshot_to_have_an_age(make_harness: Callable[..., Harness]) -> None:
    harness = make_harness(NO_STARTUP, Transport.HTTP)
    await harness.invoke(harness.function(WHO, snap_start=True))
    assert harness.engine.snapshot_ages_s() == {}


async def a_start(
    harness: Harness, met: Meeting, version: FunctionVersion, *, released: bool = True
) -> tuple[Pool, "asyncio.Task[Answer]"]:
    """The version's pool, and an invocation whose environment has arrived in its init."""
    under_way = asyncio.create_task(harness.invoke(version))
    await met.arrived(1)
    if released:
        met.release()
    return harness.engine._pools[version], under_way
