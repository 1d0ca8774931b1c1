"""The report as plain text, at most 80 columns wide unless said otherwise: for a terminal, a pipe or a log."""

import io
import itertools
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from lab.analysis.model import Report
from lab.analysis.table import Table
from lab.analysis.wording import NOT_MEASURED, advised, listed, shown
from lab.records.run_file import RunWarning
from lab.report.brief import KeyFigure, excluded, glance, headline, key_figures, reasons, warnings_that_matter
from lab.report.how_measured import how_measured
from lab.report.tables import WORDS, tables

WIDTH: Final = 80
GAP: Final = "  "
LEAST_FOLDED: Final = 14
"""Columns to which words at the end of a row are folded at most, so that a table stays in one piece."""


def render_text(report: Report, width: int = WIDTH, *, full: bool = False, place: str = "RUN") -> str:
    """The report as text without colour or control characters.

    Args:
        report: what is shown.
        width: how many columns the text has at most.
        full: with every table and how it was measured.
        place: the run's folder, to name it where the text says how to see the rest.
    """
    page = TextPage(width)
    begin(page, report, full=full)
    warnings = report.warnings if full else warnings_that_matter(report)
    page.warnings(warnings)
    every = tables(report)
    if not report.from_logs:
        page.table(glance(report))
    elif not full:
        page.table(every[0])
    if not full:
        page.more(_more(report, len(report.warnings) - len(warnings), place))
        return page.text()
    page.excluded(report)
    for table in every:
        page.table(table)
    page.heading("How it was measured")
    for term, text in how_measured(report):
        page.item(f"{term}: {text}")
    return page.text()


def begin(page: "TextPage", report: Report, *, full: bool) -> None:
    """The sentence, then the four figures or why there are none; ``full``: the reasons with the figures."""
    page.paragraph(headline(report))
    figures = key_figures(report)
    if figures:
        page.figures(figures)
    if full or not figures:
        page.list(reasons(report))


def _more(report: Report, others: int, place: str) -> Iterator[str]:
    alternatives = report.advice.alternatives
    if alternatives:
        yield f"As good, or not distinguishable from it: {listed(alternatives)}"
    warnings = f" and {others} more warning{'' if others == 1 else 's'}" if others else ""
    place = shlex.quote(shown(place, 200))
    yield f"All tables{warnings}: lab report {place} --full"
    yield f"Page with charts: lab report {place} --format html --output report.html"


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

    def list(self, lines: Sequence[str]) -> None:
        """A list, and an empty line; nothing of an empty one."""
        for line in lines:
            self.item(line)
        if lines:
            self._console.print()

    def more(self, lines: Iterable[str]) -> None:
        """Lines of their own; a command in them is not broken if it fits."""
        for line in lines:
            self._console.print(Text(line))

    def excluded(self, report: Report) -> None:
        """The variants that are not recommended, and why; nothing where there is none."""
        lines = list(excluded(report))
        if lines:
            self.heading("Not recommended")
            self.list(lines)

    def figures(self, figures: Sequence[KeyFigure]) -> None:
        """Figures below one another, and an empty line."""
        grid = RichTable.grid(padding=(0, 2))
        for one in figures:
            ends = f" (95 % CI {one.interval})" if one.interval not in ("", NOT_MEASURED) else ""
            grid.add_row(Text(f"  {one.value}"), Text(f"{one.meaning}{ends}"))
        self._console.print(grid)
        self._console.print()

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
    if len(widths) > 1 and table.columns[-1] in WORDS:
        room = width - sum(widths[:-1]) - len(GAP) * (len(widths) - 1)
        widths[-1] = min(widths[-1], max(room, min(LEAST_FOLDED, width - widths[0] - len(GAP))))
    fitting = _fitting(widths, width)
    chosen = range(fitting)
    headers = [textwrap.wrap(table.columns[index], widths[index]) for index in chosen]
    height = max(map(len, headers))
    lines = list(zip(*([""] * (height - len(header)) + header for header in headers), strict=True))
    rule = tuple("-" * widths[index] for index in chosen)
    for line in (*lines, rule, *_folded(table, chosen, widths)):
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


def _folded(table: Table, chosen: Iterable[int], widths: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """The rows as lines; words that are too long for their column go on below."""
    for row in table.rows:
        cells = [
            textwrap.wrap(row[index], widths[index]) if cell_len(row[index]) > widths[index] else [row[index]]
            for index in chosen
        ]
        yield from itertools.zip_longest(*cells, fillvalue="")


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many columns fit side by side; two at least, for the first names the row."""
    ends = itertools.accumulate(width + len(GAP) for width in widths)
    return max(2, sum(end - len(GAP) <= room for end in ends))


def _padded(text: str, width: int, is_words: bool) -> str:
    space = " " * (width - cell_len(text))
    return text + space if is_words else space + text


def _is_words(table: Table, index: int) -> bool:
    return index == 0 or table.columns[index] in WORDS
