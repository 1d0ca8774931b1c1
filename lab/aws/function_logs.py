"""A function's log, read from CloudWatch Logs."""

from collections.abc import Iterator
from typing import NamedTuple

from facts.names import log_group_name
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors


class LogLine(NamedTuple):
    """One log event. ``at`` is its timestamp by AWS's clock, Unix seconds; the text has no final newline."""

    at: float
    stream: str
    text: str


def has_log(connection: Connection, function: str) -> bool:
    """Whether a function has a log group. Raises `LabError` if CloudWatch Logs does not answer this caller."""
    group = log_group_name(function)
    with aws_errors(f"look for the log group {group}"):
        found = connection.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return any(each["logGroupName"] == group for each in found)


def log_lines(connection: Connection, function: str, begin: float, end: float) -> Iterator[LogLine]:
    """A function's log events from ``begin`` to ``end`` (Unix seconds), in order of time.

    Raises `LabError` if CloudWatch Logs does not answer, or not this caller.
    """
    group = log_group_name(function)
    pages = connection.client("logs").get_paginator("filter_log_events")
    with aws_errors(f"read the log group {group}"):
        for page in pages.paginate(logGroupName=group, startTime=round(begin * 1000), endTime=round(end * 1000)):
            for event in page["events"]:
                yield LogLine(event["timestamp"] / 1000, event["logStreamName"], event["message"].rstrip("\n"))
