"""The endpoint for the checks of recorded behaviours, shared by all of them in a worker."""

from collections.abc import Callable

import pytest

from lab.engine.settings import Transport
from tests.engine.endpoint import Endpoint
from tests.recorded.behaviour import expect_difference


@pytest.fixture(scope="session")
def endpoint(endpoints: Callable[[Transport], Endpoint]) -> Endpoint:
    """The endpoint of the default transport."""
    return endpoints(Transport.SOCKET)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Called by pytest for each test of this folder."""
    expect_difference(item)
