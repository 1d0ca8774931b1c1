"""The telemetry process: takes entries, keeps logs and metrics, answers for them.

A process of its own, so that what it does with an invocation's log costs the invocations nothing but the processor: in
a thread it would hold the interpreter's lock against them. It ends when the endpoint closes its end of the socket, or
dies.
"""

import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cloudwatch.log_operations import Logs
from cloudwatch.log_store import LogStore
from cloudwatch.metric_operations import CloudWatch
from cloudwatch.metric_store import MetricStore
from cloudwatch.protocol import Answer, Call, CloudWatchError, Model
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry.ingest import Ingest
from lab.endpoint.telemetry.log_groups import LogGroups

READ_BYTES = 1 << 20


class Worker:
    """What the process does with each frame."""

    def __init__(self, folder: Path, emulator_url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._metrics = MetricStore(folder / "metrics.sqlite")
        self._log_store = LogStore(folder / "logs.sqlite")
        self._groups = LogGroups(emulator_url)
        self._ingest = Ingest(self._metrics, self._log_store)
        self._logs = Logs(self._log_store, self._groups)
        self._cloudwatch = CloudWatch(self._metrics)
        self._model = Model()
        self.lost_batches = 0

    def take(self, batch: Sequence[Sequence[Any]]) -> None:
        """Take a batch of entries."""
        try:
            for name in entries.log_groups(batch):
                self._groups.ensure(name)
            self._ingest.take(batch, time.time())
        except Exception as error:  # a full disk, say: what is lost is told, and functions go on
            self.lost_batches += 1
            print(f"lab: logs or metrics were lost: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201

    def answer(self, service: str, call: Call) -> Answer | None:
        """Answer a client; None where the emulator is to."""
        if service == "logs":
            return self._logs.answer(call.operation, call.body)
        try:
            parameters = self._model.parameters(call)
            return self._model.answer(call, self._cloudwatch.operations[call.operation](parameters))
        except CloudWatchError as error:
            return self._model.error(call, error)

    def state(self) -> dict[str, int]:
        """What the endpoint warns of."""
        return {"refused_series": self._metrics.refused, "lost_batches": self.lost_batches}

    def close(self) -> None:
        """Close the files."""
        self._metrics.close()
        self._log_store.close()


def main(fd: int, folder: str, emulator_url: str) -> None:
    """Serve the endpoint at the other end of a socket, until it closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=fd)
    worker = Worker(Path(folder), emulator_url)
    frames = entries.Decoder()
    while data := connection.recv(READ_BYTES):
        for kind, content in frames.feed(data):
            if kind == entries.ENTRIES:
                worker.take(content)
            else:
                number, service, *call = content
                answer = _answered(worker, service, Call(*call))
                connection.sendall(entries.encode(entries.ANSWER, (number, answer, worker.state())))
    worker.close()


def _answered(worker: Worker, service: str, call: Call) -> Answer | None:
    try:
        return worker.answer(service, call)
    except Exception as error:  # the process must outlive what nobody foresaw
        message = f"{type(error).__name__}: {error}"
        return 500, [(b"content-type", b"text/plain")], message.encode()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
