"""Plans a repetition's load before it begins: when each variant is invoked with which key, and when items are updated.

The load is an open loop: a slow answer does not delay the next start, so the time that a waiting client would hide is
in the numbers (no coordinated omission). Only the start of environments waits for answers.
"""

import dataclasses
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from facts.sources import item_key, item_keys
from lab.drive.load import Load, PlannedInvocation, PlannedUpdate
from lab.records.record import Phase

# In the rest of a slot nothing is sent: the last group of one slot ends before the first of the next begins, and a
# variant that goes last and then first finds its environments idle.
USED_SHARE: Final = 0.75
BURST_PERIOD_S: Final = 4.0
BURST_LENGTH_S: Final = 1.0
# Longer than a warm invocation, so that variants seldom run at the same time; short, so that noise affects all equally.
LONGEST_GAP_S: Final = 0.010

Floats: TypeAlias = npt.NDArray[np.float64]
Whole: TypeAlias = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Every planned start of a window, earliest first; arrays, so that a day's run fits in memory.

    Attributes:
        repetition: its number; None: a block.
        first: sequence of the first invocation.
        settling: invocations of each variant before the measured time.
        starts: variant, invocation → seconds after the window opens.
        ranks: invocation → rank of the key.
        measured: from when until when time is measured, seconds after the window opens.
    """

    variants: tuple[str, ...]
    keys: tuple[str, ...]
    repetition: int | None
    first: int
    settling: int
    starts: Floats
    ranks: Whole
    measured: tuple[float, float]

    def __len__(self) -> int:
        """Planned invocations, of all variants."""
        return int(self.starts.size)

    def __iter__(self) -> Iterator[PlannedInvocation]:
        """The planned starts, earliest first."""
        count = self.starts.shape[1]
        for place in np.argsort(self.starts, axis=None, kind="stable"):
            variant, index = divmod(int(place), count)
            phase: Phase = "settle" if index < self.settling else "steady"
            yield PlannedInvocation(
                at=float(self.starts[variant, index]),
                variant=self.variants[variant],
                sequence=self.first + index,
                key=self.keys[int(self.ranks[index])],
                repetition=self.repetition,
                phase=None if self.repetition is None else phase,
            )


def plan_starts(load: Load, repetition: int, settle_s: float) -> list[PlannedInvocation]:
    """Plan the start of environments: requests for each variant, all sent together, the variants in a random order.

    Empty for `burst`. ``settle_s`` is how long caches fill afterwards.
    """
    if not load.starts_first:
        return []
    generator = _generators(load, repetition)[4]
    first = repetition * load.invocations_each(settle_s)
    ranks = _zipf(load.concurrency, load.keys, load.skew, generator)
    return [
        PlannedInvocation(0.0, load.variants[variant], first + index, item_key(int(rank)), repetition, "start")
        for variant in generator.permutation(len(load.variants))
        for index, rank in enumerate(ranks)
    ]


def plan(load: Load, repetition: int = 0, settle_s: float = 0.0) -> Schedule:
    """Plan the starts of every variant after its environments have started, for a comparison in pairs.

    All variants have the same arrivals and the same keys. They start one after another, a fixed gap apart, in a random
    order: so no variant always runs after the same other one. ``settle_s`` is how long caches fill first.
    """
    arrivals, ranks, order, *_ = _generators(load, repetition)
    variants = len(load.variants)
    if load.scenario == "burst":
        settling, measured = 0, (0.0, load.measured_s)
        offsets = _in_bursts(np.sort(arrivals.random(load.measured_invocations)), load.measured_s)
        gap = min(1 / (load.rate * variants), LONGEST_GAP_S)
        starts = offsets + _turns(len(offsets), variants, order) * gap
    else:
        settled = load.settle_slots(settle_s)
        slots = settled + load.measured_slots
        settling, measured = settled * load.concurrency, (settled * load.slot_s, slots * load.slot_s)
        gap = USED_SHARE * load.slot_s / variants
        groups = np.arange(slots) * load.slot_s + _turns(slots, variants, order) * gap
        starts = np.repeat(groups, load.concurrency, axis=1)
    each = load.invocations_each(settle_s)
    return Schedule(
        variants=load.variants,
        keys=item_keys(load.keys),
        repetition=None if load.repeat is None else repetition,
        first=(repetition + 1) * each - starts.shape[1],
        settling=settling,
        starts=starts,
        ranks=_zipf(starts.shape[1], load.keys, load.skew, ranks),
        measured=measured,
    )


def plan_updates(load: Load, repetition: int = 0, settle_s: float = 0.0) -> list[PlannedUpdate]:
    """Plan the updates of a window, earliest first: Poisson arrivals, keys drawn by the same law as invocations'."""
    generator = _generators(load, repetition)[3]
    length_s = load.length_s(settle_s)
    count = round(load.updates * length_s)
    offsets = np.sort(generator.random(count)) * length_s
    ranks = _zipf(count, load.keys, load.skew, generator)
    return [PlannedUpdate(at=float(at), key=item_key(int(rank))) for at, rank in zip(offsets, ranks, strict=True)]


def peak_rate(load: Load) -> float:
    """Return the most invocations of a variant in a second, on average."""
    return load.rate * (BURST_PERIOD_S / BURST_LENGTH_S if load.scenario == "burst" else 1.0)


def _generators(load: Load, repetition: int) -> list[np.random.Generator]:
    """Return a random generator for each purpose: more keys do not move arrivals, more updates do not change keys."""
    seeds = np.random.SeedSequence(load.seed, spawn_key=(repetition,))
    return [np.random.default_rng(child) for child in seeds.spawn(5)]


def _turns(count: int, variants: int, generator: np.random.Generator) -> Whole:
    """Return the turn of each variant (row) at each of ``count`` arrivals (column), in a random order."""
    return generator.permuted(np.tile(np.arange(variants), (count, 1)), axis=1).T


def _in_bursts(uniform: Floats, duration_s: float) -> Floats:
    """Return when (seconds) these shares of the load have arrived, if it arrives at the start of every period."""
    periods, rest = divmod(duration_s, BURST_PERIOD_S)
    within_s = uniform * (periods * BURST_LENGTH_S + min(rest, BURST_LENGTH_S))
    burst = np.floor(within_s / BURST_LENGTH_S)
    return burst * BURST_PERIOD_S + (within_s - burst * BURST_LENGTH_S)


def _zipf(count: int, keys: int, skew: float, generator: np.random.Generator) -> Whole:
    """Draw ``count`` ranks below ``keys``, rank r with a probability proportional to 1 / (r + 1) ** skew (Zipf)."""
    weights = 1.0 / np.arange(1, keys + 1, dtype=np.float64) ** skew
    bounds = np.cumsum(weights) / np.sum(weights)
    ranks = np.searchsorted(bounds, generator.random(count), side="right")
    return np.minimum(ranks, keys - 1).astype(np.int64)
