"""``lab serve``: the local endpoint, until interrupted."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from lab.endpoint.control_secret import published_secret
from lab.endpoint.deployments.functions import Functions
from lab.endpoint.emulator.account import REGION
from lab.endpoint.emulator.emulator import Emulator
from lab.endpoint.front_door import FrontDoor
from lab.endpoint.http_server import HttpServer
from lab.endpoint.leftovers import claimed_folder, remove_leftovers
from lab.endpoint.ports import listen
from lab.endpoint.process import LOG_FORMAT, STOPPED
from lab.endpoint.profiles import Profile
from lab.endpoint.telemetry.telemetry import Telemetry
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine
from lab.engine.sandbox.isolation import HOW_TO_PROTECT, NOTHING_PROTECTED
from lab.engine.settings import EngineSettings
from lab.errors import UsageError

DEFAULT_PORT = 4566
READABLE = 0o022  # functions, which are another user, read what is unpacked for them; the folders around are private


def serve(
    port: int | None,
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
    from INFO. ``port`` is as in `lab.endpoint.ports.listen`. Raises `UsageError` if the port is in use, or ``log_file``
    cannot be written; `LabError` if the emulator did not start, or the secret cannot be written.
    """
    _configure_logging(log_file, verbose=verbose)
    # The endpoint and its processes call this machine only, with secrets that no proxy may see.
    os.environ["no_proxy"] = "*"
    os.umask(READABLE)
    with listen(port, DEFAULT_PORT, lambda line: print(f"lab: {line}", file=sys.stderr)) as listener:  # noqa: T201
        asyncio.run(_serve(listener, profile, settings, log_file, leash=leash))


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


async def _serve(
    listener: socket.socket, profile: Profile, settings: EngineSettings, log_file: Path | None, *, leash: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if leash:
        loop.add_reader(0, _leash, loop, stop)
    remove_leftovers()
    with claimed_folder() as folder:
        await _serve_in(folder, listener, profile, settings, stop, log_file=log_file)


def _leash(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(0, 1):
        loop.remove_reader(0)
        stop.set()


async def _serve_in(
    folder: Path,
    listener: socket.socket,
    profile: Profile,
    settings: EngineSettings,
    stop: asyncio.Event,
    *,
    log_file: Path | None,
) -> None:
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    door: FrontDoor | None = None
    server = HttpServer(lambda request, respond: door.answer(request, respond) if door else respond(503, [], b""))
    async with contextlib.AsyncExitStack() as stack:
        secret = stack.enter_context(published_secret(port))
        emulator = stack.enter_context(contextlib.closing(Emulator(folder / "emulator", url, secret)))
        telemetry = Telemetry(folder / "telemetry", emulator.url, log_file)
        wire = Wire(emulator.url, profile, telemetry)
        stack.push_async_callback(wire.close)
        stack.push_async_callback(telemetry.close)
        await telemetry.start()
        engine = Engine(folder, {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION}, settings, telemetry)
        stack.callback(engine.close)
        if not engine.isolation.confines:
            print(f"lab: {NOTHING_PROTECTED}; {HOW_TO_PROTECT}", file=sys.stderr)  # noqa: T201
        stack.callback(server.close)
        await server.start(listener)
        await asyncio.to_thread(emulator.wait_until_ready)
        door = FrontDoor(engine, Functions(emulator.url, folder), wire, secret, clock_speed=settings.clock_speed)
        stack.push_async_callback(door.close)
        stack.callback(server.close)
        print(f"ready {url}", flush=True)  # noqa: T201
        await stop.wait()
    print(STOPPED, file=sys.stderr)  # noqa: T201
