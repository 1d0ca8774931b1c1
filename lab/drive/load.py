"""The load of a run: what is asked for, and what is planned."""

import dataclasses
import math
from typing import Final, Literal, NamedTuple, TypeAlias

from facts.sources import DEFAULT_KEYS
from lab.records.record import Phase

Scenario: TypeAlias = Literal["steady", "burst", "outage"]

DEFAULT_RATE: Final = 16.0
DEFAULT_DURATION_S: Final = 13.0
SETTLE_TTLS: Final = 1.5
"""After one TTL, the entries that were filled together still expire together."""
LONGEST_SETTLE_S: Final = 5.0
"""Where the measured time of a repetition is longer, that is the limit."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of a run; the defaults are those of the command line.

    Attributes:
        variants: the variants to drive, in the order of the registry.
        scenario: `steady`: groups of requests at an even rate, so that as many environments serve as a group has
            requests, and no other starts. `burst`: Poisson arrivals at the same mean rate, all of them in the first
            second of every four; environments start as they are needed. `outage`: `steady`, and every downstream call
            fails in the middle third of each repetition's measured time (local only).
        rate: mean invocations a second of each variant.
        concurrency: requests of a variant that are sent together (`burst`: not used).
        duration_s: measured time of all repetitions together, seconds.
        repeat: repetitions, each with environments of its own; None: one block of time, of which all is measured.
        keys: number of items.
        skew: exponent of the Zipf law by which keys are drawn; 0 is uniform.
        updates: mean item updates a second, keys drawn by the same law.
        seed: fixes arrivals, keys and updates.
    """

    variants: tuple[str, ...]
    scenario: Scenario = "steady"
    rate: float = DEFAULT_RATE
    concurrency: int = 3
    duration_s: float = DEFAULT_DURATION_S
    repeat: int | None = 5
    keys: int = DEFAULT_KEYS
    skew: float = 1.0
    updates: float = 2.0
    seed: int = 1

    @property
    def slot_s(self) -> float:
        """Seconds from one group of a variant to its next."""
        return self.concurrency / self.rate

    @property
    def measured_s(self) -> float:
        """Measured time of a repetition, or of the block, seconds."""
        return self.duration_s / (self.repeat or 1)

    @property
    def starts_first(self) -> bool:
        """Whether environments start in a phase of their own, and caches fill before time is measured."""
        return self.repeat is not None and self.scenario != "burst"

    @property
    def measured_slots(self) -> int:
        """Groups of each variant in the measured time of a repetition; not for `burst`."""
        return round(self.measured_s / self.slot_s)

    @property
    def measured_invocations(self) -> int:
        """Invocations of each variant in the measured time of a repetition."""
        if self.scenario == "burst":
            return round(self.rate * self.measured_s)
        return self.measured_slots * self.concurrency

    def settle_s(self, ttl_s: float | None) -> float:
        """Return how long caches fill before the measured time, by the TTL (None: unknown), seconds."""
        if not self.starts_first:
            return 0.0
        longest_s = max(LONGEST_SETTLE_S, self.measured_s)
        return longest_s if ttl_s is None else min(SETTLE_TTLS * ttl_s, longest_s)

    def settle_slots(self, settle_s: float) -> int:
        """Return the groups of each variant before the measured time."""
        return math.ceil(round(settle_s / self.slot_s, 6))

    def length_s(self, settle_s: float) -> float:
        """Return the time from the first slot of a repetition to the end of its measured time, seconds."""
        if self.scenario == "burst":
            return self.measured_s
        return (self.settle_slots(settle_s) + self.measured_slots) * self.slot_s

    def invocations_each(self, settle_s: float) -> int:
        """Return the invocations of each variant in a repetition, those that start environments included."""
        started = self.concurrency if self.starts_first else 0
        return started + self.settle_slots(settle_s) * self.concurrency + self.measured_invocations

    @property
    def most_invocations(self) -> int:
        """The most invocations that a run of this load sends: with the longest settling, and one repetition again."""
        runs = 1 if self.repeat is None else self.repeat + 1
        return runs * len(self.variants) * self.invocations_each(self.settle_s(None))


class PlannedInvocation(NamedTuple):
    """A planned start, ``at`` seconds after the window opens; ``repetition`` and ``phase`` are None in a block.

    Invocations of one ``sequence`` have the same key in every variant.
    """

    at: float
    variant: str
    sequence: int
    key: str
    repetition: int | None = None
    phase: Phase | None = None


class PlannedUpdate(NamedTuple):
    """A planned update of an item, ``at`` seconds after the window opens."""

    at: float
    key: str
