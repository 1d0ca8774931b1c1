"""The difference between this machine's clock and AWS's."""

import email.utils
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from lab.aws.connection import Connection
from lab.aws.errors import aws_errors

SAMPLES: Final = 7


class ClockDifference(NamedTuple):
    """AWS's clock minus this machine's, in milliseconds: the middle and half the width of the possible range."""

    ms: float
    uncertainty_ms: float


def clock_difference(connection: Connection, *, samples: int = SAMPLES) -> ClockDifference | None:
    """Measure the difference from the `Date` headers of STS; None if answers have none. Takes some seconds.

    Raises `LabError` if AWS does not answer.
    """
    client = connection.client("sts")

    def ask() -> str | None:
        with aws_errors("read AWS's clock"):
            headers = client.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
        date: str | None = headers.get("date")
        return date

    ask()  # opens the connection, to keep that out of the round trips
    return measured(ask, now=time.time, sleep=time.sleep, samples=samples)


def measured(
    ask: Callable[[], str | None],
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    samples: int = SAMPLES,
) -> ClockDifference | None:
    """Measure the difference from several answers.

    `Date` has whole seconds. If it was requested at t0 and received at t1, the difference lies between `Date` - t1 and
    `Date` + 1 - t0. Each further request is sent when AWS's second is about to change, by what is known so far: its
    answer halves the range. Two clocks behind one address may contradict each other; the range then spans both.
    ``ask`` returns the `Date` header of an answer (RFC 9110), ``now`` is this machine's clock in Unix seconds.
    """
    low, high, trip = float("-inf"), float("inf"), 0.0
    for number in range(samples):
        if number:
            sleep(-(now() + trip / 2 + (low + high) / 2) % 1)
        began = now()
        date = ask()
        ended = now()
        if date is None:
            return None
        second = email.utils.parsedate_to_datetime(date).timestamp()
        low, high, trip = max(low, second - ended), min(high, second + 1 - began), ended - began
    return ClockDifference(round((low + high) / 2 * 1000, 1), round(abs(high - low) / 2 * 1000, 1))
