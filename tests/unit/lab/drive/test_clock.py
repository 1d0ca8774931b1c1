"""Keeping to planned moments."""

import threading
import time
from collections.abc import Iterator

from lab.drive.clock import steady_clock, when_due


def test_the_clock_is_the_wall_clock() -> None:
    assert abs(steady_clock()() - time.time()) < 0.01


def test_each_comes_at_its_moment_and_at_once_if_that_has_passed() -> None:
    clock = steady_clock()
    begun = clock()
    planned = [(begun - 1, "past"), (begun + 0.05, "soon"), (begun + 0.1, "later")]

    came = {thing: clock() - begun for thing in when_due(planned, clock=clock, stop=threading.Event())}

    assert 0 <= came["past"] < 0.04
    assert 0.05 <= came["soon"] < 0.09
    assert 0.1 <= came["later"] < 0.14


def test_each_is_made_before_the_wait_for_it() -> None:
    clock = steady_clock()
    begun = clock()

    def planned() -> Iterator[tuple[float, str]]:
        time.sleep(0.05)
        yield begun + 0.1, "slow to make"

    list(when_due(planned(), clock=clock, stop=threading.Event()))

    assert 0.1 <= clock() - begun < 0.14


def test_a_stop_ends_the_wait() -> None:
    clock, stop = steady_clock(), threading.Event()
    threading.Timer(0.05, stop.set).start()
    begun = clock()

    assert list(when_due([(begun + 30, "never")], clock=clock, stop=stop)) == []
    assert clock() - begun < 5
