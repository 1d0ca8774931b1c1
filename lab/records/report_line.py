r"""The REPORT line of Lambda's log, as text and as JSON.

Text (fields by tabs, in any number): ``REPORT RequestId: <id>\tDuration: 2.46 ms\tBilled Duration: 417 ms\tMemory Size:
1024 MB\tMax Memory Used: 95 MB\tInit Duration: 413.61 ms\t``; after a restore ``Restore Duration`` stands in place of
``Init Duration``; a failure adds ``Status`` and ``Error Type``. JSON, where the function logs so:
``{"type": "platform.report", "record": {"requestId", "status", "errorType", "metrics": {"durationMs", …}}}`` (AWS,
"Lambda Telemetry API Event schema reference"). Every field may be absent.
"""

import dataclasses
import json
import re
from typing import Any, Final

from lab.records.record import MOST

_TEXT: Final = re.compile(r"REPORT RequestId: (\S+)\s*(?:\t(.*))?")
_QUANTITY: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) (?:ms|MB)")


MEASURED: Final = ("init_ms", "restore_ms", "duration_ms", "billed_ms", "memory_mb", "max_memory_mb")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What Lambda reports of one invocation. Absent is None. Times in milliseconds, memory in MB.

    ``status`` is that of a failure: ``timeout``, ``error`` or, in JSON alone, ``failure``.
    """

    duration_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: int | None = None
    max_memory_mb: int | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    status: str | None = None
    error_type: str | None = None

    def fields(self) -> dict[str, Any]:
        """Its fields that a record has by the same name."""
        return {name: getattr(self, name) for name in MEASURED}


def find_report(log: str, request_id: str | None) -> Report | None:
    """The report of this request in a log's tail, None if there is none.

    A function can print a line that looks like a report. Lambda writes its own after the function has ended, so the
    last one with the right id is the genuine one.
    """
    for line in reversed(log.splitlines()):
        found = parse_report(line)
        if found is not None and found[0] == request_id:
            return found[1]
    return None


def parse_report(line: str) -> tuple[str, Report] | None:
    """The request id and the report in one line of a log; None if it is no report."""
    return _from_json(line) if line.startswith("{") else _from_text(line)


def _from_text(line: str) -> tuple[str, Report] | None:
    match = _TEXT.fullmatch(line)
    if match is None:
        return None
    parts = (field.strip().partition(": ") for field in (match[2] or "").split("\t"))
    fields = {name: value for name, _, value in parts}
    return match[1], Report(
        duration_ms=_quantity(fields.get("Duration")),
        billed_ms=_quantity(fields.get("Billed Duration")),
        memory_mb=_whole(_quantity(fields.get("Memory Size"))),
        max_memory_mb=_whole(_quantity(fields.get("Max Memory Used"))),
        init_ms=_quantity(fields.get("Init Duration")),
        restore_ms=_quantity(fields.get("Restore Duration")),
        status=fields.get("Status"),
        error_type=fields.get("Error Type"),
    )


def _from_json(line: str) -> tuple[str, Report] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.get("type") != "platform.report":
        return None
    record = event.get("record")
    if not isinstance(record, dict) or not isinstance(record.get("requestId"), str):
        return None
    metrics = record.get("metrics")
    if not isinstance(metrics, dict):
        metrics = {}
    status, error_type = record.get("status"), record.get("errorType")
    return record["requestId"], Report(
        duration_ms=_number(metrics.get("durationMs")),
        billed_ms=_number(metrics.get("billedDurationMs")),
        memory_mb=_whole(_number(metrics.get("memorySizeMB"))),
        max_memory_mb=_whole(_number(metrics.get("maxMemoryUsedMB"))),
        init_ms=_number(metrics.get("initDurationMs")),
        restore_ms=_number(metrics.get("restoreDurationMs")),
        status=status if isinstance(status, str) and status != "success" else None,
        error_type=error_type if isinstance(error_type, str) else None,
    )


def _quantity(text: str | None) -> float | None:
    match = _QUANTITY.fullmatch(text or "")
    return float(match[1]) if match else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Not-a-number is not below it either.
    return float(value) if abs(value) <= MOST else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
