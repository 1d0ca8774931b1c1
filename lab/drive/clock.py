"""Keeping to planned moments: the run's clock, and a thread's wait for each moment."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

Clock: TypeAlias = Callable[[], float]
Planned = TypeVar("Planned")


def steady_clock() -> Clock:
    """A clock of Unix seconds that never steps: the wall clock now, carried on by the monotonic one.

    A correction of the wall clock during a run would else be in the latencies.
    """
    offset = time.time() - time.perf_counter()
    return lambda: offset + time.perf_counter()


def when_due(planned: Iterable[tuple[float, Planned]], *, clock: Clock, stop: threading.Event) -> Iterator[Planned]:
    """Give out each thing at its moment (Unix seconds), at once if that has passed; end early when ``stop`` is set.

    For a thread of its own: an event loop wakes for a timer on whole milliseconds only, a thread within some tenth of
    one. Each thing is taken from ``planned`` before the wait for it, so what it costs to make falls in the gap before.
    """
    for moment, thing in planned:
        if stop.wait(max(0.0, moment - clock())):
            return
        yield thing
