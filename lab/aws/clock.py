"""How far this machine's clock is from AWS's."""

import email.utils
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from lab.aws.connection import Connection
from lab.aws.errors import aws_errors

SAMPLES: Final = 7


class ClockDifference(NamedTuple):
    """AWS's clock less this machine's: above 0 if this machine's is behind.

    Attributes:
        ms: the middle of what the samples allow.
        uncertainty_ms: half the width of what they allow; half of a round trip is in it.
        samples: how many answers it was read from.
    """

    ms: float
    uncertainty_ms: float
    samples: int


def clock_difference(connection: Connection, *, samples: int = SAMPLES) -> ClockDifference | None:
    """The difference, by the `Date` headers of STS; None where answers have none. It takes some seconds.

    Raises:
        LabError: AWS does not answer.
    """
    client = connection.client("sts")

    def ask() -> str | None:
        with aws_errors("read AWS's clock"):
            headers = client.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
        date: str | None = headers.get("date")
        return date

    ask()  # opens the connection, which is not to be in the round trips
    return measured(ask, now=time.time, sleep=time.sleep, samples=samples)


def measured(
    ask: Callable[[], str | None],
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    samples: int = SAMPLES,
) -> ClockDifference | None:
    """The difference, as far as ``samples`` answers tell it.

    `Date` has whole seconds, so one answer tells a second and a round trip at best: if it was asked for at t0 and had
    at t1, the difference is between `Date` - t1 and `Date` + 1 - t0. Each further answer is asked for when, by what is
    known, AWS's second is about to change: whether it has halves what is left. Two clocks behind one address may
    contradict each other; the uncertainty then spans both.

    Args:
        ask: gives the `Date` header of an answer (RFC 9110).
        now: this machine's clock, Unix seconds.
        sleep: waits for so many seconds.
        samples: how many answers to ask for.
    """
    low, high, trip = float("-inf"), float("inf"), 0.0
    for number in range(samples):
        if number:
            sleep(-(now() + trip / 2 + (low + high) / 2) % 1)
        begun = now()
        date = ask()
        ended = now()
        if date is None:
            return None
        second = email.utils.parsedate_to_datetime(date).timestamp()
        low, high, trip = max(low, second - ended), min(high, second + 1 - begun), ended - begun
    return ClockDifference(
        ms=round((low + high) / 2 * 1000, 1), uncertainty_ms=round(abs(high - low) / 2 * 1000, 1), samples=samples
    )
