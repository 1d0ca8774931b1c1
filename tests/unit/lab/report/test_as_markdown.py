"""Markdown: whole tables, nothing that the files held is markup."""

import re
from pathlib import Path

from lab.analysis.model import Report
from lab.report.as_markdown import render_choice
from lab.report.render import render
from tests.unit.lab.report.hostile import hostile_run


def _tables(text: str) -> list[list[list[str]]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in block] for block in blocks]


def _check(text: str) -> None:
    tables = _tables(text)

    assert len(tables) >= 9
    for header, rule, *rows in tables:
        assert len(rows) == 5
        assert all(re.fullmatch(r" ---:? ", cell) for cell in rule)
        assert {len(row) for row in (header, rule, *rows)} == {len(header)}


def test_a_report_is_the_sentence_and_whole_tables(repeated_run: Path) -> None:
    text = render(repeated_run, "markdown")

    _check(text)
    assert text.startswith("**Use `ttl_cache`: it answers ")
    assert "| `no_cache` | baseline |" in text
    assert "Not recommended:\n\n- `module_cache`: nothing limits how old its answers are" in text


def test_in_brief_it_is_the_sentence_the_figures_and_one_table(report: Report) -> None:
    text = render_choice(report)

    assert text.startswith("**Use `ttl_cache`: it answers ")
    assert len(_tables(text)) == 1
    assert "saved per warm answer against `no_cache`" in text


def test_hostile_text_cannot_make_markup(tmp_path: Path) -> None:
    text = render(hostile_run(tmp_path), "markdown")

    _check(text)
    outside_code = re.sub(r"(?<!\\)`[^`|\n]+`", "", text)
    assert not re.search(r"(?<!\\)[<>`]", outside_code)
    assert "\n# " not in text
    assert text.encode()
