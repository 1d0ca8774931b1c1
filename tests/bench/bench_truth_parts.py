"""What the parts of `bench_truth` share: rows of the table, kept results, a local endpoint with the application."""

import contextlib
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from facts.sources import SOURCES
from lab.endpoint.process import ROOT, started_endpoint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: what is claimed, the bar, what was found, and whether it is enough."""

    claim: str
    bar: str
    found: str
    met: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """A table below the rows."""

    title: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Result(NamedTuple):
    """What a part found: rows, raw figures for the JSON file, further tables; empty if nothing was measured."""

    rows: Sequence[Row] = ()
    raw: Any = None
    tables: Sequence[Table] = ()


class Part(Protocol):
    """A part of the demonstration.

    `measure` does what is missing in the folder, a unit at a time, so that it can be stopped and continued; ``small``
    does only enough to see that it works.
    """

    def measure(self, folder: Path, *, small: bool) -> None:
        """Measure what the folder lacks."""

    def rows(self, folder: Path) -> Result:
        """Judge what the folder holds."""


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201


def percent(share: float, digits: int = 0) -> str:
    """A share in percent."""
    return f"{share * 100:.{digits}f} %"


def keep(path: Path, content: Any) -> None:
    """Write a result whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content))
    partial.rename(path)


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return a result that was kept, or make and keep it."""
    if not path.exists():
        keep(path, make())
    return json.loads(path.read_text())


def kept_in(folder: Path, pattern: str) -> list[Any]:
    """Return all kept results of a pattern, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob(pattern))]


@contextlib.contextmanager
def deployed(*options: str, source: str = SOURCES[0], context: dict[str, Any]) -> Iterator[str]:
    """Start an endpoint (options of `lab serve`) and deploy the application with these settings. Yields its URL."""
    with started_endpoint(options=options) as url:
        settings = [text for name, value in context.items() for text in ("-c", f"{name}={value}")]
        lab("deploy", "--endpoint-url", url, "--source", source, *settings)
        yield url


def lab(*arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run `lab` as a user would. Ends the bench if it returns another exit code."""
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"lab {' '.join(arguments)} returned {done.returncode}:\n{done.stderr}")
    return done
