"""A log cut into pieces, each with its time, and these into the messages of log events."""

import math
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lab.engine.logs import framed_log

LONGEST_EVENT: Final = 256 << 10
"""A longer line is cut (AWS Lambda Developer Guide: a log event is 256 KB at most)."""

PLATFORM_EVENT: Final = b'{"time":'
_LINES: Final = re.compile(r"[^\n]+\n?")
_BYTE_LINES: Final = re.compile(rb"[^\n]+\n?")


class TimedPiece(NamedTuple):
    """Lines that were printed, or one record, and when: Unix seconds."""

    at: float
    text: bytes
    is_record: bool


def messages(text: bytes, *, is_record: bool = False) -> list[str]:
    """The messages of the log events in a piece of a log: a record, or each line that is not empty.

    A line keeps its end, except a platform event in JSON: so CloudWatch shows them.
    """
    if not is_record and len(text) <= LONGEST_EVENT and PLATFORM_EVENT not in text:
        return _LINES.findall(text.decode("utf-8", "replace"))
    found = []
    for line in [text] if is_record else _BYTE_LINES.findall(text):
        event = line.rstrip(b"\n") if is_platform_event(line) else line
        cuts = range(0, len(event), LONGEST_EVENT)
        found += [event[begin : begin + LONGEST_EVENT].decode("utf-8", "replace") for begin in cuts]
    return found


def timed(log: bytes, at: float, since: float, until: float) -> Iterator[TimedPiece]:
    """Cut a log that was written from ``since`` to ``until``.

    A record has its own time; one outside of these bounds is moved to the nearest bound. Lines have the time ``at``, or
    that of the record before or after them where the order requires it.
    """
    if framed_log.MARK not in log:
        yield TimedPiece(at, log, is_record=False)
        return
    pieces = list(framed_log.cut(log))
    times = [None if piece.time_us is None else min(max(piece.time_us / 1e6, since), until) for piece in pieces]
    before = [-math.inf, *times[:-1]]
    after = [*times[1:], math.inf]
    for piece, own, earlier, later in zip(pieces, times, before, after, strict=True):
        if own is None:
            assert earlier is not None
            assert later is not None
            yield TimedPiece(min(max(at, earlier), later), piece.text, is_record=False)
        else:
            yield TimedPiece(own, piece.text, is_record=True)


def is_platform_event(line: bytes) -> bool:
    """Whether Lambda itself wrote this line, in its JSON format."""
    return line.startswith(PLATFORM_EVENT) and b'"type":"platform.' in line
