"""The logs of functions: log streams by log group, in a file.

A stream's log is kept in pieces of whole lines, each with its time; reading cuts them into log events. When the file
has reached its size, the log group that has most of it loses its oldest part: a chatty function forgets its own.
"""

import dataclasses
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

FILE_BYTES: Final = 1 << 30
LONGEST_EVENT: Final = 256 << 10
"""A longer line is cut (AWS Lambda Developer Guide: a log event is 256 KB at most)."""

PLATFORM_EVENT: Final = b'{"time":'
_SCHEMA: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY, log_group INTEGER, stream INTEGER, at_ms INTEGER, taken_ms INTEGER, data BLOB
);
CREATE INDEX by_time ON pieces (log_group, at_ms, id, stream);
"""
_READ: Final = """
SELECT id, stream, at_ms, taken_ms, data FROM pieces
WHERE log_group = ? AND at_ms >= ? AND at_ms <= ? AND {streams} ORDER BY at_ms {order}, id {order}
"""
_OLDEST: Final = "SELECT at_ms, length(data) FROM pieces WHERE log_group = ? ORDER BY at_ms"


class Position(NamedTuple):
    """Where an event is in its log group: positions are in order of time."""

    at_ms: int
    piece: int
    line: int


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


@dataclasses.dataclass(slots=True)
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
        self._rows: list[tuple[int, int, int, int, bytes]] = []
        self._size = 0

    def append(self, name: tuple[str, str], at_ms: int, taken_ms: int, data: bytes) -> None:
        """Add whole lines to a stream, which is made if it is new; its name is log group and stream.

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
        of.size += len(data)
        self._size += len(data)
        self._rows.append((of.number, to.number, at_ms, taken_ms, data))

    def write(self) -> None:
        """Write what was added to the file, and keep the file within its size."""
        if not self._rows:
            return
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT INTO pieces (log_group, stream, at_ms, taken_ms, data) VALUES (?, ?, ?, ?, ?)", self._rows
        )
        self._rows.clear()
        while self._size > self._file_bytes:
            self._forget()
        self._file.execute("COMMIT")

    def groups(self) -> list[str]:
        """The names of the log groups."""
        return list(self._groups)

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
        start_ms = max(start_ms, after.at_ms) if after else start_ms
        end_ms = min(end_ms, before.at_ms) if before else end_ms
        query = _READ.format(streams=condition, order="DESC" if before else "ASC")
        for piece, stream, at_ms, taken_ms, data in self._file.execute(query, (found.number, start_ms, end_ms)):
            lines = list(enumerate(messages(data)))
            for line, message in reversed(lines) if before else lines:
                position = Position(at_ms, piece, line)
                if (after is None or position > after) and (before is None or position < before):
                    yield Event(position, names[stream], message, taken_ms)

    def delete_stream(self, group: str, stream: str) -> None:
        """Forget a stream."""
        found = self._groups[group]
        number = found.streams.pop(stream).number
        self._delete(found, "log_group = ? AND stream = ?", (found.number, number))

    def delete_group(self, group: str) -> None:
        """Forget a log group."""
        found = self._groups.pop(group)
        self._delete(found, "log_group = ?", (found.number,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _forget(self) -> None:
        largest = max(self._groups.values(), key=lambda group: group.size)
        goal = min(largest.size, self._size - self._file_bytes * 7 // 8)
        freed = last_ms = 0
        for at_ms, size in self._file.execute(_OLDEST, (largest.number,)):
            if freed >= goal and at_ms != last_ms:
                break
            freed, last_ms = freed + size, at_ms
        self._delete(largest, "log_group = ? AND at_ms <= ?", (largest.number, last_ms))

    def _delete(self, group: _Group, condition: str, values: tuple[int, ...]) -> None:
        size = self._file.execute(f"SELECT sum(length(data)) FROM pieces WHERE {condition}", values).fetchone()[0] or 0  # noqa: S608
        self._file.execute(f"DELETE FROM pieces WHERE {condition}", values)  # noqa: S608
        group.size -= size
        self._size -= size


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
