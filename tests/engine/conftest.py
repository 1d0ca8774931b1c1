from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.engine.settings import EngineSettings
from tests.engine.endpoint import BOTH_TRANSPORTS, endpoint
from tests.engine.harness import Harness

__all__ = ["endpoint"]


@pytest.fixture(params=BOTH_TRANSPORTS)
async def harness(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    harness = Harness(tmp_path, EngineSettings(transport=request.param))
    yield harness
    harness.engine.close()
