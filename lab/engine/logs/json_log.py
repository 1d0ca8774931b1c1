"""The lines that the Lambda service itself writes into a function's log, in its JSON format.

Shapes: AWS Lambda Developer Guide, "Lambda Telemetry API Event schema reference"; which of them are written: "Log-level
filtering", "System log level event mapping". Order of the members and three decimals are as in AWS's own logs.
"""

import datetime
import enum
import json

from lab.engine.function import FunctionVersion
from lab.engine.logs.platform_log import ReportLine, runtime_version


class Level(enum.IntEnum):
    """The system log levels, the least detailed last."""

    DEBUG = 1
    INFO = 2
    WARN = 3


class JsonLog:
    """Platform lines as JSON documents; those of more detail than the version's system log level are empty."""

    def __init__(self, version: FunctionVersion) -> None:
        self._version = version
        self._least = Level[version.system_log_level]

    def init_start(self) -> bytes:
        """``platform.initStart``."""
        record = {
            "initializationType": "on-demand",
            "phase": "init",
            "runtimeVersion": runtime_version(self._version.runtime),
            "functionName": self._version.name,
            "functionVersion": self._version.version,
        }
        return self._event(Level.INFO, "initStart", record)

    def init_done(self, init_ms: float) -> bytes:
        """``platform.initRuntimeDone`` and ``platform.initReport`` of an init that succeeded."""
        return self.init_report(init_ms, "init", "success", None)

    def init_report(self, init_ms: float, phase: str, status: str, error_type: str | None) -> bytes:
        """``platform.initRuntimeDone`` and ``platform.initReport``."""
        kind = "snap-start" if self._version.snap_start else "on-demand"
        common = {"initializationType": kind, "phase": phase, "status": status} | _error(error_type)
        failed = status != "success"
        done_level = Level.WARN if failed else Level.DEBUG
        report_level = Level.WARN if failed else Level.DEBUG if kind == "on-demand" else Level.INFO
        report = {**common, "metrics": {"durationMs": round(init_ms, 3)}}
        return self._event(done_level, "initRuntimeDone", common) + self._event(report_level, "initReport", report)

    def restore_start(self) -> bytes:
        """``platform.restoreStart``."""
        record = {
            "runtimeVersion": runtime_version(self._version.runtime),
            "functionName": self._version.name,
            "functionVersion": self._version.version,
        }
        return self._event(Level.INFO, "restoreStart", record)

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
        """Nothing: the status of ``platform.report`` tells it."""
        return b""

    def finish(self, report: ReportLine) -> bytes:
        """``platform.runtimeDone`` and ``platform.report``."""
        status = report.status or "success"
        error = _error(report.error_type)
        request = {"requestId": report.request_id}
        duration_ms = round(report.duration_ms, 3)
        done = {**request, "status": status, **error, "metrics": {"durationMs": duration_ms}}
        metrics: dict[str, float] = {
            "durationMs": duration_ms,
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        if report.restore_ms is not None:
            metrics["restoreDurationMs"] = round(report.restore_ms, 3)
            metrics["billedRestoreDurationMs"] = report.billed_restore_ms
        record = {**request, "metrics": metrics, "status": status, **error}
        failed = report.status is not None
        done_line = self._event(Level.WARN if failed else Level.DEBUG, "runtimeDone", done)
        return done_line + self._event(Level.WARN if failed else Level.INFO, "report", record)

    def _event(self, level: Level, kind: str, record: object) -> bytes:
        if level < self._least:
            return b""
        time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        event = {"time": time, "type": f"platform.{kind}", "record": record}
        return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _error(error_type: str | None) -> dict[str, str]:
    return {} if error_type is None else {"errorType": error_type}
