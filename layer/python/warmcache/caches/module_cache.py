"""A cache that lives as long as the execution environment."""

import math

from cachetools import LRUCache

from instrumentation.item import Item, Load
from warmcache.caches._single_flight import SingleFlight


class ModuleCache:
    """Keeps an item as long as the process lives. Keep it in a module's global.

    An item is as stale as the environment is old: hours, and after a SnapStart restore older still.
    """

    def __init__(self, *, max_items: int | None = None) -> None:
        """Keep at most ``max_items`` (default: all); the least recently used goes first.

        Raises:
            ValueError: ``max_items`` is less than 1.
        """
        self._items = bounded_items(max_items)
        self._flights = SingleFlight()

    def get(self, key: str, load: Load) -> Item:
        """See ``Cache.get``."""
        return self._flights.get(key, look=self._items.get, load=load, keep=self._items.__setitem__)


def bounded_items(max_items: int | None) -> LRUCache[str, Item]:
    """An empty store of at most ``max_items`` (None: any number), the least recently used going first.

    Raises:
        ValueError: ``max_items`` is less than 1.
    """
    if max_items is not None and max_items < 1:
        raise ValueError(f"max_items is {max_items}: give 1 or more, or None for no bound")
    return LRUCache(math.inf if max_items is None else max_items)
