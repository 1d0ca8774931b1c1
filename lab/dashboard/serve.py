"""`lab dashboard`: serves the dashboards of a run or of a local endpoint, until interrupted."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

from aiohttp import web

from facts.names import Names
from lab.dashboard.endpoint_source import EndpointSource, deployed_dashboards
from lab.dashboard.live import Live
from lab.dashboard.run_source import RunSource
from lab.dashboard.server import application
from lab.dashboard.sources import Source
from lab.endpoint.ports import listen
from lab.errors import LabError, UsageError
from lab.records.dashboards_file import DASHBOARDS_FILE, read_dashboards
from lab.records.files import S3, run_files
from lab.records.folder import RUNS
from lab.records.run_file import RUN_FILE, read_run

DEFAULT_PORT: Final = 8765
LEAST_URGENT: Final = 19
SNAPSHOT: Final = "The run had not ended when its records were fetched from S3: what has come since is not shown."


def serve_dashboard(
    run: Path | str | None,
    *,
    port: int | None,
    endpoint_url: str | None,
    say: Callable[[str], None],
    instance: str | None = None,
) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM.

    Prints ``ready http://127.0.0.1:PORT`` on standard output when requests are answered.

    ``run`` is a run's folder, or ``s3://bucket/prefix``. None: the endpoint, or without one the latest under ``runs/``;
    with an ``instance``, only the instance's dashboards and runs. The dashboards of the endpoint are drawn from what it
    has collected; with a run, from the run's records, in place of the dashboards in the run's folder. ``port`` is as in
    `lab.endpoint.ports.listen`. ``say`` takes messages for the user, a line at a time.

    Raises:
        UsageError: there is no such run, the port is in use, or a run and an instance are given.
        LabError: there are no dashboards, or S3 has no such run.
    """
    with listen(port, DEFAULT_PORT, say) as listening, opened_source(run, endpoint_url, say, instance) as source:
        asyncio.run(_serve(source, listening))


@contextlib.contextmanager
def opened_source(
    run: Path | str | None, endpoint_url: str | None, say: Callable[[str], None], instance: str | None = None
) -> Iterator[Source]:
    """The source to draw from: arguments and errors as `serve_dashboard`."""
    if run is None and endpoint_url is not None:
        yield EndpointSource(endpoint_url, Names(instance))
        return
    if run is not None and instance is not None:
        raise UsageError("--instance cannot be combined with RUN, which has its own instance; leave out one of them")
    run = latest_run(instance) if run is None else run
    in_s3 = str(run).startswith(S3)
    if in_s3:
        say(f"fetching {run}")
    with run_files(run) as files:
        if endpoint_url is None:
            dashboards = read_dashboards(files.folder)
        else:
            dashboards = deployed_dashboards(endpoint_url, Names(files.run.run.instance))
        if not dashboards:
            raise LabError(
                f"{run} has no {DASHBOARDS_FILE}, as a run of an older lab; run again, or give --endpoint-url"
                " of an endpoint with dashboards"
            )
        yield RunSource(files, dashboards, SNAPSHOT if in_s3 and not files.run.finished else "")


def latest_run(instance: str | None = None) -> Path:
    """The folder of the latest run under ``runs/``, of this instance if one is given.

    Raises `UsageError` if there is none.
    """
    for path in sorted(RUNS.glob(f"*/{RUN_FILE}"), key=lambda path: path.stat().st_mtime, reverse=True):
        if instance is None or _instance_of(path.parent) == instance:
            return path.parent
    which = "run" if instance is None else f"run of instance {instance}"
    raise UsageError(f"there is no {which} under {RUNS}/; give RUN, or make one with `lab run`")


def _instance_of(folder: Path) -> str | None:
    """The instance that a run drove; None also for a run that cannot be read."""
    try:
        return read_run(folder).run.instance
    except LabError:
        return None


async def _serve(source: Source, listening: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if source.state.kind == "run" and not source.state.finished:
        # What is being measured comes first.
        os.nice(LEAST_URGENT)
    async with serving(source, listening) as (url, reading):
        print(f"ready {url}", flush=True)  # noqa: T201
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((stopped, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()


@contextlib.asynccontextmanager
async def serving(source: Source, listening: socket.socket) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """Serve a source for as long as the context lasts, and close it: the URL, and the task that reads it on."""
    port = listening.getsockname()[1]
    with contextlib.closing(Live(source)) as live:
        runner = web.AppRunner(application(live, port), access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        reading = asyncio.create_task(live.read_on())
        try:
            await web.SockSite(runner, listening).start()
            yield f"http://127.0.0.1:{port}", reading
        finally:
            reading.cancel()
            await runner.cleanup()
