"""Markdown: whole tables, nothing that the files held is markup."""

import re
from pathlib import Path

from lab.report.render import render
from tests.unit.lab.report.hostile import hostile_run


def _tables(text: str) -> list[list[list[str]]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in block] for block in blocks]


def _check(text: str) -> None:
    tables = _tables(text)

    assert len(tables) == 8
    for header, rule, *rows in tables:
        assert len(rows) == 5
        assert all(re.fullmatch(r" ---:? ", cell) for cell in rule)
        assert {len(row) for row in (header, rule, *rows)} == {len(header)}


def test_a_report_is_eight_tables(simulated_run: Path) -> None:
    text = render(simulated_run, "markdown")

    _check(text)
    assert text.startswith("**Simulated: ")
    assert "| `no_cache` | 200 |" in text


def test_hostile_text_cannot_make_markup(tmp_path: Path) -> None:
    text = render(hostile_run(tmp_path), "markdown")

    _check(text)
    outside_code = re.sub(r"(?<!\\)`[^`|\n]+`", "", text)
    assert not re.search(r"(?<!\\)[<>`]", outside_code)
    assert "\n# " not in text
    assert text.encode()
