"""A planned start and a planned update."""

from typing import NamedTuple


class PlannedInvocation(NamedTuple):
    """One planned start.

    ``at`` is in seconds since the window opened. Invocations of one ``sequence`` have the same key in every variant.
    """

    at: float
    variant: str
    sequence: int
    key: str


class PlannedUpdate(NamedTuple):
    """One planned update of an item, ``at`` seconds after the window opened."""

    at: float
    key: str
