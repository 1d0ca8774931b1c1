"""When each variant is invoked and with which key, and when which item is updated: planned before the window opens.

The load is an open loop: a slow answer does not put off the next start, as a waiting client would, so the time that
requests would have spent waiting is in the numbers (no coordinated omission).
"""

import dataclasses
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from facts.sources import item_key, item_keys
from lab.drive.planned import PlannedInvocation, PlannedUpdate
from lab.run.settings import Scenario, Settings

BURST_PERIOD_S: Final = 4.0
BURST_LENGTH_S: Final = 1.0
# At full rate from the first moment, every request that comes before the first environment is ready waits for it. On a
# machine that starts few at once, that is a tenth of a short run, and which variant's turn comes last would decide the
# comparison. Load that rises meets a cold start all the same, with fewer in the queue behind it.
LONGEST_RISE_S: Final = 4.0
RISE_SHARE: Final = 0.2
# Longer than a warm invocation takes, so that variants seldom run at once; short, so that noise hits all of them alike.
LONGEST_PHASE_S: Final = 0.010

Floats: TypeAlias = npt.NDArray[np.float64]
Whole: TypeAlias = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Every planned start of a window, in the order of time.

    It keeps arrays, not objects, so that a day's run fits in memory.
    """

    variants: tuple[str, ...]
    keys: tuple[str, ...]
    starts: Floats  # (variant, sequence) -> seconds since the window opened
    ranks: Whole  # sequence -> rank of the key

    def __len__(self) -> int:
        """Planned invocations, of all variants."""
        return int(self.starts.size)

    def __iter__(self) -> Iterator[PlannedInvocation]:
        """The planned starts, earliest first."""
        count = self.starts.shape[1]
        for index in np.argsort(self.starts, axis=None, kind="stable"):
            variant, sequence = divmod(int(index), count)
            yield PlannedInvocation(
                at=float(self.starts[variant, sequence]),
                variant=self.variants[variant],
                sequence=sequence,
                key=self.keys[int(self.ranks[sequence])],
            )


def plan(settings: Settings) -> Schedule:
    """The starts of every variant: a comparison in pairs.

    All variants have the same arrivals and the same keys. At each arrival they start one after another, a fraction of
    the mean gap apart, in an order drawn anew each time: so no variant always runs in the wake of the same other, and
    each by itself still sees a Poisson process (independent displacement keeps one).
    """
    arrivals, ranks, order, _ = _generators(settings)
    count, variants = settings.invocations, len(settings.variants)
    offsets = _arrivals(settings.scenario, count, settings.duration_s, arrivals)
    phase = min(1 / (settings.rate * variants), LONGEST_PHASE_S)
    turns = order.permuted(np.tile(np.arange(variants), (count, 1)), axis=1).T
    return Schedule(
        variants=settings.variants,
        keys=item_keys(settings.keys),
        starts=offsets + turns * phase,
        ranks=_zipf(count, settings.keys, settings.skew, ranks),
    )


def plan_updates(settings: Settings) -> list[PlannedUpdate]:
    """The updates of the window, earliest first: a Poisson process, keys drawn by the same law as the invocations'."""
    generator = _generators(settings)[3]
    count = round(settings.updates * settings.duration_s)
    offsets = np.sort(generator.random(count)) * settings.duration_s
    ranks = _zipf(count, settings.keys, settings.skew, generator)
    return [PlannedUpdate(at=float(at), key=item_key(int(rank))) for at, rank in zip(offsets, ranks, strict=True)]


def _generators(settings: Settings) -> list[np.random.Generator]:
    """One stream of random numbers a purpose: more keys do not move the arrivals, more updates do not move the keys."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence(settings.seed).spawn(4)]


def _arrivals(scenario: Scenario, count: int, duration_s: float, generator: np.random.Generator) -> Floats:
    """Arrival times of a Poisson process given its count: uniform draws in order, on the scenario's scale of time."""
    uniform = np.sort(generator.random(count))
    return _in_bursts(uniform, duration_s) if scenario == "burst" else _after_a_rise(uniform, duration_s)


def _after_a_rise(uniform: Floats, duration_s: float) -> Floats:
    """Times (seconds) at which shares of the load have come, when its rate rises in a straight line and then stays."""
    rise_s = min(LONGEST_RISE_S, duration_s * RISE_SHARE)
    load = uniform * (duration_s - rise_s / 2)  # in seconds of the full rate
    return np.where(load < rise_s / 2, np.sqrt(2 * rise_s * load), load + rise_s / 2)


def _in_bursts(uniform: Floats, duration_s: float) -> Floats:
    """Times (seconds) at which shares of the load have come, when it comes in the first part of every period only."""
    periods, rest = divmod(duration_s, BURST_PERIOD_S)
    within_s = uniform * (periods * BURST_LENGTH_S + min(rest, BURST_LENGTH_S))
    burst = np.floor(within_s / BURST_LENGTH_S)
    return burst * BURST_PERIOD_S + (within_s - burst * BURST_LENGTH_S)


def _zipf(count: int, keys: int, skew: float, generator: np.random.Generator) -> Whole:
    """``count`` ranks below ``keys``, rank r with probability in proportion to 1 / (r + 1) ** skew (Zipf's law)."""
    weights = 1.0 / np.arange(1, keys + 1, dtype=np.float64) ** skew
    bounds = np.cumsum(weights) / np.sum(weights)
    ranks = np.searchsorted(bounds, generator.random(count), side="right")
    return np.minimum(ranks, keys - 1).astype(np.int64)
