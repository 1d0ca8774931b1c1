"""Updates of items during a window: writing them when they are due, and the staleness of answers that follows."""

import bisect
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from lab.aws.errors import error_code
from lab.drive.clock import Clock, when_due
from lab.drive.load import PlannedUpdate
from lab.drive.tally import Tally

THREAD_JOIN_S: Final = 5.0

logger = logging.getLogger(__name__)


class VersionTimeline:
    """The known versions of every item, and when each was known to be written. One thread adds, another reads.

    **Staleness** of an answer: how long the served version had been superseded when the request was sent; 0 if it was
    current. A version is superseded when the write of the next known version is acknowledged, so a value read during a
    write counts as current. Staleness is a lower bound in two cases. A write that was never acknowledged may have taken
    effect: the next acknowledged write counts. A served version may be older than all known ones (from before the
    run): the read after seeding counts.
    """

    def __init__(self) -> None:
        self._versions: dict[str, list[int]] = {}
        self._since: dict[str, list[float]] = {}

    def add(self, key: str, version: int, since: float) -> None:
        """Note that an item has ``version`` since ``since`` (Unix seconds); ignored if not above the last version."""
        versions = self._versions.setdefault(key, [])
        if versions and version <= versions[-1]:
            return
        # The time first: a reader that finds the version must find its time.
        self._since.setdefault(key, []).append(since)
        versions.append(version)

    def staleness_ms(self, key: str, version: int, sent_at: float) -> float:
        """Return the staleness of an answer with ``version`` to a request sent at ``sent_at`` (Unix seconds)."""
        versions = self._versions.get(key, [])
        following = bisect.bisect_right(versions, version)
        if following == len(versions):
            return 0.0
        return max(0.0, sent_at - self._since[key][following]) * 1000.0


@contextlib.contextmanager
def writing_updates(
    updates: Iterable[PlannedUpdate],
    *,
    opens_at: float,
    update: Callable[[str], int],
    timeline: VersionTimeline,
    clock: Clock,
    tally: Tally,
) -> Iterator[None]:
    """Write each update, earliest first, when it is due, in a thread, until the body ends.

    ``update`` writes the next version of an item and returns its number; it may block. ``timeline`` gets every version
    written. ``opens_at`` is when the window opens, by ``clock``.
    """
    stop = threading.Event()

    def write_each() -> None:
        for key in when_due(((opens_at + each.at, each.key) for each in updates), clock=clock, stop=stop):
            try:
                version = update(key)
            except (BotoCoreError, ClientError) as error:
                logger.warning("the update of %s was not acknowledged: %s", key, error)
                tally.updates_failed += 1
                code = error_code(error) if isinstance(error, ClientError) else type(error).__name__
                tally.update_errors[code] += 1
                continue
            timeline.add(key, version, clock())
            tally.updates_written += 1

    thread = threading.Thread(target=write_each, name="updates", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(THREAD_JOIN_S)
