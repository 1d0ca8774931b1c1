"""The load of a window: what is asked for, and what is planned."""

import dataclasses
from typing import Literal, NamedTuple, TypeAlias

from facts.sources import DEFAULT_KEYS

Scenario: TypeAlias = Literal["steady", "burst", "outage"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of a window; the defaults are those of the command line.

    Attributes:
        variants: the variants to drive, in the order of the registry.
        scenario: `steady`: Poisson arrivals, at a rate that rises in the first fifth of the window (at most 4 s) and
            then stays. `burst`: the same mean rate, all of it in the first second of every four. `outage`: `steady`,
            and every downstream call fails in the middle third of the window (local only).
        rate: mean invocations a second of each variant.
        duration_s: length of the window, seconds.
        keys: number of items.
        skew: exponent of the Zipf law by which keys are drawn; 0 is uniform.
        updates: mean item updates a second, keys drawn by the same law.
        seed: fixes arrivals, keys and updates.
    """

    variants: tuple[str, ...]
    scenario: Scenario = "steady"
    rate: float = 10.0
    duration_s: float = 20.0
    keys: int = DEFAULT_KEYS
    skew: float = 1.0
    updates: float = 2.0
    seed: int = 1

    @property
    def invocations(self) -> int:
        """Planned invocations of each variant."""
        return round(self.rate * self.duration_s)


class PlannedInvocation(NamedTuple):
    """A planned start, ``at`` seconds after the window opens.

    Invocations of one ``sequence`` have the same key in every variant.
    """

    at: float
    variant: str
    sequence: int
    key: str


class PlannedUpdate(NamedTuple):
    """A planned update of an item, ``at`` seconds after the window opens."""

    at: float
    key: str
