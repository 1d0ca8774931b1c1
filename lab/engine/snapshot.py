"""SnapStart: one initialised process a published version, which environments are restored from by fork."""

import asyncio
import enum
import json
import logging
import time
from collections.abc import Callable

from lab.engine.environment import Services, log_stream_name
from lab.engine.function import FunctionVersion, lambda_environment
from lab.engine.invocation import Fault
from lab.engine.logs.buffer import LogBuffer
from lab.engine.runtime import channel

SNAPSHOT_INIT_LIMIT_S = 130.0
MAX_REASON = 200  # characters; a function can write anything there

log = logging.getLogger(__name__)


class SnapshotState(enum.Enum):
    """Whether environments can be restored from it."""

    PENDING = "pending"
    READY = "ready"
    REFUSED = "refused"  # it cannot be copied: environments are started cold, and the reason is in `reason`
    FAILED = "failed"  # init or a before-snapshot hook failed: on AWS, the version is Failed
    ENDED = "ended"  # its process has ended: environments are started cold


class Snapshot:
    """The snapshot of a version: its init runs once, here. One that is refused or has failed ends at once."""

    def __init__(self, version: FunctionVersion, services: Services) -> None:
        self.state = SnapshotState.PENDING
        self.reason = ""
        self._failure: tuple[str, str | None] = ("error", Fault.EXIT.value)  # of a failed init: its status and type
        self._lines = services.lines
        self._telemetry = services.telemetry
        self._version = version
        self._log_stream = log_stream_name(version.version)
        self._log = LogBuffer(self._pass_on)
        self.sandbox = services.make_sandbox([], on_frame=self._frame, on_exit=self._exited, on_log=self._log.write)
        self._waiting: list[Callable[[], None]] = []
        self._began = time.perf_counter()
        self._settled_at = self._began
        paths = self.sandbox.layout.paths
        self._credentials = services.make_credentials()
        self._forget_credentials = services.forget_credentials
        env = lambda_environment(version, log_stream=self._log_stream, paths=paths) | self._credentials
        self.sandbox.start(env | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
        self._log.write_lines(self._lines.init_start())
        loop = asyncio.get_running_loop()
        self._limit_s = max(SNAPSHOT_INIT_LIMIT_S, version.timeout_s)
        self._timer = loop.call_later(self._limit_s, self._took_too_long)

    def when_settled(self, call: Callable[[], None]) -> None:
        """Call once the snapshot is ready, refused or failed."""
        if self.state is SnapshotState.PENDING:
            self._waiting.append(call)
        else:
            call()

    def age_s(self) -> float:
        """How long ago it was settled."""
        return time.perf_counter() - self._settled_at

    def end(self) -> None:
        """End the process, and with it the environments that were restored from it."""
        self._forget_credentials(self._credentials)
        self._settle(SnapshotState.ENDED, "the version is no longer deployed")

    def _frame(self, kind: int, _head: bytes, body: bytes) -> None:
        if self.state is not SnapshotState.PENDING:
            return  # what came along with the frame that settled it
        if kind == channel.SNAPSHOT:
            self.sandbox.read_log()
            self._report("success", None)
            self._settle(SnapshotState.READY, "")
        elif kind == channel.SNAPSHOT_REFUSED:
            self.sandbox.read_log()
            self._settle(SnapshotState.REFUSED, body.decode("utf-8", "replace"))
        elif kind == channel.INIT_ERROR:
            self.reason, error_type = _parsed(body)
            self._failure = ("error", error_type)

    def _took_too_long(self) -> None:
        self.reason = f"init took longer than {self._limit_s:g} seconds"
        self._failure = ("timeout", None)
        self.sandbox.kill_process()

    def _report(self, status: str, error_type: str | None) -> None:
        init_ms = (time.perf_counter() - self._began) * 1000
        self._log.write_lines(self._lines.init_report(init_ms, "init", status, error_type))

    def _exited(self, status: int, reason: str | None) -> None:
        if self.state is SnapshotState.PENDING:
            if reason is not None:  # the lab could not make the environment: that is not the version's failure
                self._settle(SnapshotState.ENDED, reason)
                return
            self.sandbox.read_log()
            self._report(*self._failure)
            self._settle(SnapshotState.FAILED, self.reason or f"init ended with status {status}")
        elif self.state is SnapshotState.READY:
            self._settle(SnapshotState.ENDED, reason or f"the snapshot's process ended with status {status}")

    def _pass_on(self, data: bytes) -> None:
        if data and self._telemetry is not None:
            self._telemetry.log(self._version, self._log_stream, data)

    def _settle(self, state: SnapshotState, reason: str) -> None:
        self._timer.cancel()
        self._settled_at = time.perf_counter()
        printable = "".join(letter if letter.isprintable() else " " for letter in reason)
        self.state, self.reason = state, " ".join(printable.split())[:MAX_REASON]
        self._pass_on(self._log.take()[1])
        if state is not SnapshotState.READY:
            log.info("the snapshot of %s cannot be used: %s", self._version.arn, self.reason)
            self.sandbox.close()
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()


def _parsed(error: bytes) -> tuple[str, str]:
    """A runtime's error as text, and its type; a function can say anything there."""
    try:
        content = json.loads(error)
        return f"{content['errorType']}: {content['errorMessage']}", str(content["errorType"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return error.decode("utf-8", "replace"), Fault.EXIT.value
