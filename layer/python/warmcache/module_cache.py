"""A cache that lives as long as the execution environment."""

import math

from cachetools import LRUCache

from warmcache.cache import Entry, StoringCache, V


class ModuleCache(StoringCache[V]):
    """Keeps a value as long as the process lives. Keep the cache in a module's global variable.

    A value gets as stale as the environment gets old: hours, and more after a SnapStart restore.
    """

    def __init__(self, *, max_items: int | None = None) -> None:
        """Keep at most ``max_items`` (default: all); the least recently used value is dropped first.

        Raises:
            ValueError: ``max_items`` is less than 1.
        """
        super().__init__()
        self._entries: LRUCache[str, Entry[V]] = bounded_entries(max_items)

    def _find(self, key: str, now: float) -> Entry[V] | None:  # noqa: ARG002 -- see StoringCache
        return self._entries.get(key)

    def _store(self, key: str, entry: Entry[V], now: float) -> None:  # noqa: ARG002 -- see StoringCache
        self._entries[key] = entry


def bounded_entries(max_items: int | None) -> LRUCache[str, Entry[V]]:
    """Return an empty store of at most ``max_items`` (None: any number) that drops the least recently used first.

    Raises:
        ValueError: ``max_items`` is less than 1.
    """
    if max_items is not None and max_items < 1:
        raise ValueError(f"max_items is {max_items}: give 1 or more, or None for no bound")
    return LRUCache(math.inf if max_items is None else max_items)
