"""The telemetry process: takes entries, keeps logs and metrics, and answers CloudWatch's clients.

It is a process of its own, so that the work on an invocation's log costs the invocations only processor time: in a
thread it would hold the interpreter's lock against them. It ends when the endpoint closes its end of the socket, or
dies.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cloudwatch.errors import CloudWatchError
from cloudwatch.logs_api import LogsApi
from cloudwatch.metrics_api import MetricsApi
from cloudwatch.protocol import Answer, Call, Model
from cloudwatch.store import Store
from lab.endpoint.process import LOG_FORMAT
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry.ingest import Ingest
from lab.endpoint.telemetry.log_groups import LogGroups

READ_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class Worker:
    """What the process does with each frame."""

    def __init__(self, folder: Path, emulator_url: str) -> None:
        self.store = Store(folder)
        self._groups = LogGroups(emulator_url)
        self._ingest = Ingest(self.store)
        self._logs_api = LogsApi(self.store, self._groups.created_ms)
        self._metrics_api = MetricsApi(self.store)
        self._model = Model()
        self._lost_batches = 0

    def take(self, batch: Sequence[Sequence[Any]]) -> None:
        """Take a batch of entries."""
        try:
            for name in entries.log_groups(batch):
                self._groups.ensure(name)
            self._ingest.take(batch, time.time())
        except Exception:  # a full disk, for example: functions go on, and the endpoint warns of the loss
            self._lost_batches += 1
            _log.exception("logs or metrics were lost")

    def answer(self, service: str, call: Call) -> Answer | None:
        """Answer a client; None where the emulator answers."""
        try:
            if service == "logs":
                return self._logs_api.answer(call.operation, call.body)
            parameters = self._model.parameters(call)
            return self._model.answer(call, self._metrics_api.operations[call.operation](parameters))
        except CloudWatchError as error:
            return self._model.error(call, error)
        except Exception as error:  # the process must outlive a bug: the client has a short answer, the log the rest
            _log.exception("%s of %s failed", call.operation, service)
            return 500, [(b"content-type", b"text/plain")], f"{type(error).__name__}: {error}".encode()

    def state(self) -> dict[str, int]:
        """What the endpoint warns of."""
        return {"refused_series": self.store.refused, "lost_batches": self._lost_batches}


def main(fd: int, folder: str, log_file: str | None = None) -> None:
    """Serve the endpoint at the other end of a socket, until it closes it. Errors are logged to ``log_file`` too."""
    files = [logging.FileHandler(log_file, encoding="utf-8")] if log_file else []
    logging.basicConfig(format=LOG_FORMAT, handlers=[logging.StreamHandler(), *files])
    connection = socket.socket(fileno=fd)
    worker = Worker(Path(folder), os.environ.pop(entries.EMULATOR_URL))
    frames = entries.Decoder()
    while data := connection.recv(READ_BYTES):
        for kind, content in frames.feed(data):
            if kind == entries.ENTRIES:
                worker.take(content)
            else:
                number, service, *call = content
                answer = worker.answer(service, Call(*call))
                connection.sendall(entries.encode(entries.ANSWER, (number, answer, worker.state())))
    worker.store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
