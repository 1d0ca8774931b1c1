"""A timer that is set for every invocation and hardly ever fires."""

import asyncio
import time
from collections.abc import Callable


class Deadline:
    """Calls back when a time has passed, unless it is set anew or cleared before.

    A timer of the event loop that is due earlier is left as it is and set on when it fires, so that setting and
    clearing cost next to nothing.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._due = 0.0
        self._call: Callable[[], None] | None = None

    def set(self, seconds: float, call: Callable[[], None]) -> None:
        """Call in so many seconds; what was set before is forgotten."""
        self._due = time.perf_counter() + seconds
        self._call = call
        if self._timer is None or self._timer_at > self._due:
            self._start(seconds)

    def clear(self) -> None:
        """Do not call."""
        self._call = None

    def close(self) -> None:
        """Let go of the event loop's timer too."""
        self._call = None
        if self._timer is not None:
            self._timer.cancel()

    def _start(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._due
        self._timer = self._loop.call_later(seconds, self._fired)

    def _fired(self) -> None:
        self._timer = None
        call = self._call
        if call is None:
            return
        remaining_s = self._due - time.perf_counter()
        if remaining_s > 0:
            self._start(remaining_s)
        else:
            self._call = None
            call()
