"""``lab serve``: the local endpoint, until interrupted."""

import asyncio
import errno
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

from lab.endpoint.deployments.functions import Functions
from lab.endpoint.emulator.emulator import REGION, Emulator
from lab.endpoint.front_door import FrontDoor
from lab.endpoint.http_server import HttpServer
from lab.endpoint.process import LOG_FORMAT, STOPPED
from lab.endpoint.profiles import Profile
from lab.endpoint.telemetry.telemetry import Telemetry
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine
from lab.engine.settings import EngineSettings
from lab.errors import UsageError


def serve(
    port: int,
    profile: Profile,
    settings: EngineSettings,
    *,
    leash: bool = False,
    log_file: Path | None = None,
    verbose: bool = False,
) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM, or with ``leash`` until standard input closes.

    Prints ``ready http://127.0.0.1:PORT`` on standard output when requests are answered. Writes errors with their
    tracebacks to standard error, unless ``verbose``: then the command line logs there. ``log_file`` gets every message
    from INFO. Raises `UsageError` if the port is in use, or ``log_file`` cannot be written; `LabError` if the emulator
    did not start.
    """
    _configure_logging(log_file, verbose=verbose)
    asyncio.run(_serve(port, profile, settings, log_file, leash=leash))


def _configure_logging(log_file: Path | None, *, verbose: bool) -> None:
    handlers: list[logging.Handler] = []
    if not verbose:
        handlers.append(logging.StreamHandler())
        handlers[0].setLevel(logging.ERROR)
    if log_file is not None:
        try:
            handlers.append(logging.FileHandler(log_file, encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"cannot write the log file {log_file}: {error.strerror}") from None
        for name in ("lab", "cloudwatch"):
            logger = logging.getLogger(name)
            logger.setLevel(min(logger.level or logging.INFO, logging.INFO))
    logging.basicConfig(format=LOG_FORMAT, level=logging.INFO, handlers=handlers)


async def _serve(port: int, profile: Profile, settings: EngineSettings, log_file: Path | None, *, leash: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if leash:
        loop.add_reader(0, _leash, loop, stop)
    with tempfile.TemporaryDirectory(prefix="cache-lab-", ignore_cleanup_errors=True) as folder:
        await _serve_in(Path(folder), port, profile, settings, stop, log_file=log_file)


def _leash(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(0, 1):
        loop.remove_reader(0)
        stop.set()


async def _serve_in(
    folder: Path, port: int, profile: Profile, settings: EngineSettings, stop: asyncio.Event, *, log_file: Path | None
) -> None:
    emulator = Emulator(folder / "emulator")
    telemetry = Telemetry(folder / "telemetry", emulator.url, log_file)
    wire = Wire(emulator.url, profile, telemetry)
    engine: Engine | None = None
    door: FrontDoor | None = None

    server = HttpServer(lambda request, respond: door.answer(request, respond) if door else respond(503, [], b""))
    try:
        bound = await _listen(server, port)
        url = f"http://127.0.0.1:{bound}"
        emulator.announce(url)
        engine = Engine(folder, {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION}, settings, telemetry)
        await telemetry.start()
        await asyncio.to_thread(emulator.wait_until_ready)
        door = FrontDoor(engine, Functions(emulator.url, folder), wire, clock_speed=settings.clock_speed)
        print(f"ready {url}", flush=True)  # noqa: T201
        await stop.wait()
    finally:
        server.close()
        if door is not None:
            await door.close()
        if engine is not None:
            engine.close()
        await telemetry.close()
        await wire.close()
        emulator.close()
    print(STOPPED, file=sys.stderr)  # noqa: T201


async def _listen(server: HttpServer, port: int) -> int:
    try:
        return await server.start(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is in use: give another with --port, or 0 for a free one") from None
        raise UsageError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}") from None
