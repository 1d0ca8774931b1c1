"""The report as plain text, at most 80 columns wide unless said otherwise: for a terminal, a pipe or a log."""

import io
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from lab.analysis.model import Report
from lab.analysis.table import Table
from lab.analysis.wording import advised
from lab.records.run_file import RunWarning
from lab.report.answer import answer, how_measured
from lab.report.tables import WORDS, tables

WIDTH: Final = 80
GAP: Final = "  "


def render_text(report: Report, width: int = WIDTH) -> str:
    """The report as text without colour or control characters, at most so many columns wide."""
    page = TextPage(width)
    page.paragraph(answer(report))
    page.paragraph(" ".join(report.advice.reasons))
    for table in tables(report):
        page.table(table)
    page.warnings(report.warnings)
    page.heading("How it was measured")
    for term, text in how_measured(report):
        page.item(f"{term}: {text}")
    return page.text()


class TextPage:
    """Text that grows downwards, wrapped and aligned to so many columns."""

    def __init__(self, width: int = WIDTH) -> None:
        self._width = width
        self._file = io.StringIO()
        self._console = Console(
            file=self._file, width=width, color_system=None, force_terminal=False, emoji=False, highlight=False
        )

    def text(self) -> str:
        """What was written so far, without spaces at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._file.getvalue().splitlines()).strip("\n") + "\n"

    def paragraph(self, text: str) -> None:
        """A paragraph, and an empty line."""
        self._console.print(Text(text))
        self._console.print()

    def heading(self, text: str) -> None:
        """A line that names what follows."""
        self._console.print(Text(text))

    def item(self, text: str) -> None:
        """An entry of a list, indented after its first line."""
        grid = RichTable.grid(padding=(0, 1))
        grid.add_row(Text("-"), Text(text))
        self._console.print(grid)

    def table(self, table: Table) -> None:
        """A table below its caption; one too wide goes on below itself."""
        self.heading(table.caption)
        for line in _aligned(table, self._width):
            self._file.write(line + "\n")
        self._file.write("\n")

    def warnings(self, warnings: Sequence[RunWarning]) -> None:
        """Every warning with its advice."""
        if not warnings:
            return
        self.heading("Warnings")
        for warning in warnings:
            self.item(advised(warning))
        self._console.print()


def _aligned(table: Table, width: int) -> Iterator[str]:
    widths = [
        max(map(cell_len, [*column.split(), *(row[index] for row in table.rows)]), default=0)
        for index, column in enumerate(table.columns)
    ]
    fitting = _fitting(widths, width)
    chosen = range(fitting)
    headers = [textwrap.wrap(table.columns[index], widths[index]) for index in chosen]
    height = max(map(len, headers))
    lines = list(zip(*([""] * (height - len(header)) + header for header in headers), strict=True))
    rule = tuple("-" * widths[index] for index in chosen)
    for line in (*lines, rule, *table.rows):
        yield GAP.join(_padded(line[index], widths[index], _is_words(table, index)) for index in chosen)
    if fitting < len(widths):
        yield ""
        yield from _aligned(
            Table(
                table.caption,
                (table.columns[0], *table.columns[fitting:]),
                tuple((row[0], *row[fitting:]) for row in table.rows),
            ),
            width,
        )


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many columns fit side by side; two at least, for the first names the row."""
    ends = itertools.accumulate(width + len(GAP) for width in widths)
    return max(2, sum(end - len(GAP) <= room for end in ends))


def _padded(text: str, width: int, is_words: bool) -> str:
    space = " " * (width - cell_len(text))
    return text + space if is_words else space + text


def _is_words(table: Table, index: int) -> bool:
    return index == 0 or table.columns[index] in WORDS
