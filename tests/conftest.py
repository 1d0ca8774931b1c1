"""What all tests share: one emulator and one endpoint of each transport for a worker, and how workers share tests."""

from tests.distribution import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from tests.engine.endpoint import endpoints
from tests.ministack_fixture import ministack

__all__ = ["endpoints", "ministack", "pytest_collection_modifyitems", "pytest_xdist_make_scheduler"]
