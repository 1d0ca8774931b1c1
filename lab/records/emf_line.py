"""The line of metrics (CloudWatch's embedded metric format) that a function of the lab logs for each invocation."""

import json
from typing import Any, Final

from facts import metrics
from lab.records.record import MOST

_COUNTED: Final = (metrics.DOWNSTREAM_CALLS, metrics.DOWNSTREAM_ERRORS)


def parse_emf(line: str) -> dict[str, Any] | None:
    """The content of an EMF line of the lab's functions, which names its request; None if it is none."""
    if not line.startswith("{"):
        return None
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "_aws" not in content or not isinstance(content.get("request_id"), str):
        return None
    return content


def find_emf(log: str, request_id: str | None) -> dict[str, Any] | None:
    """The line of this request in a log's tail, None if there is none: it was ended, or the tail is too short."""
    lines = (parse_emf(line) for line in log.splitlines())
    return next((content for content in lines if content is not None and content["request_id"] == request_id), None)


def downstream_of(content: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record that a line tells of downstream, by name; none of them where it does not tell.

    The line has all calls in one sum: without a latency, all of it are those of init or of a restore.
    """
    calls, errors = (_whole(content.get(metric.name)) for metric in _COUNTED)
    fields: dict[str, Any] = {} if errors is None else {"downstream_errors": errors}
    if calls is None:
        return fields
    latency = measured(content.get(metrics.DOWNSTREAM_LATENCY.name))
    if latency is None:
        return fields | {"downstream_calls": 0, "downstream_ms": 0.0, "init_downstream_calls": calls}
    return fields | {"downstream_calls": calls, "downstream_ms": latency}


def measured(value: Any) -> float | None:
    """A value of a metric as a number, None if it is no number that can be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Not-a-number is not above 0 either.
    return float(value) if 0 <= value <= MOST else None


def _whole(value: Any) -> int | None:
    count = measured(value)
    return None if count is None else int(count)
