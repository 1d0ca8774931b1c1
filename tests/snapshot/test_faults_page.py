import re

from tests.snapshot.faults_page import MISSED, PAGE, seeded


def test_the_committed_table_lists_each_seeded_fault_and_the_rule_that_finds_it() -> None:
    """Except what the other validators report, which takes minutes to find out."""
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| `([a-z-]+)` \| .+ \| .+ \|$", page, re.MULTILINE)
    assert rows == list(seeded().items()), "run `make template-checks`"


def test_the_page_says_what_is_still_missed_and_why() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(MISSED + "\n"), "run `make template-checks`"
