"""Entries in; log events, EMF metrics and Lambda's own metrics out."""

import contextlib
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from cloudwatch import emf
from cloudwatch.log_events import ReportFigures
from cloudwatch.series import Dimensions, Series
from cloudwatch.store import Store
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry.lambda_metrics import FunctionMetrics
from lab.endpoint.telemetry.log_pieces import LONGEST_EVENT, TimedPiece, is_platform_event, messages, timed
from lab.engine.logs import framed_log

LEVELS: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SAME_LEVELS: Final = {"WARNING": "WARN", "CRITICAL": "FATAL"}
LONGEST_INVOCATION_S: Final = 900.0
REPORT: Final = "REPORT RequestId: "
START_MARKS: Final = (b"START RequestId: ", b'"type":"platform.start"')


class Ingest:
    """Puts what entries say into the store."""

    def __init__(self, store: Store) -> None:
        self._store, self._logs = store, store.logs
        self._functions: dict[tuple[str, str], FunctionMetrics] = {}
        self._invoked: set[FunctionMetrics] = set()
        self._begun: dict[tuple[str, str], bytes] = {}
        self._measured: dict[tuple[emf.Directive, Dimensions, int], list[list[float | list[float]]]] = {}

    def take(self, batch: Iterable[Sequence[Any]], now: float) -> None:
        """Take entries in the order in which they were made."""
        ingested_ms = int(now * 1000)
        for entry in batch:
            if entry[0] == entries.INVOCATION:
                self._invocation(entry, ingested_ms)
            elif entry[0] == entries.LOG:
                self._log(entries.Log._make(entry), ingested_ms)
            else:
                _, function, version, arn, at = entry
                self._function(function, arn, version).throttled(int(at))
        for metrics in self._invoked:
            metrics.pour()
        self._invoked.clear()
        self._pour()
        self._store.spill()

    def _invocation(self, entry: Sequence[Any], ingested_ms: int) -> None:
        _, function, version, arn, group, stream, level, log, at, failed, running, all_running, *report = entry
        request_id, duration_ms, billed_ms, memory_mb, max_memory_mb, init_ms, restore_ms = report
        began = at - duration_ms / 1000
        started = began - ((init_ms or 0.0) + (restore_ms or 0.0)) / 1000
        # REPORT has hundredths, and platform.report thousandths: metrics have the same figure.
        duration_ms = round(duration_ms, 2 if level is None else 3)
        metrics = self._function(function, arn, version)
        metrics.invoked(int(started), duration_ms, failed, running, all_running)
        self._invoked.add(metrics)
        if self._begun:
            log = self._begun.pop((group, stream), b"") + log
        to = (group, stream)
        begin, end = _start_line(log)
        if begin:
            self._put(to, level, timed(log[:begin], started, started, began), ingested_ms)
        if end:
            self._logs.append(to, int(began * 1000), ingested_ms, messages(log[begin:end]))
        if self._put(to, level, timed(log[end:], at, began, at), ingested_ms).startswith(REPORT):
            init_ms, restore_ms = (None if ms is None else round(ms, 2) for ms in (init_ms, restore_ms))
            self._logs.add_figures(
                ReportFigures(request_id, duration_ms, billed_ms, memory_mb, max_memory_mb, init_ms, restore_ms)
            )

    def _log(self, entry: entries.Log, ingested_ms: int) -> None:
        key = (entry.log_group, entry.log_stream)
        data = self._begun.pop(key, b"") + entry.data
        end = framed_log.whole_lines(data) if len(data) < LONGEST_EVENT else len(data)
        if end < len(data):
            self._begun[key] = data[end:]
        pieces = timed(data[:end], entry.at, entry.at - LONGEST_INVOCATION_S, entry.at)
        self._put(key, entry.level, pieces, ingested_ms)

    def _put(self, to: tuple[str, str], level: str | None, pieces: Iterable[TimedPiece], ingested_ms: int) -> str:
        """Append the events of a log, and measure its documents; its last message."""
        found: list[str] = []
        for at, text, is_record in pieces:
            # What Lambda filters out never reaches CloudWatch Logs, which is what makes metrics of documents.
            kept = text if level is None else _of_level(text, level, is_record=is_record)
            found = messages(kept, is_record=is_record) if kept else []
            if found:
                self._emf(kept, at)
                self._logs.append(to, int(at * 1000), ingested_ms, found)
        return found[-1] if found else ""

    def _function(self, function: str, arn: str, version: str) -> FunctionMetrics:
        found = self._functions.get((arn, version))
        if found is None:
            found = self._functions[arn, version] = FunctionMetrics(self._store, function, arn, version)
        return found

    def _emf(self, log: bytes, now: float) -> None:
        for document in emf.documents(log):
            for measured in emf.measured(document, now):
                second = math.floor(measured.at)
                for dimensions in measured.dimension_sets:
                    key = (measured.directive, dimensions, second)
                    self._measured.setdefault(key, []).append(measured.values)

    def _pour(self) -> None:
        """Add to the store what documents measured: metric by metric, which costs less than document by document."""
        for (directive, dimensions, second), rows in self._measured.items():
            for (name, unit), column in zip(directive.metrics, zip(*rows, strict=True), strict=True):
                number = self._store.series_id(Series(directive.namespace, name, dimensions, unit))
                if number is not None:
                    values = [item for value in column for item in (value if isinstance(value, list) else (value,))]
                    self._store.add(second, number, values)
        self._measured.clear()


def _start_line(log: bytes) -> tuple[int, int]:
    """Where the line of the invocation's start is; 0 and 0 if the log level leaves it out."""
    for mark in START_MARKS:
        found = log.find(mark)
        if found >= 0:
            return log.rfind(b"\n", 0, found) + 1, log.find(b"\n", found) + 1
    return 0, 0


def _of_level(log: bytes, least: str, *, is_record: bool) -> bytes:
    """Lines, or the record, of this level and above; one without a level is INFO.

    Lambda's own lines are filtered by another level.

    Source: AWS Lambda Developer Guide, "Log-level filtering".
    """
    lowest = _rank(least)
    lines = [log] if is_record else log.splitlines(keepends=True)
    return log if lowest == 0 else b"".join(line for line in lines if _level(line) >= lowest)


def _level(line: bytes) -> int:
    if is_platform_event(line):
        return len(LEVELS)
    if line.startswith(b"{") and b'"level"' in line:
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            return _rank(str(json.loads(line)["level"]).upper())
    return _rank("INFO")


def _rank(level: str) -> int:
    level = SAME_LEVELS.get(level, level)
    return LEVELS.index(level if level in LEVELS else "INFO")
