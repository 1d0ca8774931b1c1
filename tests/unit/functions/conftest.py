from tests.ministack_fixture import ministack

__all__ = ["ministack"]
