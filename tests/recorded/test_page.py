"""The committed page of recorded behaviours is what the tests say."""

import re
import subprocess
import sys

import pytest

from tests.recorded.page import PAGE


def test_the_committed_page_is_what_the_tests_say() -> None:
    printed = subprocess.run([sys.executable, "-m", "tests.recorded.page", "--print"], capture_output=True, check=True)
    assert PAGE.read_bytes() == printed.stdout, "run `make docs`"


@pytest.mark.parametrize(("plane", "fewest", "least_share"), [("data", 90, 0.95), ("control", 40, 0.85)])
def test_enough_behaviours_are_recorded_and_hold(plane: str, fewest: int, least_share: float) -> None:
    row = re.search(rf"^\| {plane} \| (\d+) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    recorded, held = map(int, row.groups())
    assert recorded >= fewest
    assert held >= least_share * recorded
