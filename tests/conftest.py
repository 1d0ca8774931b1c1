"""What all tests share: one emulator and one endpoint of each transport for the whole session."""

from tests.engine.endpoint import endpoints
from tests.ministack_fixture import ministack

__all__ = ["endpoints", "ministack"]
