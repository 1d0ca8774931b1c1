"""`lab dashboard` as a process of its own or in a thread of this one: for tests of its page, pictures, benchmark."""

import asyncio
import concurrent.futures
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from lab.dashboard.run_source import RunSource
from lab.dashboard.serve import serving
from lab.dashboard.sources import Source
from lab.records.dashboards_file import read_dashboards
from lab.records.files import run_files

ROOT = Path(__file__).parents[1]


class Served(NamedTuple):
    """Where the page is, and the process that serves it."""

    url: str
    pid: int


@contextlib.contextmanager
def served_dashboard(run: Path) -> Iterator[Served]:
    """The command, as a user starts it, on a free port."""
    command = [sys.executable, "-m", "lab", "dashboard", str(run), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process.stdout.readline().split()[1], process.pid)
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def served_run(run: Path) -> Iterator[str]:
    """The URL of a run's dashboards, served by a thread of this process."""
    with run_files(run) as files, served_source(lambda: RunSource(files, read_dashboards(run))) as url:
        yield url


@contextlib.contextmanager
def served_source(make: Callable[[], Source]) -> Iterator[str]:
    """As `served_run`, of any source."""
    ready: concurrent.futures.Future[tuple[str, Callable[[], object]]] = concurrent.futures.Future()

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            with socket.create_server(("127.0.0.1", 0)) as listening:
                async with serving(make(), listening) as (url, _):
                    ready.set_result((url, lambda: loop.call_soon_threadsafe(stop.set)))
                    await stop.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        url, stop = ready.result(60)
        try:
            yield url
        finally:
            stop()
    finally:
        thread.join()
