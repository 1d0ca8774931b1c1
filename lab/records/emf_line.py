"""The line of metrics (CloudWatch's embedded metric format) that a function of the lab logs for each invocation."""

from typing import Any

from facts import metrics
from lab.records.json_values import counted, json_object, measured


def parse_emf(line: str) -> dict[str, Any] | None:
    """The content of an EMF line of the lab's functions, which names its request; None if it is none."""
    content = json_object(line)
    if content is None or "_aws" not in content or not isinstance(content.get("request_id"), str):
        return None
    return content


def find_emf(log: str, request_id: str | None) -> dict[str, Any] | None:
    """The line of this request in a log's tail, None if there is none: it was ended, or the tail is too short."""
    lines = (parse_emf(line) for line in log.splitlines())
    return next((content for content in lines if content is not None and content["request_id"] == request_id), None)


def downstream_of(content: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record that a line states of downstream, by name; none of them where it states nothing.

    The line has all calls in one sum: without a latency, all of it are those of init or of a restore.
    """
    calls = counted(content.get(metrics.DOWNSTREAM_CALLS.name))
    errors = counted(content.get(metrics.DOWNSTREAM_ERRORS.name))
    throttles = counted(content.get(metrics.THROTTLED_CALLS))
    units = measured(content.get(metrics.READ_UNITS))
    fields: dict[str, Any] = {
        "downstream_errors": errors,
        "downstream_throttles": throttles,
        "read_units": units,
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    if calls is None:
        return fields
    latency = measured(content.get(metrics.DOWNSTREAM_LATENCY.name))
    if latency is None:
        return fields | {"downstream_calls": 0, "downstream_ms": 0.0, "init_downstream_calls": calls}
    return fields | {"downstream_calls": calls, "downstream_ms": latency}
