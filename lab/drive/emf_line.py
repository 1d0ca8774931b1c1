"""The line of metrics (CloudWatch's embedded metric format) that a function of the lab logs for each invocation."""

import json
from typing import Any, Final

from warmcache import metrics

DOWNSTREAM_ERRORS: Final = metrics.DOWNSTREAM_ERRORS.name


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
