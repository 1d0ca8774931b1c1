"""The clock of a run, and the wait until something is due."""

import threading
import time
from collections.abc import Iterator

from lab.drive.clock import steady_clock, when_due


class FakeTime(threading.Event):
    """A clock, and an event on which a wait takes no time but moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        self.now += timeout
        return self.is_set()


def test_the_clock_starts_at_the_wall_clock() -> None:
    assert abs(steady_clock()() - time.time()) < 5


def test_each_is_due_at_its_time_and_at_once_if_that_has_passed() -> None:
    fake = FakeTime()
    planned = [(999.0, "past"), (1000.5, "soon"), (1002.0, "later")]

    came = [(item, fake.now) for item in when_due(planned, clock=lambda: fake.now, stop=fake)]

    assert came == [("past", 1000.0), ("soon", 1000.5), ("later", 1002.0)]
    assert fake.waits == [0.0, 0.5, 1.5]


def test_each_is_made_before_the_wait_for_it() -> None:
    fake = FakeTime()

    def planned() -> Iterator[tuple[float, str]]:
        fake.now += 0.4
        yield 1001.0, "slow to make"

    list(when_due(planned(), clock=lambda: fake.now, stop=fake))

    assert fake.now == 1001.0


def test_a_stop_ends_the_wait() -> None:
    clock, stop = steady_clock(), threading.Event()
    threading.Timer(0.05, stop.set).start()

    assert list(when_due([(clock() + 10_000, "never")], clock=clock, stop=stop)) == []
