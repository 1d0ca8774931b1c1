"""The clock of a run, and the wait until something is due."""

import itertools
import operator
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

Clock: TypeAlias = Callable[[], float]
"""Returns Unix seconds."""

Planned = TypeVar("Planned")


def steady_clock() -> Clock:
    """Return a clock that starts at the wall clock's time and then follows the monotonic clock.

    A correction of the wall clock during a run would otherwise be part of the latencies.
    """
    offset = time.time() - time.perf_counter()
    return lambda: offset + time.perf_counter()


def when_due(planned: Iterable[tuple[float, Planned]], *, clock: Clock, stop: threading.Event) -> Iterator[Planned]:
    """Yield each item when it is due (Unix seconds), at once if that time has passed; end when ``stop`` is set.

    Use it in a thread: an event loop's timers have whole milliseconds, a thread wakes within a tenth of one. All items
    of one time are taken from ``planned`` before the wait for them, so the work of making them is done in advance.
    """
    for due, items in itertools.groupby(planned, key=operator.itemgetter(0)):
        together = [item for _, item in items]
        if stop.wait(max(0.0, due - clock())):
            return
        yield from together
