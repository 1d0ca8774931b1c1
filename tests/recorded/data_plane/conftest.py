"""What some recorded behaviours need."""

import pytest

from lab.engine.sandbox.isolation import Isolation


@pytest.fixture(scope="session")
def lambdas_paths() -> None:
    """Skip the tests on a machine without namespaces."""
    if Isolation.probe().namespaces is None:
        pytest.skip("no namespaces on this machine: functions see the machine's own paths")
