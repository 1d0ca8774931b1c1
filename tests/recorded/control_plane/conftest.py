"""The control plane for its checks."""

import pytest

pytest.register_assert_rewrite("tests.recorded.control_plane.plane")

from tests.engine.endpoint import Endpoint  # noqa: E402 - after the registration
from tests.recorded.control_plane.plane import ControlPlane  # noqa: E402


@pytest.fixture(scope="session")
def plane(endpoint: Endpoint) -> ControlPlane:
    return ControlPlane(endpoint)
