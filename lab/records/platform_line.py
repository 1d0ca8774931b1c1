"""Lambda's lines about an invocation other than its REPORT: its START, and what ended it.

Since 2024 a REPORT has the status of a failure. Before, only these lines had it: ``<time> <id> Task timed out after
3.00 seconds``, and ``RequestId: <id> Error: Runtime exited with error: exit status 1`` with the type in a second line.
What a handler raised is in a line of the runtime: ``[ERROR] <type>: …`` without an id, or JSON with ``errorType`` and
``requestId``.
"""

import re
from typing import Final, NamedTuple

from lab.records.json_values import json_object

TIMED_OUT: Final = "Sandbox.Timedout"
"""The ``errorType`` that a caller gets for a timeout."""

_START: Final = re.compile(r"START RequestId: (\S+)")
_TIMEOUT: Final = re.compile(r"\S+Z (\S+) Task timed out after [\d.]+ seconds")
_EXIT: Final = re.compile(r"RequestId: (\S+) Error: .*\n(Runtime\.\w+)")
_RAISED: Final = re.compile(r"\[ERROR\] ([A-Za-z_][\w.]*)(?:: |\n|$)")


class Failure(NamedTuple):
    """The type of the error that ended an invocation; ``request_id`` is None where the line has none."""

    request_id: str | None
    error_type: str


def parse_start(line: str) -> str | None:
    """The request id of a START, as text or JSON; None if the line is none."""
    if match := _START.match(line):
        return match[1]
    event = json_object(line)
    record = event.get("record") if event and event.get("type") == "platform.start" else None
    request_id = record.get("requestId") if isinstance(record, dict) else None
    return request_id if isinstance(request_id, str) else None


def parse_failure(line: str) -> Failure | None:
    """What ended an invocation, if the line says it; None for any other line."""
    if match := _TIMEOUT.match(line):
        return Failure(match[1], TIMED_OUT)
    if match := _EXIT.match(line):
        return Failure(match[1], match[2])
    if match := _RAISED.match(line):
        return Failure(None, match[1])
    event = json_object(line) or {}
    request_id, error_type = event.get("requestId"), event.get("errorType")
    if isinstance(request_id, str) and isinstance(error_type, str):
        return Failure(request_id, error_type)
    return None
