"""CloudWatch Logs' operations on the log streams of functions, and Logs Insights' on their log groups.

Source: Amazon CloudWatch Logs API reference. Log groups themselves are the emulator's; so are groups that no function
writes to, and streams that a client has made.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from cloudwatch.errors import CloudWatchError, UnsupportedError
from cloudwatch.filter_pattern import PatternError, compiled
from cloudwatch.insights import ACCOUNT, MOST_ROWS, Query, parse_query
from cloudwatch.log_events import Event, Position, Stream
from cloudwatch.protocol import Answer, answer_headers
from cloudwatch.store import Store

MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 1 << 20
MOST_SEARCHED: Final = 50_000
MOST_STREAMS: Final = 50
MOST_GROUPS: Final = 50
KEPT_QUERIES: Final = 100
END_OF_TIME: Final = 1 << 62

Parameters = dict[str, Any]


class LogsApi:
    """The operations, over one store. ``created_ms`` says when a log group was made, Unix ms; None if there is none."""

    def __init__(self, store: Store, created_ms: Callable[[str], int | None]) -> None:
        self._store, self._logs, self._created_ms = store, store.logs, created_ms
        self._on_group: dict[str, Callable[[str, Parameters], Any]] = {
            "DescribeLogStreams": self._describe_log_streams,
            "GetLogEvents": self._get_log_events,
            "FilterLogEvents": self._filter_log_events,
            "DeleteLogStream": self._delete_log_stream,
        }
        self._on_queries: dict[str, Callable[[Parameters], Any]] = {
            "StartQuery": self._start_query,
            "GetQueryResults": self._get_query_results,
            "StopQuery": self._stop_query,
            "DescribeQueries": self._describe_queries,
        }
        self._queries: dict[str, tuple[Parameters, list[Any]]] = {}

    def answer(self, operation: str, body: bytes) -> Answer | None:
        """The answer to a request; None where the emulator answers."""
        try:
            parameters = json.loads(body or b"{}")
            group = _group_name(parameters)
        except (ValueError, AttributeError, TypeError):
            return None
        try:
            if operation in self._on_queries:
                result = self._on_queries[operation](parameters)
            elif operation in self._on_group and group is not None and self._has(group):
                result = self._on_group[operation](group, parameters)
            else:
                return None
        except CloudWatchError as error:
            return _answer(error.status, {"__type": error.code, "message": str(error)})
        return None if result is None else _answer(200, result)

    def _has(self, group: str) -> bool:
        """Whether functions have written to this group since it was made."""
        if not self._logs.streams(group):
            return False
        created_ms = self._created_ms(group)
        for name, stream in list(self._logs.streams(group).items()):
            if created_ms is None or stream.ingested_ms < created_ms:
                self._logs.delete_stream(group, name)
        return bool(self._logs.streams(group))

    def _describe_log_streams(self, group: str, parameters: Parameters) -> Any:
        prefix, order = parameters.get("logStreamNamePrefix", ""), parameters.get("orderBy", "LogStreamName")
        if order not in ("LogStreamName", "LastEventTime"):
            raise _invalid(f"'{order}' is not a value of orderBy")
        if prefix and order == "LastEventTime":
            raise _invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        found = [stream for name, stream in self._logs.streams(group).items() if name.startswith(prefix)]
        found.sort(
            key=lambda stream: (stream.last_ms if order == "LastEventTime" else 0, stream.name),
            reverse=parameters.get("descending") is True,
        )
        begin = _whole(parameters.get("nextToken", 0))
        end = begin + _limit(parameters, MOST_STREAMS)
        streams = [_described(group, stream) for stream in found[begin:end]]
        return {"logStreams": streams} | ({"nextToken": str(end)} if end < len(found) else {})

    def _get_log_events(self, group: str, parameters: Parameters) -> Any:
        name = parameters.get("logStreamName")
        if name not in self._logs.streams(group):
            return None
        token, limit = parameters.get("nextToken"), _limit(parameters, MOST_EVENTS)
        if token is not None:
            direction, _, rest = str(token).partition("/")
            forward, position = direction == "f", _position(f"p/{rest}")
        else:
            forward = parameters.get("startFromHead") is True
            position = Position(-1 if forward else END_OF_TIME, 0)
        start_ms, end_ms = parameters.get("startTime", 0), parameters.get("endTime", END_OF_TIME) - 1
        bound = {"after" if forward else "before": position}
        page = list(_page(self._logs.events(group, [name], start_ms, end_ms, **bound, at_once=limit), limit))
        if not forward:
            page.reverse()
        first, last = (page[0].position, page[-1].position) if page else (position, position)
        tokens = {"nextForwardToken": _token("f", last), "nextBackwardToken": _token("b", first)}
        return {"events": [_shown(event) for event in page], **tokens}

    def _filter_log_events(self, group: str, parameters: Parameters) -> Any:
        names = parameters.get("logStreamNames")
        if prefix := parameters.get("logStreamNamePrefix"):
            if names:
                raise _invalid("logStreamNamePrefix and logStreamNames cannot both be specified.")
            names = [name for name in self._logs.streams(group) if name.startswith(prefix)]
        try:
            wanted = compiled(parameters.get("filterPattern", ""))
        except PatternError as error:
            raise _invalid(str(error)) from None
        last = after = _position(parameters["nextToken"]) if "nextToken" in parameters else Position(-1, 0)
        start_ms, end_ms = parameters.get("startTime", 0), parameters.get("endTime", END_OF_TIME)
        limit = _limit(parameters, MOST_EVENTS)
        events: list[dict[str, Any]] = []
        size = 0
        for searched, event in enumerate(self._logs.events(group, names, start_ms, end_ms, after=after)):
            if len(events) == limit or size > MOST_BYTES or searched == MOST_SEARCHED:
                return {"events": events, "searchedLogStreams": [], "nextToken": _token("p", last)}
            last = event.position
            if wanted(event.message):
                at_ms, seq = last
                events.append(_shown(event) | {"logStreamName": event.stream, "eventId": f"{at_ms:028}{seq:028}"})
                size += len(event.message)
        return {"events": events, "searchedLogStreams": []}

    def _delete_log_stream(self, group: str, parameters: Parameters) -> Any:
        name = parameters.get("logStreamName")
        if name not in self._logs.streams(group):
            return None
        self._logs.delete_stream(group, name)
        return {}

    def _start_query(self, parameters: Parameters) -> Any:
        """Answer the query at once, and keep its result for GetQueryResults."""
        text, start, end = (parameters.get(name) for name in ("queryString", "startTime", "endTime"))
        if not isinstance(text, str) or not isinstance(start, int) or not isinstance(end, int) or start > end:
            raise _invalid("queryString, startTime and endTime must be given, and startTime must not be after endTime")
        names = [parameters["logGroupName"]] if "logGroupName" in parameters else []
        names += parameters.get("logGroupNames", []) + parameters.get("logGroupIdentifiers", [])
        try:
            query = parse_query(text, [_of_arn(name) for name in names])
            self._check_groups(query)
            result = self._store.insights(query, start=start, end=end + 1)
        except UnsupportedError as error:
            raise CloudWatchError("MalformedQueryException", f"The query is not supported here: {error}") from None
        rows = result.rows[: _limit(parameters, MOST_ROWS)]
        identifier = str(uuid.uuid4())
        described = {
            "queryId": identifier,
            "queryString": text,
            "status": "Complete",
            "createTime": int(time.time() * 1000),
            "logGroupName": query.log_groups[0],
        }
        cells = [[cell for cell in zip(result.columns, row, strict=True) if cell[1] is not None] for row in rows]
        texts = [[{"field": column, "value": _text(value)} for column, value in row] for row in cells]
        self._queries[identifier] = described, texts
        if len(self._queries) > KEPT_QUERIES:
            del self._queries[next(iter(self._queries))]
        return {"queryId": identifier}

    def _check_groups(self, query: Query) -> None:
        if len(query.log_groups) > MOST_GROUPS:
            raise _invalid(f"A query reads at most {MOST_GROUPS} log groups.")
        for name in query.log_groups:
            if not self._has(name) and self._created_ms(name) is None:
                message = f"Log group '{name}' does not exist for account ID '{ACCOUNT}'"
                raise CloudWatchError("ResourceNotFoundException", message)

    def _get_query_results(self, parameters: Parameters) -> Any:
        described, results = self._query(parameters)
        statistics = {"recordsMatched": len(results), "recordsScanned": len(results), "bytesScanned": 0}
        return {"results": results, "statistics": statistics, "status": described["status"]}

    def _stop_query(self, parameters: Parameters) -> Any:
        self._query(parameters)
        raise _invalid("Query has already ended and cannot be stopped.")

    def _describe_queries(self, parameters: Parameters) -> Any:
        group, status = parameters.get("logGroupName"), parameters.get("status", "Complete")
        found = [of for of, _ in self._queries.values() if group in (None, of["logGroupName"])]
        return {"queries": [of for of in reversed(found) if of["status"] == status]}

    def _query(self, parameters: Parameters) -> tuple[Parameters, list[Any]]:
        identifier = parameters.get("queryId")
        found = self._queries.get(str(identifier))
        if found is None:
            raise CloudWatchError("ResourceNotFoundException", f"The query '{identifier}' does not exist.")
        return found


def _group_name(parameters: Parameters) -> str | None:
    name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier")
    return _of_arn(name) if isinstance(name, str) else None


def _of_arn(name: str) -> str:
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
        "lastIngestionTime": stream.ingested_ms,
        "uploadSequenceToken": "0",
        "arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:log-stream:{stream.name}",
        "storedBytes": 0,
    }


def _shown(event: Event) -> dict[str, Any]:
    return {"timestamp": event.position.at_ms, "message": event.message, "ingestionTime": event.ingested_ms}


def _text(value: Any) -> str:
    """A value as Insights writes it: whole numbers without a point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _token(kind: str, position: Position) -> str:
    return "/".join([kind, *map(str, position)])


def _position(token: str) -> Position:
    kind, *numbers = token.split("/")
    if kind != "p" or len(numbers) != len(Position._fields):
        raise _invalid("The specified nextToken is invalid.")
    return Position(*map(_whole, numbers))


def _limit(parameters: Parameters, most: int) -> int:
    limit = parameters.get("limit", most)
    if not isinstance(limit, int) or not 1 <= limit <= most:
        raise _invalid(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value between 1 and {most}"
        )
    return limit


def _whole(text: Any) -> int:
    try:
        return int(text)
    except ValueError:
        raise _invalid("The specified nextToken is invalid.") from None


def _invalid(message: str) -> CloudWatchError:
    return CloudWatchError("InvalidParameterException", message)


def _answer(status: int, content: Any) -> Answer:
    return status, answer_headers("application/x-amz-json-1.1", str(uuid.uuid4())), json.dumps(content).encode()
