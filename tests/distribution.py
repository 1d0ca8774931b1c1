"""How tests are spread over the workers of pytest-xdist: a file is a unit, long units come first.

Two units share an expensive session fixture, so they run as one. A unit that is not listed comes after those that are:
short ones fill the time at the end, so that the workers end together.
"""

import os
from typing import Any, Final

import pytest
from xdist.scheduler import LoadFileScheduling

TOGETHER: Final = {
    "tests/e2e/test_dashboard_of_an_outage.py": "tests/e2e/test_whole_path.py",
}
"""Files that run in one worker, with the file that the unit is called by: they share one endpoint and deployment."""

LONG_FIRST: Final = (
    "tests/e2e/test_aws_target.py",
    "tests/e2e/test_whole_path.py",
    "tests/e2e/",
    "tests/engine/test_faults.py",
    "tests/engine/",
    "tests/endpoint/",
    "tests/snapshot/",
    "tests/browser/",
)
"""Beginnings of paths, the longest unit first."""


def unit(nodeid: str) -> str:
    """The unit that a test belongs to."""
    file = nodeid.split("::", 1)[0]
    return TOGETHER.get(file, file)


def _rank(item: pytest.Item) -> int:
    path = unit(item.nodeid)
    return next((rank for rank, start in enumerate(LONG_FIRST) if path.startswith(start)), len(LONG_FIRST))


class Units(LoadFileScheduling):  # type: ignore[misc]
    """Sends a whole unit to a worker, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False  # which would start with the units of the most tests
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Units:
    """Called by pytest-xdist."""
    return Units(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long units first, if there are several workers."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=_rank)
