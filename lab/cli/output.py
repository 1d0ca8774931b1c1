"""What commands print: data on stdout, messages on stderr."""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from lab.analysis.model import Question

PAGE_WIDTH: Final = 80  # columns of lab.report.as_text, which is imported late
SILENT_S: Final = 2.0
BETWEEN_MESSAGES_S: Final = 10.0


def say(line: str) -> None:
    """Print a message to stderr."""
    click.echo(line, err=True)


def print_text(text: str) -> None:
    """Print data to stdout, with one newline at its end."""
    click.echo(text, nl=not text.endswith("\n"))


def page_width() -> int:
    """The width of a page in columns: 80, or that of a narrower terminal."""
    return min(PAGE_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else PAGE_WIDTH


def print_comparison(folder: Path, asked: "Question | None" = None) -> None:
    """Print the report of a run that has just been written; ``asked``: what its recommendation is for."""
    from lab.report.render import render

    with waiting(f"reading {folder}"):
        text = render(folder, "text", page_width(), question=asked)
    print_text(text)


@contextlib.contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Print from time to time what the block does, if it takes longer than two seconds."""
    ended, began = threading.Event(), time.monotonic()

    def report() -> None:
        silent_s = SILENT_S
        while not ended.wait(silent_s):
            say(f"{doing}: {time.monotonic() - began:.0f} s so far")
            silent_s = BETWEEN_MESSAGES_S

    thread = threading.Thread(target=report, name="waiting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
