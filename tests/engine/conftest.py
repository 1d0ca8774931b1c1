import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.engine.settings import EngineSettings, Transport
from tests.engine.endpoint import endpoint
from tests.engine.harness import Harness
from tests.ministack_fixture import ministack

__all__ = ["endpoint", "ministack"]

OVER_HTTP_TOO = ("test_invoke_api", "test_logs", "test_metrics", "test_concurrency", "test_function_urls")
"""The modules whose tests of the endpoint run in both transports: all that a client sees of functions."""
HTTP_NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the runtime client's HTTP half is for Linux")


BOTH_TRANSPORTS = (Transport.SOCKET, pytest.param(Transport.HTTP, marks=HTTP_NEEDS_LINUX))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say with which transports a test of the endpoint runs."""
    if "endpoint" in metafunc.fixturenames:
        both = metafunc.module.__name__.rpartition(".")[2] in OVER_HTTP_TOO
        metafunc.parametrize(
            "endpoint", BOTH_TRANSPORTS if both else [Transport.SOCKET], indirect=True, scope="session"
        )


@pytest.fixture(params=BOTH_TRANSPORTS)
async def harness(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    harness = Harness(tmp_path, EngineSettings(transport=request.param))
    yield harness
    harness.engine.close()
