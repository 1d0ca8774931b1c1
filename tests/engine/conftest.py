from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from lab.engine.settings import EngineSettings, Transport
from tests.engine.endpoint import BOTH_TRANSPORTS, endpoint
from tests.engine.harness import Harness, Meeting
from tests.engine.harness import meeting as opened_meeting

__all__ = ["endpoint"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no start be given up because this machine is slow."""
    monkeypatch.setattr("lab.engine.pool.PATIENCE_S", 3600.0)


@pytest.fixture(scope="module")
def tier() -> None:
    """How environments are isolated: as this machine has it. A module can say otherwise."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engines(
    tier: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Callable[[Transport], Harness]]:
    """The engine of a transport, one for all tests of a module; it leaves nothing when it ends."""
    started: dict[Transport, Harness] = {}

    def engine(transport: Transport) -> Harness:
        if transport not in started:
            started[transport] = Harness(tmp_path_factory.mktemp(transport), EngineSettings(transport=transport))
        return started[transport]

    yield engine
    for harness in started.values():
        await harness.close()


@pytest_asyncio.fixture(params=BOTH_TRANSPORTS, loop_scope="module")
async def harness(engines: Callable[[Transport], Harness], request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    harness = engines(request.param)
    yield harness
    harness.engine.keep_functions(set())


@pytest.fixture(params=BOTH_TRANSPORTS)
async def own_harness(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    """An engine of the test's own, in the test's own event loop."""
    harness = Harness(tmp_path, EngineSettings(transport=request.param))
    yield harness
    harness.engine.close()


@pytest_asyncio.fixture(loop_scope="module")
async def meeting() -> AsyncIterator[Meeting]:
    async with opened_meeting() as meeting:
        yield meeting
