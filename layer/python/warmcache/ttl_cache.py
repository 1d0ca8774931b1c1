"""A cache in memory with a time to live."""

import time
from collections.abc import Callable

from cachetools import LRUCache

from warmcache._lifetime import Lifetime
from warmcache.cache import Entry, StoringCache, V
from warmcache.module_cache import bounded_entries


class TtlCache(StoringCache[V]):
    """Keeps a value for ``ttl_s`` seconds after it was read.

    Uses cachetools' ``LRUCache`` and not its ``TTLCache``, which needs a clock that never goes back: after a step back
    it serves expired values, or fails on a write. Here each entry carries the time of its own read.
    """

    def __init__(self, *, ttl_s: float, max_items: int | None = None, clock: Callable[[], float] = time.time) -> None:
        """Keep at most ``max_items`` (default: all); the least recently used value is dropped first.

        Args:
            ttl_s: seconds; 0 keeps nothing.
            max_items: 1 or more, or None.
            clock: returns Unix seconds.

        Raises:
            ValueError: ``ttl_s`` is negative or ``max_items`` less than 1.
        """
        super().__init__(clock)
        self._entries: LRUCache[str, Entry[V]] = bounded_entries(max_items)
        self._lifetime = Lifetime(ttl_s)

    def _now(self) -> float:
        now = self._clock()
        if self._lifetime.stepped_back(now):
            self._entries.clear()
        return now

    def _find(self, key: str, now: float) -> Entry[V] | None:
        entry = self._entries.get(key)
        return entry if entry is not None and self._lifetime.covers(entry.read_at, now) else None

    def _store(self, key: str, entry: Entry[V], now: float) -> None:
        if self._lifetime.covers(entry.read_at, now):
            self._entries[key] = entry
