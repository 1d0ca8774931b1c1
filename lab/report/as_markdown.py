"""The report as GitHub-flavoured Markdown: for a pull request, an issue or a results file."""

import re
from collections.abc import Sequence

from lab.analysis.choice import advice
from lab.analysis.model import Report
from lab.analysis.table import Table
from lab.analysis.wording import advised
from lab.records.run_file import RunWarning
from lab.report.answer import answer, how_measured
from lab.report.tables import WORDS, tables

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#~&$])")


def render_markdown(report: Report) -> str:
    """The report as Markdown. Whatever the files held is escaped: it can make neither markup nor HTML."""
    advised_of = advice(report)
    parts = [
        f"**{_escaped(answer(report))}**",
        *([f"**{_escaped(advised_of.claim)}** {_escaped(advised_of.reasons)}"] if advised_of else []),
        *(_table(table) for table in tables(report)),
        *([_warnings(report.warnings)] if report.warnings else []),
        "How it was measured:\n\n"
        + "\n".join(f"- {_escaped(term)}: {_escaped(text)}" for term, text in how_measured(report)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    align = ["---", *("---" if column in WORDS else "---:" for column in table.columns[1:])]
    lines = [table.columns, align, *table.rows]
    cells = "\n".join(
        "| " + " | ".join(_escaped(cell) if line is not align else cell for cell in line) + " |" for line in lines
    )
    return f"{_escaped(table.caption)}:\n\n{cells}"


def _warnings(warnings: Sequence[RunWarning]) -> str:
    return "Warnings:\n\n" + "\n".join(f"- {_escaped(advised(warning))}" for warning in warnings)


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", text)
