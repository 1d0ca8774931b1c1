"""The committed page of recorded behaviours is what the tests say."""

import subprocess
import sys

from tests.recorded.page import PAGE


def test_the_committed_page_is_what_the_tests_say() -> None:
    printed = subprocess.run([sys.executable, "-m", "tests.recorded.page", "--print"], capture_output=True, check=True)
    assert PAGE.read_bytes() == printed.stdout, "run `make docs`"
