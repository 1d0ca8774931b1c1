"""Writes docs/results/recorded-behaviours.md from the marked tests: `make docs`."""

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pytest

from docs.markdown import table
from tests.recorded.behaviour import FOLDER, PLANES, Behaviour, behaviour_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "results" / "recorded-behaviours.md"
INTRODUCTION: Final = """# Recorded behaviours of AWS Lambda

Each line is one behaviour of AWS that a public recording shows, restated in our words. A test in `tests/recorded/`
checks each of them at the local endpoint. `make docs` generates this page from the marks of these tests.
[Decision 0012](../decisions/0012-recorded-behaviours.md) says where the recordings are from.

A recording that begins with a file name is in the folder `tests/aws/services/lambda_/` of the repository
`localstack/localstack`. All others begin with their repository, or describe where they were quoted."""


class Collected:
    """A plugin of pytest that keeps the behaviours that the collected tests check."""

    def __init__(self) -> None:
        self.behaviours: list[Behaviour] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called by pytest."""
        self.behaviours = [found for item in session.items if (found := behaviour_of(item)) is not None]


def collected() -> list[Behaviour]:
    """Every recorded behaviour, in the order of the tests. Only for a process without a test session.

    Raises:
        RuntimeError: the tests could not be collected.
    """
    plugin = Collected()
    with contextlib.redirect_stdout(sys.stderr):
        status = pytest.main(["--collect-only", "-qqq", str(FOLDER)], plugins=[plugin])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"pytest cannot collect {FOLDER}: {pytest.ExitCode(status).name}")
    return plugin.behaviours


def page(behaviours: Sequence[Behaviour]) -> str:
    """The page: counts, what does not hold, and everything by subject."""
    missed = [one for one in behaviours if one.differs is not None]
    parts = [
        INTRODUCTION,
        table(["plane", "recorded", "hold here", "share"], (_counts(behaviours, plane) for plane in PLANES)),
        "## What does not hold here",
        table(["plane", "AWS", "why it differs"], ([one.plane, one.says, str(one.differs)] for one in missed)),
    ]
    for plane in PLANES:
        parts.append(f"## The {plane} plane")
        of_plane = [one for one in behaviours if one.plane == plane]
        for subject in dict.fromkeys(one.subject for one in of_plane):
            rows = ([_holds(one), one.says, one.source] for one in of_plane if one.subject == subject)
            parts += [f"### {subject[0].upper()}{subject[1:]}", table(["holds", "AWS", "recorded in"], rows)]
    return "\n\n".join(parts) + "\n"


def _counts(behaviours: Iterable[Behaviour], plane: str) -> list[str]:
    of_plane = [one for one in behaviours if one.plane == plane]
    held = sum(one.differs is None for one in of_plane)
    share = f"{held / len(of_plane):.0%}" if of_plane else "-"
    return [plane, str(len(of_plane)), str(held), share]


def _holds(one: Behaviour) -> str:
    return "yes" if one.differs is None else "no"


if __name__ == "__main__":
    text = page(collected())
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(text)
    else:
        PAGE.write_text(text, encoding="utf-8")
