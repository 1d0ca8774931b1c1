"""How far a run is, on stderr: a bar on a terminal, a plain line now and then elsewhere."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

BETWEEN_BARS_S: Final = 0.5
BETWEEN_LINES_S: Final = 5.0


class Tallied(Protocol):
    """What progress is told of."""

    @property
    def completed(self) -> int:
        """Invocations that are over."""

    @property
    def unanswered(self) -> int:
        """Those of them that brought no answer of the function."""


async def show_progress(
    tally: Tallied, *, total: int, console: Console, remark: Callable[[], str] | None = None
) -> None:
    """Show how far the run is until cancelled.

    Args:
        tally: the counts so far.
        total: planned invocations.
        console: where to.
        remark: a few words to end with; by default, how many had no answer.
    """
    remark = remark or (lambda: f"{tally.unanswered:,} without answer" if tally.unanswered else "")
    if console.is_terminal and not console.is_dumb_terminal:
        await _show_bar(tally, total, console, remark)
    else:
        await _show_lines(tally, total, console, remark)


async def _show_bar(tally: Tallied, total: int, console: Console, remark: Callable[[], str]) -> None:
    columns = (
        TextColumn("driving"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    begun = time.perf_counter()
    # Drawn here, seldom: rich's own thread would draw ten times a second, and a drawing delays what is sent meanwhile.
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as bar:
        task = bar.add_task("driving", total=total, rate=0.0, remark="")
        while True:
            await asyncio.sleep(BETWEEN_BARS_S)
            rate = tally.completed / (time.perf_counter() - begun)
            bar.update(task, completed=tally.completed, rate=rate, remark=remark(), refresh=True)


async def _show_lines(tally: Tallied, total: int, console: Console, remark: Callable[[], str]) -> None:
    begun = time.perf_counter()
    while True:
        await asyncio.sleep(BETWEEN_LINES_S)
        passed = time.perf_counter() - begun
        rate = tally.completed / passed
        left = f"{(total - tally.completed) / rate:.0f} s left" if rate else "none answered yet"
        told = [f"{tally.completed:,} of {total:,} invocations", f"{rate:.0f}/s", left, *filter(None, [remark()])]
        console.print(f"driving: {', '.join(told)}", soft_wrap=True)
