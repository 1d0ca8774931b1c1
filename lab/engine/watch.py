"""Looks at environments that have been in one state for some time."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

INTERVAL_S = 0.010

T = TypeVar("T")


class Watch(Generic[T]):
    """Calls ``look(item)`` each 10 ms for every item that entered as long ago; costs nothing while there is none.

    Entering and leaving are on the path of every invocation: they touch a dict, and no timer of their own.
    """

    def __init__(self, look: Callable[[T], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._look = look
        self._items: dict[T, float] = {}
        self._ticking = False

    def enter(self, item: T) -> None:
        """Begin to watch."""
        self._items[item] = time.perf_counter()
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(INTERVAL_S, self._tick)

    def leave(self, item: T) -> None:
        """Watch no longer."""
        self._items.pop(item, None)

    def _tick(self) -> None:
        self._ticking = bool(self._items)
        if not self._ticking:
            return
        long_ago = time.perf_counter() - INTERVAL_S
        for item, since in list(self._items.items()):
            if since <= long_ago:
                self._look(item)
        self._loop.call_later(INTERVAL_S, self._tick)
