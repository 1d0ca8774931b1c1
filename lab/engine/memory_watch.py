"""Looks at the memory of environments while they are busy."""

import asyncio
import time
from typing import Protocol

INTERVAL_S = 0.010


class Watched(Protocol):
    """An environment that can be over its memory."""

    def check_memory(self) -> None:
        """Look, and act if it is over."""


class MemoryWatch:
    """Checks each 10 ms every environment that has been busy for as long; costs nothing while none is."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._busy: dict[Watched, float] = {}
        self._ticking = False

    def enter(self, environment: Watched) -> None:
        """An environment has begun to work."""
        self._busy[environment] = time.perf_counter()
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(INTERVAL_S, self._tick)

    def leave(self, environment: Watched) -> None:
        """An environment has stopped working."""
        self._busy.pop(environment, None)

    def _tick(self) -> None:
        self._ticking = bool(self._busy)
        if not self._ticking:
            return
        long_ago = time.perf_counter() - INTERVAL_S
        for environment, since in list(self._busy.items()):
            if since <= long_ago:
                environment.check_memory()
        self._loop.call_later(INTERVAL_S, self._tick)
