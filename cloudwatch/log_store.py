"""The logs of functions: log streams by log group, in a file.

A row holds what a stream logged in a moment: pieces of whole lines, each with its time, which reading cuts into log
events, and records, each an event. When the file has reached its size, the log group that has most of it loses its
oldest part: a chatty function forgets its own.
"""

import dataclasses
import heapq
import itertools
import marshal
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

FILE_BYTES: Final = 1 << 30
LONGEST_EVENT: Final = 256 << 10
"""A longer line is cut (AWS Lambda Developer Guide: a log event is 256 KB at most)."""

PLATFORM_EVENT: Final = b'{"time":'
_SCHEMA: Final = """
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
CREATE TABLE pages (
    id INTEGER PRIMARY KEY, log_group INTEGER, stream INTEGER,
    first_ms INTEGER, last_ms INTEGER, taken_ms INTEGER, size INTEGER, pieces BLOB
);
CREATE INDEX by_first ON pages (log_group, first_ms);
CREATE INDEX by_last ON pages (log_group, last_ms);
"""
_READ: Final = """
SELECT id, stream, first_ms, last_ms, taken_ms, pieces FROM pages
WHERE log_group = ? AND last_ms >= ? AND first_ms <= ? AND {streams} ORDER BY {order}
"""


class Position(NamedTuple):
    """Where an event is in its log group: positions are in order of time."""

    at_ms: int
    page: int
    line: int


_BEGIN: Final = Position(-1, 0, 0)
_END: Final = Position(1 << 62, 0, 0)


class Event(NamedTuple):
    """One log event. Times are Unix milliseconds: when it was logged, and when it was taken in."""

    position: Position
    stream: str
    message: str
    taken_ms: int


@dataclasses.dataclass(slots=True)
class Stream:
    """A log stream. Times are Unix milliseconds."""

    number: int
    name: str
    created_ms: int
    first_ms: int
    last_ms: int
    taken_ms: int


@dataclasses.dataclass(slots=True, eq=False)
class _Group:
    number: int
    streams: dict[str, Stream] = dataclasses.field(default_factory=dict)
    size: int = 0


class LogStore:
    """All log groups that functions write to, in a file of its own. Used from one thread."""

    def __init__(self, path: Path, *, file_bytes: int = FILE_BYTES) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.executescript(_SCHEMA)
        self._file_bytes = file_bytes
        self._groups: dict[str, _Group] = {}
        self._numbers = 0
        self._pages: dict[tuple[_Group, int], list[tuple[int, bytes, bool]]] = {}
        self._taken_ms = 0
        self._size = 0

    def append(self, name: tuple[str, str], at_ms: int, taken_ms: int, data: bytes, *, is_record: bool = False) -> None:
        """Add whole lines, or one record, to a stream, which is made if it is new; its name is log group and stream.

        They can be read after `write`.
        """
        group, stream = name
        of = self._groups.get(group)
        if of is None:
            of = self._groups[group] = _Group(self._number())
        to = of.streams.get(stream)
        if to is None:
            to = of.streams[stream] = Stream(self._number(), stream, taken_ms, at_ms, at_ms, taken_ms)
        to.first_ms, to.last_ms = min(to.first_ms, at_ms), max(to.last_ms, at_ms)
        to.taken_ms = taken_ms
        self._taken_ms = taken_ms
        self._pages.setdefault((of, to.number), []).append((at_ms, data, is_record))

    def write(self) -> None:
        """Write what was added to the file, and keep the file within its size.

        Raises:
            sqlite3.Error: it could not be written, and is lost.
        """
        if not self._pages:
            return
        pages, self._pages = self._pages, {}
        sizes = [sum(len(data) for _, data, _ in pieces) for pieces in pages.values()]
        rows = [
            _row(group.number, stream, self._taken_ms, size, pieces)
            for ((group, stream), pieces), size in zip(pages.items(), sizes, strict=True)
        ]
        with self._file:
            self._file.execute("BEGIN")
            self._file.executemany("INSERT INTO pages VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", rows)
        for (group, _), size in zip(pages, sizes, strict=True):
            group.size += size
            self._size += size
        while self._size > self._file_bytes:
            self._forget()

    def streams(self, group: str) -> dict[str, Stream]:
        """A group's streams by name; none if there is no such group."""
        found = self._groups.get(group)
        return found.streams if found else {}

    def events(
        self,
        group: str,
        streams: Sequence[str] | None,
        start_ms: int,
        end_ms: int,
        *,
        after: Position | None = None,
        before: Position | None = None,
    ) -> Iterator[Event]:
        """Events of some streams, or of all, from ``start_ms`` to ``end_ms``, both included.

        In order of time, after a position; or, where ``before`` is given, in the reverse order, before that position.
        """
        found = self._groups.get(group)
        if found is None:
            return
        names = {stream.number: stream.name for stream in found.streams.values()}
        wanted = [found.streams[name].number for name in streams or () if name in found.streams]
        condition = "1" if streams is None else f"stream IN ({','.join(map(str, wanted))})"
        first = max(Position(start_ms, 0, 0), Position(*after[:2], after.line + 1) if after else _BEGIN)
        last = min(Position(end_ms + 1, 0, 0), before or _END)  # itself not included
        order = "last_ms DESC, id DESC" if before else "first_ms, id"
        query = _READ.format(streams=condition, order=order)
        rows = self._file.execute(query, (found.number, first.at_ms, min(last.at_ms, end_ms)))
        within = (
            (last_ms if before else first_ms, [event for event in events if first <= event.position < last])
            for page, stream, first_ms, last_ms, taken_ms, pieces in rows
            for events in [_events(page, names[stream], taken_ms, pieces)]
        )
        yield from _in_order(within, -1 if before else 1)

    def delete_stream(self, group: str, stream: str) -> None:
        """Forget a stream."""
        found = self._groups[group]
        number = found.streams.pop(stream).number
        self._delete(found, "log_group = ? AND stream = ?", (found.number, number))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _forget(self) -> None:
        largest = max(self._groups.values(), key=lambda group: group.size)
        goal = min(largest.size, self._size - self._file_bytes * 7 // 8)
        freed = last = 0
        query = "SELECT id, size FROM pages WHERE log_group = ? ORDER BY id"
        for page, size in self._file.execute(query, (largest.number,)):
            freed, last = freed + size, page
            if freed >= goal:
                break
        self._delete(largest, "log_group = ? AND id <= ?", (largest.number, last))

    def _delete(self, group: _Group, condition: str, values: tuple[int, ...]) -> None:
        size = self._file.execute(f"SELECT total(size) FROM pages WHERE {condition}", values).fetchone()[0]  # noqa: S608
        self._file.execute(f"DELETE FROM pages WHERE {condition}", values)  # noqa: S608
        group.size -= int(size)
        self._size -= int(size)


def _row(group: int, stream: int, taken_ms: int, size: int, pieces: list[tuple[int, bytes, bool]]) -> tuple[Any, ...]:
    times = [at_ms for at_ms, _, _ in pieces]
    return group, stream, min(times), max(times), taken_ms, size, marshal.dumps(pieces)


def _events(page: int, stream: str, taken_ms: int, pieces: bytes) -> Iterator[Event]:
    numbers = itertools.count()
    for at_ms, data, is_record in marshal.loads(pieces):  # noqa: S302 - our own file, of this run
        for message in _messages(data) if is_record else messages(data):
            yield Event(Position(at_ms, page, next(numbers)), stream, message, taken_ms)


def _in_order(pages: Iterable[tuple[int, list[Event]]], sign: int) -> Iterator[Event]:
    """The events of pages that overlap in time, in order (1) or in reverse (-1); pages come in order of their time.

    What waits is given as soon as no page that follows can have anything before it.
    """
    waiting: list[tuple[tuple[int, ...], Event]] = []
    for at_ms, events in pages:
        while waiting and waiting[0][0][0] < sign * at_ms:
            yield heapq.heappop(waiting)[1]
        for event in events:
            heapq.heappush(waiting, (tuple(sign * number for number in event.position), event))
    while waiting:
        yield heapq.heappop(waiting)[1]


def messages(data: bytes) -> list[str]:
    r"""The messages of the log events in a piece of a log: its lines.

    A line keeps its end, except a platform event in JSON: so CloudWatch shows them. Empty lines are no events.
    """
    lines = data.split(b"\n")
    whole = [line + b"\n" for line in lines[:-1] if line]
    return [message for line in [*whole, *filter(None, lines[-1:])] for message in _messages(line)]


def _messages(line: bytes) -> list[str]:
    if line.startswith(PLATFORM_EVENT) and b'"type":"platform.' in line:
        return [line.rstrip(b"\n").decode("utf-8", "replace")]
    parts = [line] if len(line) <= LONGEST_EVENT else _cut(line)
    return [part.decode("utf-8", "replace") for part in parts]


def _cut(line: bytes) -> list[bytes]:
    return [line[begin : begin + LONGEST_EVENT] for begin in range(0, len(line), LONGEST_EVENT)]
