"""Progress of a run on stderr: a bar on a terminal, a plain line every few seconds elsewhere."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

BETWEEN_BARS_S: Final = 0.5
BETWEEN_LINES_S: Final = 5.0


class Counts(Protocol):
    """What progress shows: `lab.drive.tally.Tally`, or a fleet's `lab.fleet.parts.Arrivals`."""

    @property
    def completed(self) -> int:
        """Finished invocations."""

    @property
    def unanswered(self) -> int:
        """Those without an answer of the function."""


async def show_progress(
    counts: Counts, *, total: Callable[[], int], console: Console, remark: Callable[[], str] | None = None
) -> None:
    """Show progress until cancelled.

    Args:
        counts: the counts so far.
        total: returns how many invocations are planned.
        console: where to.
        remark: a few words at the end; by default, how many have no answer.
    """
    remark = remark or (lambda: f"{counts.unanswered:,} without answer" if counts.unanswered else "")
    begun = time.perf_counter()
    if not console.is_terminal or console.is_dumb_terminal:
        while True:
            await asyncio.sleep(BETWEEN_LINES_S)
            rate = counts.completed / (time.perf_counter() - begun)
            left = f"{(total() - counts.completed) / rate:.0f} s left" if rate else "none answered yet"
            shown = [f"{counts.completed:,} of {total():,} invocations", f"{rate:.0f}/s", left, remark()]
            console.print(f"driving: {', '.join(filter(None, shown))}", soft_wrap=True)
    columns = (
        TextColumn("driving"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    # Drawn here, twice a second: rich's own thread draws ten times a second, and each drawing delays what is sent.
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as bar:
        task = bar.add_task("driving", total=total(), rate=0.0, remark="")
        while True:
            await asyncio.sleep(BETWEEN_BARS_S)
            rate = counts.completed / (time.perf_counter() - begun)
            bar.update(task, total=total(), completed=counts.completed, rate=rate, remark=remark(), refresh=True)
