"""CloudWatch Logs' operations on the log streams of functions.

Source: Amazon CloudWatch Logs API reference. Log groups themselves are the emulator's; so are groups that no function
writes to, and streams that a client has made.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

from cloudwatch.filter_pattern import PatternError, compiled
from cloudwatch.log_store import Event, LogStore, Position, Stream

MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 1 << 20
MOST_SEARCHED: Final = 50_000
MOST_STREAMS: Final = 50
END_OF_TIME: Final = 1 << 62

Parameters = dict[str, Any]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class Groups(Protocol):
    """Who knows the log groups."""

    def created_ms(self, name: str) -> int | None:
        """When the group was made, Unix milliseconds; None if there is none."""


class _RefusedError(Exception):
    """A parameter is not valid; the text is the message."""


class Logs:
    """The operations, over one store. An answer of None: the emulator's to answer."""

    def __init__(self, store: LogStore, groups: Groups) -> None:
        self._store = store
        self._groups = groups
        self.operations: dict[str, Callable[[str, Parameters], Any]] = {
            "DescribeLogStreams": self._describe_log_streams,
            "GetLogEvents": self._get_log_events,
            "FilterLogEvents": self._filter_log_events,
            "DeleteLogStream": self._delete_log_stream,
        }

    def answer(self, operation: str, body: bytes) -> Answer | None:
        """The answer to a request."""
        try:
            parameters = json.loads(body or b"{}")
            group = _group_name(parameters)
        except (ValueError, AttributeError, TypeError):
            return None
        if operation not in self.operations or group is None or not self._has(group):
            return None
        try:
            result = self.operations[operation](group, parameters)
        except _RefusedError as error:
            return _answer(400, {"__type": "InvalidParameterException", "message": str(error)})
        return None if result is None else _answer(200, result)

    def _has(self, group: str) -> bool:
        """Whether functions have written to this group since it was made."""
        if not self._store.streams(group):
            return False
        created_ms = self._groups.created_ms(group)
        for name, stream in list(self._store.streams(group).items()):
            if created_ms is None or stream.taken_ms < created_ms:
                self._store.delete_stream(group, name)
        return bool(self._store.streams(group))

    def _describe_log_streams(self, group: str, parameters: Parameters) -> Any:
        prefix, order = parameters.get("logStreamNamePrefix", ""), parameters.get("orderBy", "LogStreamName")
        if order not in ("LogStreamName", "LastEventTime"):
            raise _RefusedError(f"'{order}' is no value of orderBy")
        if prefix and order == "LastEventTime":
            raise _RefusedError("Cannot order by LastEventTime with a logStreamNamePrefix.")
        key = _last_ms if order == "LastEventTime" else _name
        found = [stream for name, stream in self._store.streams(group).items() if name.startswith(prefix)]
        found.sort(key=key, reverse=parameters.get("descending") is True)
        begin, size = _whole(parameters.get("nextToken", 0)), _limit(parameters, MOST_STREAMS)
        end = begin + size
        streams = [_described(group, stream) for stream in found[begin:end]]
        return {"logStreams": streams} | ({"nextToken": str(end)} if end < len(found) else {})

    def _get_log_events(self, group: str, parameters: Parameters) -> Any:
        name = parameters.get("logStreamName")
        if name not in self._store.streams(group):
            return None
        direction, position = _direction(parameters)
        start_ms, end_ms = parameters.get("startTime", 0), parameters.get("endTime", END_OF_TIME) - 1
        forward = direction == "f"
        found = self._store.events(
            group, [name], start_ms, end_ms, **({"after": position} if forward else {"before": position})
        )
        page = list(_page(found, _limit(parameters, MOST_EVENTS)))
        if not forward:
            page.reverse()
        first, last = (page[0].position, page[-1].position) if page else (position, position)
        events = [
            {"timestamp": event.position.at_ms, "message": event.message, "ingestionTime": event.taken_ms}
            for event in page
        ]
        return {"events": events, "nextForwardToken": _token("f", last), "nextBackwardToken": _token("b", first)}

    def _filter_log_events(self, group: str, parameters: Parameters) -> Any:
        names = parameters.get("logStreamNames")
        if prefix := parameters.get("logStreamNamePrefix"):
            if names:
                raise _RefusedError("logStreamNamePrefix and logStreamNames cannot both be specified.")
            names = [name for name in self._store.streams(group) if name.startswith(prefix)]
        try:
            wanted = compiled(parameters.get("filterPattern", ""))
        except PatternError as error:
            raise _RefusedError(str(error)) from None
        last = after = _position(parameters["nextToken"]) if "nextToken" in parameters else Position(-1, 0, 0)
        start_ms, end_ms = parameters.get("startTime", 0), parameters.get("endTime", END_OF_TIME)
        limit = _limit(parameters, MOST_EVENTS)
        events: list[dict[str, Any]] = []
        size = 0
        for searched, event in enumerate(self._store.events(group, names, start_ms, end_ms, after=after)):
            if len(events) == limit or size > MOST_BYTES or searched == MOST_SEARCHED:
                return {"events": events, "searchedLogStreams": [], "nextToken": _token("p", last)}
            last = event.position
            if wanted(event.message):
                events.append(_filtered(event))
                size += len(event.message)
        return {"events": events, "searchedLogStreams": []}

    def _delete_log_stream(self, group: str, parameters: Parameters) -> Any:
        name = parameters.get("logStreamName")
        if name not in self._store.streams(group):
            return None
        self._store.delete_stream(group, name)
        return {}


def _group_name(parameters: Parameters) -> str | None:
    name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    if not isinstance(name, str):
        return None
    return name.partition(":log-group:")[2].removesuffix(":*") if name.startswith("arn:") else name


def _page(events: Iterable[Event], most: int) -> Iterator[Event]:
    """As many events as one answer holds; one at least."""
    size = 0
    for number, event in enumerate(events):
        size += len(event.message)
        if number == most or (number and size > MOST_BYTES):
            return
        yield event


def _described(group: str, stream: Stream) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "firstEventTimestamp": stream.first_ms,
        "lastEventTimestamp": stream.last_ms,
        "lastIngestionTime": stream.taken_ms,
        "uploadSequenceToken": "0",
        "arn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


def _filtered(event: Event) -> dict[str, Any]:
    at_ms, page, line = event.position
    return {
        "logStreamName": event.stream,
        "timestamp": at_ms,
        "message": event.message,
        "ingestionTime": event.taken_ms,
        "eventId": f"{at_ms:020}{page:020}{line:016}",
    }


def _name(stream: Stream) -> str:
    return stream.name


def _last_ms(stream: Stream) -> int:
    return stream.last_ms


def _direction(parameters: Parameters) -> tuple[str, Position]:
    token = parameters.get("nextToken")
    if token is not None:
        direction, _, rest = str(token).partition("/")
        return ("f" if direction == "f" else "b"), _position(f"p/{rest}")
    if parameters.get("startFromHead") is True:
        return "f", Position(-1, 0, 0)
    return "b", Position(END_OF_TIME, 0, 0)


def _token(kind: str, position: Position) -> str:
    return "/".join([kind, *map(str, position)])


def _position(token: str) -> Position:
    kind, *numbers = token.split("/")
    if kind != "p" or len(numbers) != len(Position._fields):
        raise _RefusedError("The specified nextToken is invalid.")
    return Position(*map(_whole, numbers))


def _limit(parameters: Parameters, most: int) -> int:
    limit = parameters.get("limit", most)
    if not isinstance(limit, int) or not 1 <= limit <= most:
        raise _RefusedError(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value between 1 and {most}"
        )
    return limit


def _whole(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise _RefusedError("The specified nextToken is invalid.") from None


def _answer(status: int, content: Any) -> Answer:
    headers = [
        (b"content-type", b"application/x-amz-json-1.1"),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    return status, headers, json.dumps(content).encode()
