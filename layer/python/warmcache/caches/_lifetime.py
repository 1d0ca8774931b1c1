"""Whether an item is young enough, by a clock that may be wrong."""

import math
from collections.abc import Callable


class Lifetime:
    """A time to live by the wall clock, the only one that is right after a snapshot restore.

    The wall clock can be set back. All that was read before would then look younger than it is, so
    ``forget_all`` is called as soon as that shows. A step back is not seen if nobody asked between the last
    read and the moment when the clock is past that read again: an item can then live longer by that step.
    """

    def __init__(self, ttl_s: float, clock: Callable[[], float], forget_all: Callable[[], None]) -> None:
        if not ttl_s >= 0:
            raise ValueError(f"ttl_s is {ttl_s}: give a number of seconds, 0 or more")
        self._ttl_s = ttl_s
        self._clock = clock
        self._forget_all = forget_all
        self._latest = -math.inf

    def now(self) -> float:
        """Unix seconds. Not to be called by two threads at once."""
        now = self._clock()
        if now < self._latest:
            self._forget_all()
        self._latest = now
        return now

    def covers(self, read_at: float, now: float) -> bool:
        """Whether what was read at ``read_at`` may be served at ``now`` (both Unix seconds)."""
        return read_at <= now < read_at + self._ttl_s
