"""The report as GitHub-flavoured Markdown: for a pull request, an issue or a results file."""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from lab.analysis.model import Report
from lab.analysis.table import Table
from lab.analysis.wording import advised
from lab.report.answer import answer, how_measured
from lab.report.tables import WORDS, tables

Escape: TypeAlias = Callable[[str], str]

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&$])")
_NAME = re.compile(r"[A-Za-z]\w*")


def render_markdown(report: Report) -> str:
    """The report as Markdown. Whatever the files held is escaped: it can make neither markup nor HTML."""
    escape = _escaper(report)
    parts = [*_headline(report, escape), *(_table(table, escape) for table in tables(report))]
    if report.warnings:
        parts.append("Warnings:\n\n" + "\n".join(f"- {escape(advised(warning))}" for warning in report.warnings))
    method = (f"- {escape(term)}: {escape(text)}" for term, text in how_measured(report))
    return "\n\n".join([*parts, "How it was measured:\n\n" + "\n".join(method)]) + "\n"


def render_choice(report: Report) -> str:
    """The variant to choose, and the table of choices: the report in brief, as Markdown."""
    escape = _escaper(report)
    return "\n\n".join([f"**{escape(answer(report))}**", _table(tables(report)[0], escape)])


def _headline(report: Report, escape: Escape) -> Iterator[str]:
    yield f"**{escape(answer(report))}**"
    yield escape(" ".join(report.advice.reasons))


def _table(table: Table, escape: Escape) -> str:
    align = ["---", *("---" if column in WORDS else "---:" for column in table.columns[1:])]
    lines = [[escape(cell) for cell in table.columns], align, *([escape(cell) for cell in row] for row in table.rows)]
    return f"{escape(table.caption)}:\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaper(report: Report) -> Escape:
    """Escapes every mark of a text, and shows names with underscores, variants and marked spans as code."""
    names = [summary.variant for summary in report.variants if _NAME.fullmatch(summary.variant)]
    code = re.compile(
        "|".join([r"`[^`|\n]+`", r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b", *(rf"\b{one}\b" for one in names)])
    )

    def escape(text: str) -> str:
        parts, at = [], 0
        for found in code.finditer(text):
            parts += [_MARKS.sub(r"\\\1", text[at : found.start()]), f"`{found[0].strip('`')}`"]
            at = found.end()
        return "".join([*parts, _MARKS.sub(r"\\\1", text[at:])])

    return escape
