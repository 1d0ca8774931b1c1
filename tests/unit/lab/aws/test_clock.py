"""The clock difference, with a server that has a known one."""

import math
from email.utils import formatdate

import pytest

from lab.aws.clock import clock_difference, measured
from lab.aws.connection import Connection
from tests.unit.lab.aws.aws_double import AwsDouble


class Clocks:
    """This machine's clock, and a server ``difference`` s ahead, at a round trip of ``trip`` s."""

    def __init__(self, difference: float, trip: float, begin: float = 1_795_000_000.37) -> None:
        self.now = begin
        self.difference = difference
        self.trip = trip

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 1
        self.now += seconds

    def ask(self) -> str:
        self.now += self.trip / 2
        date = formatdate(math.floor(self.now + self.difference), usegmt=True)
        self.now += self.trip / 2
        return date


@pytest.mark.parametrize("difference", [-7.25, -0.4, 0.0, 0.013, 0.5, 0.999, 120.0])
@pytest.mark.parametrize("trip", [0.001, 0.08, 0.3])
@pytest.mark.parametrize("begin", [1_795_000_000.0, 1_795_000_000.63])
def test_the_difference_is_within_what_is_told(difference: float, trip: float, begin: float) -> None:
    clocks = Clocks(difference, trip, begin)
    found = measured(clocks.ask, now=lambda: clocks.now, sleep=clocks.sleep)

    assert found is not None
    assert abs(found.ms - difference * 1000) <= found.uncertainty_ms + 0.11
    assert found.uncertainty_ms <= 1000 / 2**6 + trip * 1000
    assert clocks.now - begin < 9 + 7 * trip


def test_clocks_that_contradict_each_other_are_spanned() -> None:
    one, other = Clocks(0.0, 0.001), Clocks(3.0, 0.001)
    answers = iter([one, other] * 4)

    def ask() -> str:
        clocks = next(answers)
        clocks.now = one.now = other.now = max(one.now, other.now)
        return clocks.ask()

    found = measured(ask, now=lambda: max(one.now, other.now), sleep=one.sleep)
    assert found is not None
    assert found.ms - found.uncertainty_ms <= 1000
    assert found.ms + found.uncertainty_ms >= 2000


def test_without_a_date_there_is_none() -> None:
    assert measured(lambda: None, now=lambda: 0.0, sleep=lambda _: None) is None


def test_the_clock_of_a_server_on_this_machine(aws: AwsDouble) -> None:
    found = clock_difference(Connection(target="aws", endpoint_url=None), samples=2)

    assert found is not None
    assert abs(found.ms) <= found.uncertainty_ms + 0.11
    assert set(aws.asked) == {"identity"}
