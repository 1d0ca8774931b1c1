"""The lines that the Lambda service itself writes into a function's log, in its text format.

Tabs, spaces and rounding are as in AWS's own logs (AWS Lambda Developer Guide, "Working with Lambda function logs").
"""

import dataclasses
import datetime
import math

from lab.engine.function import FunctionVersion


@dataclasses.dataclass(slots=True, kw_only=True)
class ReportLine:
    """The figures of a REPORT line. Milliseconds and MB; ``status`` is None on success, else timeout or error."""

    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    restore_ms: float | None = None
    status: str | None = None
    error_type: str | None = None

    @property
    def billed_restore_ms(self) -> int:
        """What a restore adds to the bill."""
        return 0 if self.restore_ms is None else math.ceil(self.restore_ms)

    @property
    def billed_ms(self) -> int:
        """Since August 2025 init is billed with the duration, and a restore likewise."""
        return math.ceil(self.duration_ms + (self.init_ms or 0)) + self.billed_restore_ms

    def line(self) -> bytes:
        """The REPORT line."""
        line = (
            f"REPORT RequestId: {self.request_id}\tDuration: {self.duration_ms:.2f} ms\t"
            f"Billed Duration: {self.billed_ms} ms\tMemory Size: {self.memory_mb} MB\t"
            f"Max Memory Used: {self.max_memory_mb} MB\t"
        )
        if self.init_ms is not None:
            line += f"Init Duration: {self.init_ms:.2f} ms\t"
        if self.restore_ms is not None:
            line += (
                f"Restore Duration: {self.restore_ms:.2f} ms\tBilled Restore Duration: {self.billed_restore_ms} ms\t"
            )
        if self.status is not None:
            line += f"Status: {self.status}\t"
        if self.error_type is not None:
            line += f"Error Type: {self.error_type}\t"
        return (line + "\n").encode()


class TextLog:
    """Platform lines of one function version, as text. Each call gives the bytes to write, whole lines."""

    def __init__(self, version: FunctionVersion) -> None:
        self._version = version
        self._runtime = runtime_version(version.runtime)

    def init_start(self) -> bytes:
        """Before an init."""
        return f"INIT_START Runtime Version: {self._runtime}\n".encode()

    def init_done(self, init_ms: float) -> bytes:  # noqa: ARG002 - as in the JSON format
        """After an init that succeeded: nothing, REPORT tells it."""
        return b""

    def init_report(self, init_ms: float, phase: str, status: str, error_type: str | None) -> bytes:
        """After an init that failed, timed out, or was made for a snapshot."""
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{error}\n".encode()

    def restore_start(self) -> bytes:
        """Before a restore."""
        return f"RESTORE_START Runtime Version: {self._runtime}\n".encode()

    def restore_report(self, restore_ms: float) -> bytes:
        """After a restore."""
        return f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms\n".encode()

    def start(self, request_id: str) -> bytes:
        """Before an invocation."""
        return f"START RequestId: {request_id} Version: {self._version.version}\n".encode()

    def timed_out(self, request_id: str) -> bytes:
        """When an invocation takes longer than the function's timeout."""
        stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")[:-6]
        return f"{stamp}Z {request_id} Task timed out after {self._version.timeout_s:.2f} seconds\n\n".encode()

    def finish(self, report: ReportLine) -> bytes:
        """After an invocation: END and REPORT."""
        return f"END RequestId: {report.request_id}\n".encode() + report.line()


def runtime_version(runtime: str) -> str:
    """The runtime as platform lines name it: ``python:3.13.lab`` for ``python3.13``."""
    return f"{runtime.replace('python', 'python:')}.lab"
