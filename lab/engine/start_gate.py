"""How many environments may start at the same time on this machine."""

import collections
import os
from collections.abc import Callable


class StartGate:
    """Lets a few starts (cold ones and restores) through at a time, in the order in which they were asked for.

    Lambda has processors for every start; this machine has few, and a start keeps one busy. Without a bound,
    invocations that arrive during a slow start begin more starts, which are slower still, until nothing is served.
    ``delayed`` counts the starts that had to wait: a run with any says so.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit or os.cpu_count() or 1
        self.delayed = 0
        self._starting = 0
        self._waiting: collections.deque[Callable[[], bool]] = collections.deque()

    def ask(self, start: Callable[[], bool]) -> None:
        """Call ``start`` when there is room: now or later. It returns whether it still had something to start."""
        if self._starting < self.limit:
            self._starting += start()
        else:
            self._waiting.append(start)

    def pass_by(self) -> None:
        """A start that costs next to nothing begins, room or not."""
        self._starting += 1

    def started(self) -> None:
        """A start that was let through, or passed by, is over."""
        self._starting -= 1
        while self._waiting and self._starting < self.limit:
            if self._waiting.popleft()():
                self._starting += 1
                self.delayed += 1
