"""One load a key at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from instrumentation.item import Item, Load


class SingleFlight:
    """Looks, loads and keeps for a cache, so that a herd of threads makes one downstream call.

    ``look`` and ``keep`` run under one lock, ``load`` outside it: a slow load of one key does not hold up the
    hits of others, and who finds nothing either leads a load or follows the one under way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Future[Item]] = {}

    def get(
        self,
        key: str,
        *,
        look: Callable[[str], Item | None],
        load: Load,
        keep: Callable[[str, Item], None],
    ) -> Item:
        """See ``warmcache.caches.Cache.get``.

        Args:
            key: what is asked for.
            look: the item kept for a key, or None.
            load: reads downstream.
            keep: takes an item to keep for a key.
        """
        if not isinstance(key, str):
            raise TypeError(f"the key {key!r} is not a string: 1 and True would be one key")
        with self._lock:
            item = look(key)
            if item is not None:
                return item
            flight = self._flights.get(key)
            if flight is None:
                own = self._flights[key] = Future[Item]()
        if flight is not None:
            return flight.result()
        return self._lead(own, key, load, keep)

    def _lead(self, flight: Future[Item], key: str, load: Load, keep: Callable[[str, Item], None]) -> Item:
        try:
            item = load(key)
            if item.key != key:
                raise ValueError(f"the load of {key!r} gave the item of {item.key!r}")
            with self._lock:
                keep(key, item)
        except BaseException as failure:
            flight.set_exception(failure)
            raise
        else:
            flight.set_result(item)
            return item
        finally:
            with self._lock:
                del self._flights[key]
