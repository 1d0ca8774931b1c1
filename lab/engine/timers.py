"""Timers that cost next to nothing on the path of an invocation."""

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

WATCH_INTERVAL_S = 0.010

T = TypeVar("T")


class Deadline:
    """Calls ``passed`` when a time has passed, unless it is set again or cleared before.

    It keeps one timer of the event loop, and moves it only when it fires: most deadlines never pass.
    """

    def __init__(self, passed: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._passed = passed
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._due: float | None = None

    def set(self, seconds: float) -> None:
        """Replace the deadline by one in so many seconds."""
        self._due = time.perf_counter() + seconds
        if self._timer is None or self._timer_at > self._due:
            self._start(self._due, seconds)

    def clear(self) -> None:
        """Remove the deadline."""
        self._due = None

    def close(self) -> None:
        """Remove the deadline and the event loop's timer."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()

    def _start(self, due: float, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = self._loop.call_later(seconds, self._fired)

    def _fired(self) -> None:
        self._timer = None
        if self._due is None:
            return
        remaining_s = self._due - time.perf_counter()
        if remaining_s > 0:
            self._start(self._due, remaining_s)
        else:
            self._due = None
            self._passed()


class Watch(Generic[T]):
    """Calls ``look(item)`` every 10 ms for each item that entered at least 10 ms ago."""

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
            self._loop.call_later(WATCH_INTERVAL_S, self._tick)

    def leave(self, item: T) -> None:
        """Stop watching, if it is watched."""
        self._items.pop(item, None)

    def _tick(self) -> None:
        self._ticking = bool(self._items)
        if not self._ticking:
            return
        entered_before = time.perf_counter() - WATCH_INTERVAL_S
        for item, since in list(self._items.items()):
            if since <= entered_before:
                self._look(item)
        self._loop.call_later(WATCH_INTERVAL_S, self._tick)
