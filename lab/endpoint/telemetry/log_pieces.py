"""The pieces of a log, each with its time."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from lab.engine.logs import framed_log


class TimedPiece(NamedTuple):
    """Lines that were printed, or one record, and when: Unix seconds."""

    at: float
    text: bytes
    is_record: bool


def timed(log: bytes, at: float, since: float, until: float) -> Iterator[TimedPiece]:
    """Cut a log that was written from ``since`` to ``until``.

    A record tells its own time, and one out of these bounds is not believed. Lines are given the time ``at``, or the
    time of the record before or after them where the order asks for that.
    """
    if framed_log.MARK not in log:
        yield TimedPiece(at, log, is_record=False)
        return
    pieces = list(framed_log.cut(log))
    times = [None if piece.time_us is None else min(max(piece.time_us / 1e6, since), until) for piece in pieces]
    before = [-math.inf, *times[:-1]]
    after = [*times[1:], math.inf]
    for piece, told, earlier, later in zip(pieces, times, before, after, strict=True):
        if told is None:
            assert earlier is not None
            assert later is not None
            yield TimedPiece(min(max(at, earlier), later), piece.text, is_record=False)
        else:
            yield TimedPiece(told, piece.text, is_record=True)
