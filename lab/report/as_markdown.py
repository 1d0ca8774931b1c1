"""The report as GitHub-flavoured Markdown: for a pull request, an issue or a results file."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from lab.analysis.model import Report
from lab.analysis.table import Table
from lab.analysis.wording import NOT_MEASURED, advised
from lab.report.brief import excluded, glance, headline, key_figures, reasons
from lab.report.how_measured import how_measured
from lab.report.tables import WORDS, tables

Escape: TypeAlias = Callable[[str], str]

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&$])")
_NAME = re.compile(r"[A-Za-z]\w*")


def render_markdown(report: Report) -> str:
    """The report as Markdown. Whatever the files held is escaped: it can make neither markup nor HTML."""
    escape = escaper(report)
    shown_tables = tables(report) if report.from_logs else (glance(report), *tables(report))
    parts = [*_begin(report, escape), *(markdown_table(table, escape) for table in shown_tables)]
    left_out = list(excluded(report))
    if left_out:
        parts.append(f"Not recommended:\n\n{bullets(left_out, escape)}")
    if report.warnings:
        parts.append("Warnings:\n\n" + bullets((advised(warning) for warning in report.warnings), escape))
    method = bullets((f"{term}: {text}" for term, text in how_measured(report)), escape)
    return "\n\n".join([*parts, f"How it was measured:\n\n{method}"]) + "\n"


def render_choice(report: Report) -> str:
    """The sentence, the four figures and all variants at a glance: the report in brief, as Markdown."""
    escape = escaper(report)
    return "\n\n".join([*_begin(report, escape), markdown_table(glance(report), escape)])


def _begin(report: Report, escape: Escape) -> Iterator[str]:
    yield f"**{escape(headline(report))}**"
    lines = [
        f"{one.value} {one.meaning}" + (f" (95 % CI {one.interval})" if one.interval not in ("", NOT_MEASURED) else "")
        for one in key_figures(report)
    ]
    if lines:
        yield bullets(lines, escape)
    why = reasons(report)
    if why:
        yield bullets(why, escape)


def bullets(lines: Iterable[str], escape: Escape) -> str:
    """A list."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def markdown_table(table: Table, escape: Escape) -> str:
    """A table below its caption."""
    align = ["---", *("---" if column in WORDS else "---:" for column in table.columns[1:])]
    lines = [[escape(cell) for cell in table.columns], align, *([escape(cell) for cell in row] for row in table.rows)]
    return f"{escape(table.caption)}:\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escaper(report: Report) -> Escape:
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
