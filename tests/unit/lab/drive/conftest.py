"""What the driver's tests share."""

from tests.ministack_fixture import ministack

__all__ = ["ministack"]
