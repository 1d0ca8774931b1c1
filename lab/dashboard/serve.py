"""``lab dashboard``: serves the dashboards of a run, until interrupted."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from cloudwatch.dashboard import Dashboard, read_dashboard
from cloudwatch.refusal import RefusedError
from lab.dashboard.bodies import Body, deployed, synthesized
from lab.dashboard.live import LiveRun
from lab.dashboard.server import application
from lab.dashboard.shown_run import chosen_run, is_in_s3, read_content
from lab.errors import LabError, UsageError

LEAST_URGENT: Final = 19


SNAPSHOT: Final = "The run had not ended when its records were fetched from S3: what has come since is not shown."


def serve_dashboard(run: Path | str | None, *, port: int, endpoint_url: str | None, say: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM.

    Prints ``ready http://127.0.0.1:PORT`` on standard output when requests are answered.

    Args:
        run: the run's folder, or ``s3://bucket/prefix``; None: the latest under ``runs/``.
        port: where to listen; 0 takes a free one.
        endpoint_url: a local endpoint whose deployed dashboards are drawn; None: those that would be deployed.
        say: takes words for the user, a line at a time.

    Raises:
        UsageError: there is no such run, or the port is in use.
        LabError: there are no dashboards, or S3 has no such run.
    """
    with _listening(port) as listening:
        if is_in_s3(run):
            say(f"fetching {run}")
        with chosen_run(run) as folder:
            bodies, remark = _bodies(folder, endpoint_url, say)
            if is_in_s3(run) and not read_content(folder).finished:
                remark = f"{remark} {SNAPSHOT}".strip()
            asyncio.run(_serve(folder, listening, _read(bodies), remark))


def _listening(port: int) -> socket.socket:
    """The port, taken before anything that lasts is done."""
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is in use: give another with --port, or 0 for a free one") from None
        raise UsageError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}") from None
    return listening


def _bodies(folder: Path, endpoint_url: str | None, say: Callable[[str], None]) -> tuple[Sequence[Body], str]:
    """The bodies, and what the page is to say of them."""
    if endpoint_url is not None:
        return deployed(endpoint_url), ""
    context = read_content(folder).context
    say("reading the dashboards of the application (some seconds, when it has changed)")
    try:
        return synthesized(context), ""
    except LabError as error:
        if not context:
            raise
        remark = f"The application does not take the run's own settings; the dashboards have its defaults. ({error})"
        return synthesized({}), remark


def _read(bodies: Sequence[Body]) -> list[Dashboard]:
    try:
        return [read_dashboard(body.name, body.text) for body in bodies]
    except RefusedError as refusal:
        raise LabError(f"a dashboard cannot be drawn: {refusal}; deploy the application anew") from None


async def _serve(folder: Path, listening: socket.socket, dashboards: Sequence[Dashboard], remark: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    run = LiveRun(folder)
    if not run.content.finished:
        # What is being measured comes first.
        os.nice(LEAST_URGENT)
    port = listening.getsockname()[1]
    runner = web.AppRunner(application(run, dashboards, remark, port), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    reading = asyncio.create_task(run.read_on())
    try:
        await web.SockSite(runner, listening).start()
        print(f"ready http://127.0.0.1:{port}", flush=True)  # noqa: T201
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((stopped, reading), return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()
    finally:
        reading.cancel()
        run.close()
        await runner.cleanup()
