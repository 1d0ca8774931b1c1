"""A function's log as callers of AWS read it."""

import base64
from typing import Any

from tests.engine.endpoint import Endpoint, until


def tail(endpoint: Endpoint, name: str, **arguments: Any) -> list[str]:
    """The lines of the log tail of an invocation, with their ends."""
    answer = endpoint.aws_lambda.invoke(FunctionName=name, LogType="Tail", **arguments)
    return base64.b64decode(answer["LogResult"]).decode().splitlines(keepends=True)


def logged(endpoint: Endpoint, source: str, **settings: Any) -> list[str]:
    """The messages of the log events of a new function's first invocation."""
    name = endpoint.new_function(source, **settings)
    endpoint.invoke(name)
    return messages(endpoint, name)


def messages(endpoint: Endpoint, name: str, reports: int = 1) -> list[str]:
    """The messages of a function's log events, once there are so many REPORT lines."""
    found: list[str] = []

    def are_complete() -> bool:
        logs = endpoint.client("logs")
        found[:] = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]]
        return sum(message.startswith("REPORT ") for message in found) >= reports

    until(are_complete)
    return found
