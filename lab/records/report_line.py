r"""The REPORT line of Lambda's log, as text and as JSON.

Text (fields by tabs, in any number): ``REPORT RequestId: <id>\tDuration: 2.46 ms\tBilled Duration: 417 ms\tMemory Size:
1024 MB\tMax Memory Used: 95 MB\tInit Duration: 413.61 ms\t``; after a restore ``Restore Duration`` stands in place of
``Init Duration``; a failure adds ``Status`` and ``Error Type``. With tracing, a second line ``XRAY TraceId: …`` is part
of the same log event. JSON, where the function logs so:
``{"type": "platform.report", "record": {"requestId", "status", "errorType", "metrics": {"durationMs", …}}}`` (AWS,
"Lambda Telemetry API Event schema reference"). Every field may be absent.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, Final

from lab.records.json_values import Json, json_object, measured

_TEXT: Final = re.compile(r"REPORT RequestId: (\S+)\s*(?:\t(.*))?")
_QUANTITY: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) (?:ms|MB)")
_NAMES: Final = {
    "duration_ms": ("Duration", "durationMs"),
    "billed_ms": ("Billed Duration", "billedDurationMs"),
    "memory_mb": ("Memory Size", "memorySizeMB"),
    "max_memory_mb": ("Max Memory Used", "maxMemoryUsedMB"),
    "init_ms": ("Init Duration", "initDurationMs"),
    "restore_ms": ("Restore Duration", "restoreDurationMs"),
}
"""Each figure's name in the text form and in the JSON form."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InvocationReport:
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
        """The fields of a record that it fills, by name."""
        return {name: getattr(self, name) for name in _NAMES}


def find_report(log: str, request_id: str | None) -> InvocationReport | None:
    """The report of this request in a log's tail, None if there is none.

    A function can print a line that looks like a report. Lambda writes its own after the function has ended, so the
    last one with the right id is the genuine one.
    """
    found = (parse_report(line) for line in reversed(log.splitlines()))
    return next((report for one, report in filter(None, found) if one == request_id), None)


def parse_report(line: str) -> tuple[str, InvocationReport] | None:
    """The request id and the report in one event of a log; None if it is not a report."""
    return _from_json(line) if line.startswith("{") else _from_text(line)


def _from_text(line: str) -> tuple[str, InvocationReport] | None:
    match = _TEXT.fullmatch(line.partition("\n")[0])
    if match is None:
        return None
    parts = (field.strip().partition(": ") for field in (match[2] or "").split("\t"))
    fields = {name: value for name, _, value in parts}
    figures = _figures(lambda in_text, _: _quantity(fields.get(in_text)))
    return match[1], InvocationReport(**figures, status=fields.get("Status"), error_type=fields.get("Error Type"))


def _from_json(line: str) -> tuple[str, InvocationReport] | None:
    event = json_object(line)
    record = event.get("record") if event and event.get("type") == "platform.report" else None
    if not isinstance(record, dict) or not isinstance(record.get("requestId"), str):
        return None
    metrics = record.get("metrics")
    found = metrics if isinstance(metrics, dict) else {}
    figures = _figures(lambda _, in_json: measured(found.get(in_json)))
    status = None if record.get("status") == "success" else _text(record.get("status"))
    return record["requestId"], InvocationReport(**figures, status=status, error_type=_text(record.get("errorType")))


def _figures(value_of: Callable[[str, str], float | None]) -> dict[str, Any]:
    values = {field: value_of(*names) for field, names in _NAMES.items()}
    return {
        field: int(value) if value is not None and field.endswith("_mb") else value for field, value in values.items()
    }


def _quantity(text: str | None) -> float | None:
    match = _QUANTITY.fullmatch(text or "")
    return float(match[1]) if match else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
