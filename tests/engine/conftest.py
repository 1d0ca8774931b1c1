import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.engine.settings import EngineSettings, Transport
from tests.engine.endpoint import endpoint
from tests.engine.harness import Harness
from tests.ministack_fixture import ministack

__all__ = ["endpoint", "ministack"]

HTTP_NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the runtime client's HTTP half is for Linux")


@pytest.fixture(params=[Transport.SOCKET, pytest.param(Transport.HTTP, marks=HTTP_NEEDS_LINUX)])
async def harness(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    harness = Harness(tmp_path, EngineSettings(transport=request.param))
    yield harness
    harness.engine.close()
