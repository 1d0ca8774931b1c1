"""One browser for all tests of a worker, and what they open."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from selenium import webdriver

from tests.browser.chromium import NotInstalledError, chromium
from tests.shown_run import application_dashboards, shown_run

__all__ = ["application_dashboards", "shown_run"]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A browser that logs its console and its requests."""
    try:
        with chromium(tmp_path_factory.mktemp("chromium")) as started:
            yield started
    except NotInstalledError as missing:
        pytest.skip(str(missing))


def logged(browser: webdriver.Chrome, kind: Literal["browser", "performance"]) -> list[dict[str, Any]]:
    """What was logged since the last call."""
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries
