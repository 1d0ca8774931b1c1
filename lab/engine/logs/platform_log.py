"""The lines that the Lambda service itself writes into a function's log, as text or as JSON.

Text: tabs, spaces and rounding as in AWS's own logs (AWS Lambda Developer Guide, "Working with Lambda function logs").
JSON: "Lambda Telemetry API Event schema reference"; which events are written: "Log-level filtering", "System log level
event mapping". Order of the members and three decimals are as in AWS's own logs.
"""

import dataclasses
import datetime
import enum
import hashlib
import json
import math
from typing import TypeAlias

from lab.engine.function import FunctionVersion
from lab.engine.logs import framed_log


@dataclasses.dataclass(slots=True, kw_only=True)
class ReportLine:
    """The figures of a REPORT line. Milliseconds and MB; ``status`` is None on success, else timeout or error.

    ``restore_billed_ms`` is the part of ``restore_ms`` that is billed. ``trace_header`` is absent
    where the request is not sampled, or the function has no active tracing.
    """

    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    restore_ms: float | None = None
    restore_billed_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    trace_header: str | None = None

    @property
    def billed_restore_ms(self) -> int:
        """What a restore adds to the bill."""
        return math.ceil(self.restore_billed_ms or 0)

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

    def trace_line(self) -> bytes:
        """The line that follows REPORT in the same event. The segment is the one that the function sees as parent."""
        fields = dict(field.split("=", 1) for field in (self.trace_header or "").split(";"))
        return f"XRAY TraceId: {fields['Root']}\tSegmentId: {fields['Parent']}\tSampled: true\t\n".encode()


class TextLog:
    """Platform lines of one function version, as text. Each call returns the bytes to write: whole lines, or none."""

    def __init__(self, version: FunctionVersion) -> None:
        self._version = version
        self._runtime = _runtime_version(version)
        self._arn = _runtime_arn(version)

    def init_start(self) -> bytes:
        """Before an init."""
        return f"INIT_START Runtime Version: {self._runtime}\tRuntime Version ARN: {self._arn}\n".encode()

    def init_done(self, init_ms: float) -> bytes:  # noqa: ARG002 - as in the JSON format
        """After an init that succeeded: nothing, REPORT has its duration."""
        return b""

    def init_report(self, init_ms: float, phase: str, status: str, error_type: str | None) -> bytes:
        """After an init that failed, timed out, or was made for a snapshot."""
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}\tStatus: {status}{error}\n".encode()

    def restore_start(self) -> bytes:
        """Before a restore."""
        return f"RESTORE_START Runtime Version: {self._runtime}\tRuntime Version ARN: {self._arn}\n".encode()

    def restore_report(self, restore_ms: float) -> bytes:
        """After a restore."""
        return f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms\n".encode()

    def start(self, request_id: str) -> bytes:
        """Before an invocation."""
        return f"START RequestId: {request_id} Version: {self._version.version}\n".encode()

    def timed_out(self, request_id: str) -> bytes:
        """When an invocation takes longer than the function's timeout: one event."""
        text = f"{_now()} {request_id} Task timed out after {self._version.timeout_s:.2f} seconds\n\n"
        return framed_log.record(text.encode())

    def fault(self, request_id: str, error_type: str | None, message: str) -> bytes:
        """When the runtime process has ended by itself: one event of two lines."""
        return framed_log.record(f"RequestId: {request_id} Error: {message}\n{error_type}\n".encode())

    def finish(self, report: ReportLine) -> bytes:
        """After an invocation: END and REPORT."""
        end, line = f"END RequestId: {report.request_id}\n".encode(), report.line()
        return end + (framed_log.record(line + report.trace_line()) if report.trace_header else line)


class Level(enum.IntEnum):
    """The system log levels, the least detailed last."""

    DEBUG = 1
    INFO = 2
    WARN = 3


class JsonLog:
    """`TextLog` as JSON documents; events of more detail than the version's system log level are left out."""

    def __init__(self, version: FunctionVersion) -> None:
        self._version = version
        self._least = Level[version.system_log_level]
        self._function = {
            "runtimeVersion": _runtime_version(version),
            "runtimeVersionArn": _runtime_arn(version),
            "functionName": version.name,
            "functionVersion": version.version,
        }

    def init_start(self) -> bytes:
        """``platform.initStart``."""
        record = {"initializationType": "on-demand", "phase": "init", **self._function}
        return self._event(Level.INFO, "initStart", record)

    def init_done(self, init_ms: float) -> bytes:
        """``platform.initRuntimeDone`` and ``platform.initReport`` of an init that succeeded."""
        return self.init_report(init_ms, "init", "success", None)

    def init_report(self, init_ms: float, phase: str, status: str, error_type: str | None) -> bytes:
        """``platform.initRuntimeDone`` and ``platform.initReport``."""
        kind = "snap-start" if self._version.snap_start else "on-demand"
        common = {"initializationType": kind, "phase": phase, "status": status} | _error(error_type)
        done_level, report_level = Level.DEBUG, Level.INFO if self._version.snap_start else Level.DEBUG
        if status != "success":
            done_level = report_level = Level.WARN
        report = {**common, "metrics": {"durationMs": round(init_ms, 3)}}
        return self._event(done_level, "initRuntimeDone", common) + self._event(report_level, "initReport", report)

    def restore_start(self) -> bytes:
        """``platform.restoreStart``."""
        return self._event(Level.INFO, "restoreStart", self._function)

    def restore_report(self, restore_ms: float) -> bytes:
        """``platform.restoreRuntimeDone`` and ``platform.restoreReport``."""
        done = self._event(Level.DEBUG, "restoreRuntimeDone", {"status": "success"})
        record = {"status": "success", "metrics": {"durationMs": round(restore_ms, 3)}}
        return done + self._event(Level.INFO, "restoreReport", record)

    def start(self, request_id: str) -> bytes:
        """``platform.start``."""
        record = {"requestId": request_id, "functionArn": self._version.arn, "version": self._version.version}
        return self._event(Level.INFO, "start", record)

    def timed_out(self, request_id: str) -> bytes:  # noqa: ARG002 - as in the text format
        """Nothing: ``platform.report`` has the status."""
        return b""

    def fault(self, request_id: str, error_type: str | None, message: str) -> bytes:  # noqa: ARG002 - as above
        """Nothing: ``platform.runtimeDone`` has the error."""
        return b""

    def finish(self, report: ReportLine) -> bytes:
        """``platform.runtimeDone`` and ``platform.report``."""
        request = {"requestId": report.request_id}
        tracing = _tracing(report.trace_header)
        status = {"status": report.status or "success", **_error(report.error_type)}
        duration = {"durationMs": round(report.duration_ms, 3)}
        done = {**request, **status, **tracing, "metrics": duration}
        metrics: dict[str, float] = {
            **duration,
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        if report.restore_ms is not None:
            metrics["restoreDurationMs"] = round(report.restore_ms, 3)
            metrics["billedRestoreDurationMs"] = report.billed_restore_ms
        record = {**request, "metrics": metrics, **tracing, **status}
        failed = report.status is not None
        done_line = self._event(Level.WARN if failed else Level.DEBUG, "runtimeDone", done)
        return done_line + self._event(Level.WARN if failed else Level.INFO, "report", record)

    def _event(self, level: Level, kind: str, record: object) -> bytes:
        if level < self._least:
            return b""
        event = {"time": _now(), "type": f"platform.{kind}", "record": record}
        return json.dumps(event, separators=(",", ":")).encode() + b"\n"


PlatformLog: TypeAlias = TextLog | JsonLog


def platform_log(version: FunctionVersion) -> PlatformLog:
    """The platform's lines in the format that the version has."""
    return JsonLog(version) if version.log_format == "JSON" else TextLog(version)


def _runtime_version(version: FunctionVersion) -> str:
    """As platform lines name it: ``python:3.13.lab`` for ``python3.13``."""
    return f"{version.runtime.replace('python', 'python:')}.lab"


def _runtime_arn(version: FunctionVersion) -> str:
    """As AWS's: its last part is a SHA-256."""
    digest = hashlib.sha256(_runtime_version(version).encode()).hexdigest()
    return f"arn:aws:lambda:{version.region}::runtime:{digest}"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _error(error_type: str | None) -> dict[str, str]:
    return {} if error_type is None else {"errorType": error_type}


def _tracing(trace_header: str | None) -> dict[str, dict[str, str]]:
    return {} if trace_header is None else {"tracing": {"type": "X-Amzn-Trace-Id", "value": trace_header}}
