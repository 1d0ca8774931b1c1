"""When a start is late, and which requests wait for its environment: all times are given."""

import functools
import math

import pytest

from lab.engine.invocation import Invocation
from lab.engine.start import Pace, Start
from lab.engine.start_gate import StartGate
from lab.engine.startup import Share

SHARE = Share(100.0, 100.0)


def invocation(number: int = 0) -> Invocation:
    return Invocation(request_id=str(number), payload=b"{}", arn="", on_done=lambda _: None)


def start(pace: Pace | None = None, share: Share | None = SHARE) -> Start:
    """Asked for at 10 s."""
    return Start(invocation(), share, pace or Pace(), 10.0)


def test_an_invocation_is_held_for_what_is_left_of_the_share_and_its_own_init() -> None:
    one = start()
    assert one.loaded(own_s=0.25, now=10.3) == pytest.approx(0.05)
    assert one.invocation.start_wait_ms == 0


def test_what_the_share_does_not_hide_is_the_wait() -> None:
    one = start()
    assert one.loaded(own_s=0.25, now=11.35) == pytest.approx(-1.0)
    assert one.invocation.start_wait_ms == pytest.approx(1000)


def test_without_a_share_only_the_time_before_the_start_is_lost() -> None:
    one = start(share=None)
    assert one.loaded(own_s=0.25, now=10.75) == pytest.approx(-0.5)
    assert one.invocation.start_wait_ms == pytest.approx(500)


def test_the_engines_own_time_is_not_a_wait() -> None:
    one = start(share=None)
    one.loaded(own_s=0.25, now=10.2509)
    assert one.invocation.start_wait_ms == 0


def test_nobody_waits_for_a_first_start_of_which_nothing_is_known() -> None:
    assert start().free_at() == math.inf


def test_a_start_is_expected_to_take_as_long_as_the_last() -> None:
    pace = Pace()
    waiting, first = start(pace), start(pace)
    first.loaded(own_s=0.2, now=10.3)
    first.answered(10.35)
    assert waiting.free_at() == pytest.approx(10.0 + 0.1 + 0.2 + 0.05)


def test_when_it_is_loaded_its_own_init_counts() -> None:
    late = start(Pace(own_s=0.2, first_s=0.05))
    late.loaded(own_s=0.9, now=20.0)
    assert late.free_at() == pytest.approx(10.0 + 0.1 + 0.9 + 0.05)


def test_nobody_waits_for_an_environment_that_is_not_late() -> None:
    one = start(Pace(own_s=0.2, first_s=0.05))
    one.loaded(own_s=0.2, now=10.2)
    assert one.free_at() == math.inf


def test_a_follower_keeps_the_environment_busy_as_on_lambda() -> None:
    one = start(Pace(own_s=0.2, first_s=0.05, later_s=0.01))
    one.follow(invocation(1), 12.0)
    assert one.free_at() == pytest.approx(12.01)


def test_followers_are_served_in_order_and_all_their_waiting_is_lost_time() -> None:
    pace = Pace(own_s=0.2, first_s=0.05)
    one = start(pace)
    for number, asked_at in ((1, 12.0), (2, 12.5)):
        one.follow(invocation(number), asked_at)
    one.loaded(own_s=0.2, now=13.0)
    served = [one.answered(13.25), one.answered(13.5)]
    assert [(of.request_id, of.start_wait_ms) for of in served if of] == [("1", 1250.0), ("2", 1000.0)]
    assert one.answered(13.75) is None
    assert (pace.first_s, pace.later_s) == (0.25, 0.25)


def test_a_start_that_ends_another_keeps_its_own_place_only() -> None:
    """A restore that takes over the copy which is just being prepared for it."""
    gate = StartGate(2)
    begun: list[str] = []

    def takes_over() -> bool:
        gate.started()
        return True

    gate.ask(lambda: True)
    gate.ask(takes_over)
    for name in "ab":
        gate.ask(functools.partial(_begins, begun, name))
    assert begun == ["a"]
    gate.started()
    assert begun == ["a", "b"]


def test_a_start_that_fails_or_has_nothing_to_start_takes_no_place() -> None:
    gate = StartGate(1)
    begun: list[str] = []
    with pytest.raises(OSError, match="no room"):
        gate.ask(_fails)
    gate.ask(lambda: False)
    gate.ask(functools.partial(_begins, begun, "a"))
    assert begun == ["a"]


def _begins(begun: list[str], name: str) -> bool:
    begun.append(name)
    return True


def _fails() -> bool:
    raise OSError("no room")
