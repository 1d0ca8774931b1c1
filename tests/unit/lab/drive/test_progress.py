"""How far a run is, on stderr."""

import asyncio
import io

import pytest
from rich.console import Console

from lab.drive import progress
from lab.drive.progress import show_progress
from lab.drive.tally import Tally
from lab.drive.window import beside
from lab.records.record import Outcome


async def shown(console: Console) -> str:
    tally = Tally(("a",))
    async with beside(show_progress(tally, total=lambda: 4, console=console)):
        tally.count("a", Outcome(status="ok"))
        tally.count("a", Outcome(status="lost", error_type="ClientTimeout"))
        assert isinstance(console.file, io.StringIO)
        async with asyncio.timeout(60):
            while "without answer" not in console.file.getvalue():
                await asyncio.sleep(0.01)
    return console.file.getvalue()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "BETWEEN_LINES_S", 0.05)
    monkeypatch.setattr(progress, "BETWEEN_BARS_S", 0.05)


async def test_plain_lines_where_stderr_is_no_terminal() -> None:
    said = await shown(Console(file=io.StringIO(), width=120))

    first = said.splitlines()[0]
    assert first.startswith("driving: 2 of 4 invocations, ")
    assert "/s, " in first
    assert first.endswith("s left, 1 without answer")
    assert "\x1b" not in said


async def test_plain_lines_on_a_terminal_that_is_dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    said = await shown(Console(file=io.StringIO(), width=120, force_terminal=True))

    assert said.startswith("driving: 2 of 4 invocations, ")
    assert "\x1b" not in said


async def test_a_line_is_never_broken() -> None:
    said = await shown(Console(file=io.StringIO(), width=40))

    assert all(line.startswith("driving: ") for line in said.splitlines())


async def test_a_bar_on_a_terminal() -> None:
    said = await shown(Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None))

    assert "2/4" in said
    assert "1 without answer" in said
