"""What `lab dashboard` costs: `python -m tests.bench.bench_dashboard [--out FILE]`.

The records are the SYNTHETIC ones of `tests/bench/bench_report.py`: nothing was run for them.

First paint is a browser's: from the request of the page to the frame in which its widgets have their data, in a
browser that is new, with the records read already. What a run that goes on costs is the processor time of the server
by the kernel's count, over a fixed time, while records come at 1,000 a second and one page follows them (here a client
that asks for what the page asks for, when the page would).
"""

import argparse
import contextlib
import http.client
import json
import os
import platform
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
from selenium.webdriver.support.ui import WebDriverWait

from tests.bench.bench_report import VARIANTS, cpu_model, write_synthetic
from tests.browser.chromium import chromium
from tests.served_dashboard import served_dashboard
from tests.shown_run import add_dashboards, synthesized_dashboards

A_SECOND: Final = 1000
"""Records that come while a run goes on."""

STEPS: Final = 10
"""A second, in which they come."""

SETTLE_S: Final = 6.0
NEARLY: Final = 0.98
TICK: Final = os.sysconf("SC_CLK_TCK")
DRAWN: Final = "return performance.getEntriesByName('drawn').map((mark) => mark.startTime)[0] ?? null"


class Painted(NamedTuple):
    """One page, opened in a new browser and again."""

    records: int
    file_mb: float
    read_s: float
    first_s: float
    again_s: float
    memory_mib: float


class Followed(NamedTuple):
    """One run that goes on."""

    before: int
    seconds: float
    processor_s: float
    drawn: int

    @property
    def share(self) -> float:
        """Of one processor."""
        return self.processor_s / self.seconds


class Server(NamedTuple):
    """A dashboard that is served."""

    url: str
    pid: int

    def processor_s(self) -> float:
        """What it has used, both modes, all threads (proc(5), fields 14 and 15 of `stat`)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory_mib(self) -> float:
        """Its resident memory by now."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def news(self) -> Iterator[dict[str, Any]]:
        """The news that the server sends to its pages."""
        with urllib.request.urlopen(f"{self.url}/events") as events:  # noqa: S310 - our own
            for line in events:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))

    def wait_until_read(self, share: float = 1.0) -> None:
        """Wait until so much of the file has been read."""
        next(news for news in self.news() if news["share"] >= share and news["records"])


@contextlib.contextmanager
def serving(run_dir: Path) -> Iterator[Server]:
    """The dashboard of a run, watched."""
    with served_dashboard(run_dir) as (url, pid):
        yield Server(url, pid)


def paint(count: int) -> Painted:
    """Open the page of a finished run of so many records."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        run_dir = Path(folder) / "run"
        file_mb = write_synthetic(run_dir, count, A_SECOND / len(VARIANTS))
        add_dashboards(run_dir, synthesized_dashboards(Path(folder) / "out", memory_mb=512))
        with serving(run_dir) as server, _browser(Path(folder) / "profile") as open_page:
            began = time.perf_counter()
            server.wait_until_read()
            read_s = time.perf_counter() - began
            first_s, again_s = open_page(server.url), open_page(server.url)
            return Painted(count, file_mb, read_s, first_s, again_s, server.memory_mib())


@contextlib.contextmanager
def _browser(profile: Path) -> Iterator[Callable[[str], float]]:
    """A new Chromium: opens a page, and returns the seconds until its widgets had their data."""
    with chromium(profile) as browser:

        def open_page(url: str) -> float:
            browser.get(url)
            wait = WebDriverWait(browser, 60, poll_frequency=0.05, ignored_exceptions=())
            return float(wait.until(lambda found: found.execute_script(DRAWN))) / 1000

        yield open_page


def follow(before: int, seconds: float) -> Followed:
    """Let a run of so many records go on, and follow it."""
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        run_dir = Path(folder) / "run"
        to_come = round((seconds + SETTLE_S + 60) * A_SECOND)
        write_synthetic(run_dir, before + to_come, A_SECOND / len(VARIANTS))
        content = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
        (run_dir / "run.json").write_text(json.dumps(content | {"finished": False}))
        fresh = _cut(run_dir / "records.jsonl", before)
        add_dashboards(run_dir, synthesized_dashboards(Path(folder) / "out", memory_mb=512))
        with serving(run_dir) as server, _growing(run_dir / "records.jsonl", fresh):
            page = _Page(server)
            server.wait_until_read(NEARLY)
            page.start()
            time.sleep(SETTLE_S)
            processor_s, drawn, began = server.processor_s(), page.drawn, time.perf_counter()
            time.sleep(seconds)
            return Followed(
                before=before,
                seconds=time.perf_counter() - began,
                processor_s=server.processor_s() - processor_s,
                drawn=page.drawn - drawn,
            )


def _cut(path: Path, count: int) -> list[bytes]:
    """Take the lines after the first ``count`` out of a file."""
    with path.open("rb+") as file:
        kept = sum(len(file.readline()) for _ in range(count))
        fresh = file.readlines()
        file.truncate(kept)
    return fresh


@contextlib.contextmanager
def _growing(path: Path, lines: Sequence[bytes]) -> Iterator[None]:
    """A file to which lines are appended meanwhile, `A_SECOND` a second."""
    stop = threading.Event()

    def grow() -> None:
        step = A_SECOND // STEPS
        began = time.perf_counter()
        with path.open("ab") as file:
            for number, at in enumerate(range(0, len(lines), step)):
                if stop.wait(max(0.0, began + number / STEPS - time.perf_counter())):
                    return
                file.writelines(lines[at : at + step])
                file.flush()

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class _Page(threading.Thread):
    """Asks for what the page asks for, at each piece of news."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.drawn = 0

    def run(self) -> None:
        """Follow until the server goes."""
        version: object = None
        with contextlib.suppress(OSError, http.client.HTTPException):
            for news in self._server.news():
                if news["version"] != version:
                    version = news["version"]
                    with urllib.request.urlopen(f"{self._server.url}/data") as answer:  # noqa: S310 - our own
                        answer.read()
                    self.drawn += 1


def document(painted: Sequence[Painted], followed: Sequence[Followed]) -> str:
    """The measurements as Markdown."""
    processors = os.cpu_count() or 1
    return "\n".join(
        [
            "# What the dashboard costs",
            "",
            "SYNTHETIC records: no function was run for them. By `make bench-dashboard`, on",
            f"{processors} CPUs ({cpu_model()}), {platform.system()} {platform.release()},",
            f"Python {platform.python_version()}, DuckDB {duckdb.__version__}",
            f"(load average then: {os.getloadavg()[1]:.1f}).",
            "",
            "From the request of the page to the frame in which its widgets have data; the records have been read:",
            "",
            "| records | records.jsonl, MB | reading them, s | first visit of a new browser, s | again, s"
            " | memory of the server, MiB |",
            "|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {one.records:,} | {one.file_mb:,.0f} | {one.read_s:.1f} | {one.first_s:.2f} | {one.again_s:.2f} |"
                f" {one.memory_mib:,.0f} |"
                for one in painted
            ),
            "",
            f"A run that goes on, {A_SECOND:,} records a second, one page that follows; processor time of the server,",
            "which has the lowest priority:",
            "",
            "| records before | measured for, s | page drawn again, times | of one processor | of the machine |",
            "|---:|---:|---:|---:|---:|",
            *(
                f"| {one.before:,} | {one.seconds:.0f} | {one.drawn} | {one.share:.1%} | {one.share / processors:.1%} |"
                for one in followed
            ),
            "",
        ]
    )


def main() -> None:
    """Measure, and show the tables."""
    parser = argparse.ArgumentParser(description="What the dashboard of SYNTHETIC records costs.")
    parser.add_argument("--paint", nargs="*", type=int, default=[100_000, 1_000_000], metavar="RECORDS")
    parser.add_argument("--follow", nargs="*", type=int, default=[0, 300_000, 1_000_000], metavar="RECORDS")
    parser.add_argument("--seconds", type=float, default=30.0, help="for which a run is followed")
    parser.add_argument("--out", type=Path, help="write the tables there")
    arguments = parser.parse_args()
    painted = [paint(count) for count in arguments.paint]
    followed = [follow(count, arguments.seconds) for count in arguments.follow]
    text = document(painted, followed)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
