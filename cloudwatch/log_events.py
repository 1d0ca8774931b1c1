"""Log events and log streams.

Table ``events``, a row for each log event:

- ``seq``: a number of its own; events of the same millisecond are in its order.
- ``log_group``, ``stream``: numbers (`LogEvents.group_id`). ``time``, ``ingested``: Unix milliseconds.
- ``message``: its text.
- ``type``: ``REPORT`` for the last line of an invocation, else null. Its figures are in ``request_id``,
  ``duration_ms``, ``billed_ms``, ``memory_mb``, ``max_memory_mb``, ``init_ms`` and ``restore_ms``.
- a number for each further field of the store.

Where a store is loaded from a run's records, ``seq``, ``stream``, ``ingested`` and ``message`` are null.

When the table has reached its size, the older half is dropped, except for the smallest log groups, which together
take a quarter of that half at most: a chatty function does not push out the events of the others.
"""

# ruff: noqa: S608 -- names are ours; values are parameters, or whole numbers
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import duckdb
import numpy as np

from cloudwatch.tables import RotatingTable

HELD_BYTES: Final = 4 << 20
EVENT_BYTES: Final = 150
"""About what an event takes beside its message."""

READ_AT_ONCE: Final = 10_000


class Position(NamedTuple):
    """Where an event is in its log group: positions are in order of time."""

    at_ms: int
    seq: int


class Event(NamedTuple):
    """One log event; times are Unix milliseconds."""

    position: Position
    stream: str
    message: str
    ingested_ms: int


class ReportFigures(NamedTuple):
    """What a REPORT line says: milliseconds and MB."""

    request_id: str
    duration_ms: float
    billed_ms: float
    memory_mb: float
    max_memory_mb: float
    init_ms: float | None
    restore_ms: float | None


_FIGURES: Final = ReportFigures._fields[1:]
_COLUMNS: Final = {
    **dict.fromkeys(("seq", "time", "ingested"), "BIGINT"),
    **dict.fromkeys(("log_group", "stream"), "INTEGER"),
    **dict.fromkeys(("message", "type", "request_id"), "VARCHAR"),
    **dict.fromkeys(_FIGURES, "DOUBLE"),
}
# DuckDB takes NaN of an array as null.
_INSERT: Final = "SELECT *, CASE WHEN duration_ms IS NOT NULL THEN 'REPORT' END AS type FROM batch"


@dataclasses.dataclass(slots=True)
class Stream:
    """A log stream; times are Unix milliseconds."""

    number: int
    name: str
    created_ms: int
    first_ms: int
    last_ms: int
    ingested_ms: int


class LogEvents:
    """All log groups with their streams and events. Part of a `cloudwatch.store.Store`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, fields: Sequence[str], most_bytes: int) -> None:
        self._connection, self._most_bytes = connection, most_bytes
        self._events = RotatingTable(connection, "events", _COLUMNS | dict.fromkeys(fields, "DOUBLE"), most_bytes)
        self._groups: dict[str, int] = {}
        self._streams: dict[str, dict[str, Stream]] = {}
        self._numbers = itertools.count(1)
        self._seq = 0
        self._messages: list[str] = []
        self._runs: list[tuple[int, int, int, int, int]] = []
        self._reports: list[tuple[int, ReportFigures]] = []
        self._held_bytes = 0

    def group_id(self, log_group: str) -> int:
        """The number of a log group, made if it is new."""
        return self._groups.setdefault(log_group, len(self._groups) + 1)

    def append(self, name: tuple[str, str], at_ms: int, ingested_ms: int, messages: Sequence[str]) -> None:
        """Add events, by their messages in order, to a stream; ``name`` is its log group and its own name.

        Times are Unix milliseconds.
        """
        group = self._groups.get(name[0]) or self.group_id(name[0])
        streams = self._streams.get(name[0])
        if streams is None:
            streams = self._streams[name[0]] = {}
        stream = streams.get(name[1])
        if stream is None:
            stream = streams[name[1]] = Stream(next(self._numbers), name[1], ingested_ms, at_ms, at_ms, ingested_ms)
        # On the path of every invocation, where min() and max() would take twice as long.
        if at_ms > stream.last_ms:
            stream.last_ms = at_ms
        elif at_ms < stream.first_ms:
            stream.first_ms = at_ms
        stream.ingested_ms = ingested_ms
        self._runs.append((group, stream.number, at_ms, ingested_ms, len(messages)))
        self._messages += messages
        self._held_bytes += sum(map(len, messages)) + len(messages) * EVENT_BYTES

    def add_figures(self, report: ReportFigures) -> None:
        """Say that the event that was appended last is a REPORT line, and what it says."""
        self._reports.append((len(self._messages) - 1, report))

    def spill(self) -> None:
        """Move what was appended from Python into the table, if it is much; a `duckdb.Error` means that it is lost."""
        if self._held_bytes > HELD_BYTES:
            self.insert_held()

    def insert_held(self) -> None:
        """Move what was appended from Python into the table, so that queries find it; errors as `spill`."""
        if not self._messages:
            return
        messages, self._messages = self._messages, []
        runs, self._runs = self._runs, []
        reports, self._reports = self._reports, []
        size, self._held_bytes = self._held_bytes, 0
        count = len(messages)
        group, stream, time, ingested, times = np.array(runs, dtype=np.int64).T
        batch = {"message": np.array(messages, dtype=object), "seq": np.arange(self._seq, self._seq + count)}
        columns = {"log_group": group, "stream": stream, "time": time, "ingested": ingested}
        batch |= {column: values.repeat(times) for column, values in columns.items()}
        figures = np.full((len(_FIGURES), count), np.nan)
        request_ids = np.full(count, None, dtype=object)
        if reports:
            places = [place for place, _ in reports]
            request_ids[places] = [report.request_id for _, report in reports]
            figures[:, places] = np.array([report[1:] for _, report in reports], dtype=float).T
        batch |= {"request_id": request_ids} | dict(zip(_FIGURES, figures, strict=True))
        self._seq += count
        if self._events.insert(_INSERT, batch, size):
            self._events.rotate(f"log_group IN ({', '.join(map(str, self._small_groups()))})")

    def streams(self, group: str) -> dict[str, Stream]:
        """A group's streams by name; none if there is no such group."""
        return self._streams.get(group, {})

    def events(
        self,
        group: str,
        streams: Sequence[str] | None,
        start_ms: int,
        end_ms: int,
        *,
        after: Position | None = None,
        before: Position | None = None,
        at_once: int = READ_AT_ONCE,
    ) -> Iterator[Event]:
        """Events of some streams, or of all, from ``start_ms`` to ``end_ms``, both included.

        In order of time, after a position; or in the reverse order, before a position. ``at_once`` is how many are
        read from the table at once.
        """
        self.insert_held()
        names = {stream.number: stream.name for name, stream in self.streams(group).items()}
        if streams is not None:
            names = {number: name for number, name in names.items() if name in streams}
        if not names:
            return
        condition = f"log_group = {self.group_id(group)} AND time BETWEEN {int(start_ms)} AND {int(end_ms)}"
        if streams is not None:
            condition += f" AND stream IN ({', '.join(map(str, names))})"
        sign, opposite, order, first = ("<", ">=", "DESC", "min") if before else (">", "<=", "ASC", "max")
        position = before or after
        while True:
            since = "true"
            if position is not None:
                at_ms, seq = position
                since = f"(time {sign} {at_ms} OR (time = {at_ms} AND seq {sign} {seq}))"
            # The times are sorted first, alone: to sort the messages too would take fifty times as long.
            rows = self._connection.execute(f"""
                WITH found AS (SELECT time FROM all_events WHERE {condition} AND {since}
                               ORDER BY time {order} LIMIT {at_once})
                SELECT time, seq, stream, message, ingested FROM all_events
                WHERE {condition} AND {since} AND time {opposite} (SELECT {first}(time) FROM found)
                ORDER BY time {order}, seq {order} LIMIT {at_once}""").fetchall()
            for at_ms, seq, stream, message, ingested_ms in rows:
                position = Position(at_ms, seq)
                if stream in names:
                    yield Event(position, names[stream], message, ingested_ms)
            if len(rows) < at_once:
                return

    def delete_stream(self, group: str, stream: str) -> None:
        """Delete a stream with its events."""
        self.insert_held()
        self._events.delete(f"stream = {self._streams[group].pop(stream).number}")

    def _small_groups(self) -> list[int]:
        """The smallest groups, which together take a quarter of the older half at most."""
        sizes = f"SELECT log_group, sum(strlen(message) + {EVENT_BYTES}) FROM old_events GROUP BY 1 ORDER BY 2"
        rows = self._connection.execute(sizes).fetchall()
        totals = itertools.accumulate(size for _, size in rows)
        return [-1, *(group for (group, _), total in zip(rows, totals, strict=True) if total <= self._most_bytes / 8)]
