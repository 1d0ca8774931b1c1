"""How many environments may start at the same time on this machine."""

import collections
import os
from collections.abc import Callable


class StartGate:
    """Admits a few starts (cold ones and restores) at a time, in the order of the requests.

    A start keeps a processor busy. Without a bound, invocations that arrive during a slow start begin more starts,
    which are slower still. ``delayed`` counts the starts that were late because of that: a start-up profile hides short
    waits.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit or os.cpu_count() or 1
        self.delayed = 0
        self._starting = 0
        self._waiting: collections.deque[Callable[[], bool]] = collections.deque()

    def ask(self, start: Callable[[], bool]) -> None:
        """Call ``start`` when there is room: now or later. It returns whether it still had something to start."""
        if self._starting < self.limit:
            self._begin(start)
        else:
            self._waiting.append(start)

    def started(self) -> None:
        """A start is over."""
        self._starting -= 1
        while self._waiting and self._starting < self.limit:
            self._begin(self._waiting.popleft())

    def _begin(self, start: Callable[[], bool]) -> None:
        self._starting += 1  # before the call, which may end another start
        began = False
        try:
            began = start()
        finally:
            self._starting -= not began
