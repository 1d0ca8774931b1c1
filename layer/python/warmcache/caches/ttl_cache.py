"""A cache whose items are never older than their time to live."""

import time
from collections.abc import Callable

from instrumentation.item import Item, Load
from warmcache.caches._lifetime import Lifetime
from warmcache.caches._single_flight import SingleFlight
from warmcache.caches.module_cache import bounded_items


class TtlCache:
    """Keeps an item for ``ttl_s`` seconds after it was read.

    Over cachetools' ``LRUCache`` rather than its ``TTLCache``, whose clock must never go back: after a step
    back it serves what it should not, or fails on a write. Here each item carries the time of its own read.
    """

    def __init__(self, *, ttl_s: float, max_items: int | None = None, clock: Callable[[], float] = time.time) -> None:
        """Keep at most ``max_items`` (default: all); the least recently used goes first.

        Args:
            ttl_s: seconds; 0 keeps nothing.
            max_items: 1 or more, or None.
            clock: Unix seconds, the clock that items' ``read_at`` is taken from.

        Raises:
            ValueError: ``ttl_s`` is negative or ``max_items`` less than 1.
        """
        self._items = bounded_items(max_items)
        self._lifetime = Lifetime(ttl_s, clock, self._items.clear)
        self._flights = SingleFlight()

    def get(self, key: str, load: Load) -> Item:
        """See ``Cache.get``."""
        return self._flights.get(key, look=self._look, load=load, keep=self._keep)

    def _look(self, key: str) -> Item | None:
        now = self._lifetime.now()
        item = self._items.get(key)
        return item if item is not None and self._lifetime.covers(item.read_at, now) else None

    def _keep(self, key: str, item: Item) -> None:
        if self._lifetime.covers(item.read_at, self._lifetime.now()):
            self._items[key] = item
