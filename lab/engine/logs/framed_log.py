"""Log records: what the runtime client writes in one piece for a message of Python's ``logging``, or for an error.

Each is one log event, however many lines it has, with its own time. The client (awslambdaric,
``FramedTelemetryLogSink``) writes them to the descriptor that ``_LAMBDA_TELEMETRY_LOG_FD`` names, as frames: type (4
bytes: 0xA55A00 and a byte for level and format), length of the message (4), Unix microseconds (8), message; big endian.
Here that descriptor leads to the log pipe, so that records stand in order between what is printed.

A function can write such frames too, or parts of them: then its own log shows something else than it printed.
"""

import struct
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

MARK: Final = b"\xa5\x5a\x00"
HEAD: Final = struct.Struct("!IIQ")
MOST_BYTES: Final = 1 << 20
"""Of a longer message this much is the record, and the rest is lines: a log event has 1 MiB at most."""


class Piece(NamedTuple):
    """A part of a log: lines that were printed, or the message of a record with its time in Unix microseconds."""

    text: bytes
    time_us: int | None = None


class Joiner:
    """Holds back a record that has not come whole (``held``), so that what is passed on can be cut into pieces."""

    def __init__(self) -> None:
        self.held = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> bytes:
        """Take what was written; give what can be passed on."""
        if not self.held and MARK[0] not in data:
            return data
        self.held += data
        if len(self.held) < self._needed:
            return b""
        end, self._needed = _whole(self.held)
        passed = bytes(self.held[:end])
        del self.held[:end]
        return passed

    def flush(self) -> bytes:
        """What is held back, as text: its rest is not to come."""
        text = bytes(self.held).replace(MARK, "\N{REPLACEMENT CHARACTER}".encode() + MARK[1:])
        self.held.clear()
        self._needed = 0
        return text


def record(message: bytes) -> bytes:
    """A record of now."""
    return HEAD.pack(int.from_bytes(MARK) << 8, len(message), time.time_ns() // 1000) + message


def cut(log: bytes) -> Iterator[Piece]:
    """The pieces of a log, in order; no two of lines follow one another. A record ends its line, and what is before."""
    printed = 0
    begin, end = _find(log, 0)
    while begin >= 0 and end <= len(log):
        if printed < begin:
            yield Piece(log[printed:begin])
        message = log[begin + HEAD.size : end]
        yield Piece(message, HEAD.unpack_from(log, begin)[2])
        is_ended = not message.endswith(b"\n") and log[end : end + 1] == b"\n"
        printed = end + is_ended
        begin, end = _find(log, printed)
    if printed < len(log):
        yield Piece(log[printed:])


def plain(log: bytes) -> bytes:
    """A log as text, each record on lines of its own."""
    if MARK not in log:
        return log
    *before, last = cut(log)
    text = b"".join(map(_ended, (piece.text for piece in before)))
    return text + (last.text if last.time_us is None else _ended(last.text))


def whole_lines(log: bytes) -> int:
    """Where the last whole line, or record, of a log ends."""
    end = 0
    begin, next_end = _find(log, 0)
    while begin >= 0 and next_end <= len(log):
        end = next_end
        begin, next_end = _find(log, end)
    return max(end, log.rfind(b"\n") + 1)


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") else text + b"\n"


def _find(log: bytes | bytearray, at: int) -> tuple[int, int]:
    """Where the next record begins and ends, which may be beyond the log; -1 and -1 where there is none."""
    begin = log.find(MARK, at)
    if begin < 0:
        return -1, -1
    head = log[begin : begin + HEAD.size]
    length = HEAD.unpack(head)[1] if len(head) == HEAD.size else 0
    return begin, begin + HEAD.size + min(length, MOST_BYTES)


def _whole(log: bytearray) -> tuple[int, int]:
    """Where the record begins that has not come whole, and how many bytes it needs; the length and 0 if all has."""
    at = 0
    while (found := _find(log, at))[0] >= 0:
        begin, at = found
        if at > len(log):
            return begin, at - begin
    for size in (2, 1):
        if len(log) - at >= size and log.endswith(MARK[:size]):
            return len(log) - size, 0
    return len(log), 0
