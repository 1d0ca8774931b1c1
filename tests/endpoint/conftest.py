"""The endpoint for its tests."""

from collections.abc import Callable

import pytest

from lab.engine.settings import Transport
from tests.engine.endpoint import Endpoint


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest, endpoints: Callable[[Transport], Endpoint]) -> Endpoint:
    """The endpoint of the default transport; of both, where a test is marked `in_both_transports`."""
    return endpoints(getattr(request, "param", Transport.SOCKET))
