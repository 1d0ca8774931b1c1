"""Whether an entry is young enough, by a clock that may be wrong."""

import math


class Lifetime:
    """A time to live by the wall clock, the only one that is right after a snapshot restore.

    The wall clock can be set back. Entries from before would then look younger than they are, so a cache drops them as
    soon as ``stepped_back`` shows it. A step back goes unseen if nobody asks until the clock has passed the last read
    again: an entry can then live longer by that step.
    """

    def __init__(self, ttl_s: float) -> None:
        if not ttl_s >= 0:
            raise ValueError(f"ttl_s is {ttl_s}: give a number of seconds, 0 or more")
        self._ttl_s = ttl_s
        self._latest = -math.inf

    def stepped_back(self, now: float) -> bool:
        """Return whether ``now`` is before the last time given. Call it from one thread at a time."""
        back = now < self._latest
        self._latest = now
        return back

    def covers(self, read_at: float, now: float) -> bool:
        """Return whether what was read at ``read_at`` may be served at ``now`` (both Unix seconds)."""
        return read_at <= now < read_at + self._ttl_s
