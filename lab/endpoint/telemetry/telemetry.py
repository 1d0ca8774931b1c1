"""Telemetry on the endpoint's side: the engine calls it, and it answers CloudWatch's clients."""

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
from collections import Counter
from pathlib import Path
from typing import Any, Final

from lab.endpoint.http_server import Headers, Request
from lab.endpoint.lab_api import EndpointWarning
from lab.endpoint.process import ROOT
from lab.endpoint.telemetry import entries
from lab.engine.function import FunctionVersion
from lab.engine.logs.platform_log import ReportLine

FLUSH_S: Final = 0.25
FLUSH_BYTES: Final = 64 << 10
ENTRY_BYTES: Final = 300  # about what an entry takes beside its log
MOST_WAITING_BYTES: Final = 64 << 20
STOP_LIMIT_S: Final = 5

OPERATIONS: Final = {
    "monitoring": frozenset({"PutMetricData", "ListMetrics", "GetMetricStatistics", "GetMetricData"}),
    # The emulator answers DescribeLogGroups, once all groups that were written to have been made there.
    "logs": frozenset(
        {"DescribeLogGroups", "DescribeLogStreams", "GetLogEvents", "FilterLogEvents", "DeleteLogStream"}
        | {"StartQuery", "GetQueryResults", "StopQuery", "DescribeQueries"}
    ),
}
_RPC_PATH: Final = re.compile(rb"/service/GraniteServiceVersion20100801/operation/(\w+)")

Answer = tuple[int, Headers, bytes]
ENDED: Final[Answer] = (503, [(b"content-type", b"text/plain")], b"the telemetry process has ended")


class Telemetry(asyncio.Protocol):
    """Takes what the engine reports, in its event loop, and sends it in batches to a process (see ``worker``).

    If that process falls behind, logs are dropped rather than kept in memory without bound; `warnings` says so.
    """

    def __init__(self, folder: Path, emulator_url: str, log_file: Path | None = None) -> None:
        ours, theirs = socket.socketpair()
        module = "lab.endpoint.telemetry.worker"
        command = [sys.executable, "-m", module, str(theirs.fileno()), str(folder)]
        command += [str(log_file.absolute())] if log_file else []
        environment = {**os.environ, entries.EMULATOR_URL: emulator_url}
        # A session of its own: Ctrl-C in the terminal is for the endpoint, which then ends this process.
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], cwd=ROOT, env=environment, start_new_session=True
        )
        theirs.close()
        self._socket = ours
        self._transport: asyncio.Transport | None = None
        self._frames = entries.Decoder()
        self._pending: list[tuple[Any, ...]] = []
        self._pending_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._running: Counter[str] = Counter()
        self._all_running = 0
        self._asked: dict[int, asyncio.Future[Answer | None]] = {}
        self._questions = 0
        self._dropped_bytes = 0
        self._state = {"refused_series": 0, "lost_batches": 0}

    async def start(self) -> None:
        """Connect to the process. Call it in the event loop of the engine, before any other method."""
        self._loop = asyncio.get_running_loop()
        await self._loop.create_connection(lambda: self, sock=self._socket)

    async def close(self) -> None:
        """End the process, and with it all logs and metrics."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        else:
            self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, STOP_LIMIT_S)
        self._process.kill()
        self._process.wait()

    def started(self, version: FunctionVersion) -> None:
        """See `lab.engine.telemetry.TelemetrySink`."""
        self._running[version.name] += 1
        self._all_running += 1

    def invocation(self, version: FunctionVersion, arn: str, log_stream: str, log: bytes, report: ReportLine) -> None:
        """See `lab.engine.telemetry.TelemetrySink`."""
        name = version.name
        running = self._running[name]
        self._running[name] = running - 1
        entry = (
            entries.INVOCATION,
            name,
            version.version,
            arn,
            version.log_group,
            log_stream,
            version.application_log_level if version.log_format == "JSON" else None,
            log,
            time.time(),
            report.status is not None,
            running,
            self._all_running,
            report.request_id,
            report.duration_ms,
            report.billed_ms,
            report.memory_mb,
            report.max_memory_mb,
            report.init_ms,
            report.restore_ms,
        )
        self._all_running -= 1
        self._put(entry, len(log))

    def log(self, version: FunctionVersion, log_stream: str, data: bytes) -> None:
        """See `lab.engine.telemetry.TelemetrySink`."""
        level = version.application_log_level if version.log_format == "JSON" else None
        self._put((entries.LOG, version.log_group, log_stream, level, data, time.time()), len(data))

    def throttled(self, version: FunctionVersion, arn: str) -> None:
        """See `lab.engine.telemetry.TelemetrySink`."""
        self._put((entries.THROTTLE, version.name, version.version, arn, time.time()), 0)

    async def answer(self, request: Request, service: str) -> Answer | None:
        """Answer a request of a CloudWatch or CloudWatch Logs client; None where the emulator answers.

        The answer includes everything that the engine reported before.
        """
        call = _call(request, service)
        if call is None:
            return None
        if self._transport is None:
            return ENDED
        self._flush()
        self._questions += 1
        future: asyncio.Future[Answer | None] = self._loop.create_future()
        self._asked[self._questions] = future
        self._transport.write(entries.encode(entries.REQUEST, (self._questions, service, *call)))
        return await future

    def warnings(self) -> list[EndpointWarning]:
        """What a reader of logs and metrics must know: each with ``code``, ``message`` and ``advice``."""
        found = []
        if self._dropped_bytes:
            message = f"{self._dropped_bytes} bytes of logs were dropped: they came faster than they could be kept"
            found.append(("logs_dropped", message, "log less, or lower the rate"))
        if self._state["refused_series"]:
            message = "there are too many metrics: values of new ones are not kept"
            found.append(("metrics_refused", message, "make no dimension of what differs in every request"))
        if self._state["lost_batches"]:
            found.append(("telemetry_lost", "logs and metrics could not be written", "see whether the disk is full"))
        if self._transport is None:
            found.append(("telemetry_ended", "the process that keeps logs and metrics has ended", "start again"))
        return [{"code": code, "message": message, "advice": advice} for code, message, advice in found]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected to the process."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio: answers have come."""
        for _, (number, answer, state) in self._frames.feed(data):
            self._state = state
            future = self._asked.pop(number)
            if not future.done():
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """asyncio: the process has ended."""
        self._transport = None
        for future in self._asked.values():
            if not future.done():
                future.set_result(ENDED)
        self._asked.clear()

    def _put(self, entry: tuple[Any, ...], size: int) -> None:
        self._pending.append(entry)
        self._pending_bytes += size + ENTRY_BYTES
        if self._pending_bytes > FLUSH_BYTES:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._pending = self._pending, []
        size, self._pending_bytes = self._pending_bytes, 0
        if not batch or self._transport is None:
            return
        if self._transport.get_write_buffer_size() + size > MOST_WAITING_BYTES:
            batch = self._without_logs(batch)
        self._transport.write(entries.encode(entries.ENTRIES, batch))

    def _without_logs(self, batch: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        self._dropped_bytes += sum(len(value) for entry in batch for value in entry if isinstance(value, bytes))
        return [tuple(b"" if isinstance(value, bytes) else value for value in entry) for entry in batch]


def _call(request: Request, service: str) -> tuple[str, str, bool, bytes] | None:
    """The operation that a request asks for, its protocol, whether its body is compressed, and the body."""
    wanted = OPERATIONS.get(service)
    if wanted is None:
        return None
    body = request.body
    target = request.header(b"x-amz-target")
    path, _, query = request.target.partition(b"?")
    if target is not None:
        operation, protocol = target.rpartition(".")[2], "json"
    elif match := _RPC_PATH.fullmatch(path):
        operation, protocol = match[1].decode(), "cbor"
    else:
        body = body or query
        asked = urllib.parse.parse_qs(body.decode("latin-1")).get("Action", [""])
        operation, protocol = asked[0], "query"
    if operation not in wanted:
        return None
    return operation, protocol, request.header(b"content-encoding") == "gzip", body
