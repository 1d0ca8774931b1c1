"""The updates of a window, written at their planned moments."""

import threading
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from lab.drive.clock import Clock, when_due
from lab.drive.planned import PlannedUpdate
from lab.drive.tally import Tally
from lab.drive.versions import VersionTimeline


def write_updates(
    updates: Sequence[PlannedUpdate],
    *,
    opens_at: float,
    update: Callable[[str], int],
    timeline: VersionTimeline | None,
    clock: Clock,
    tally: Tally,
    stop: threading.Event,
) -> None:
    """Write each update at its moment; for a thread of its own.

    Args:
        updates: earliest first.
        opens_at: when their offset 0 is, by `clock`.
        update: writes the next version of an item and gives its number; may block.
        timeline: is told of every version written, if there is one.
        clock: Unix seconds.
        tally: is told how many were written, and how many were not acknowledged.
        stop: ends it early.
    """
    planned = ((opens_at + each.at, each.key) for each in updates)
    for key in when_due(planned, clock=clock, stop=stop):
        try:
            version = update(key)
        except (BotoCoreError, ClientError):
            tally.updates_failed += 1
            continue
        if timeline is not None:
            timeline.add(key, version, clock())
        tally.updates_written += 1
