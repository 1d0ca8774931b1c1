"""Plans a window's load before it opens: when each variant is invoked with which key, and when items are updated.

The load is an open loop: a slow answer does not delay the next start, so the time that a waiting client would hide is
in the numbers (no coordinated omission).
"""

import dataclasses
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from facts.sources import item_key, item_keys
from lab.drive.load import Load, PlannedInvocation, PlannedUpdate, Scenario

BURST_PERIOD_S: Final = 4.0
BURST_LENGTH_S: Final = 1.0
# At full rate from the start, every request before the first environment is ready would wait for it. On a machine that
# starts few environments at once, that is a tenth of a short run, and the order of the variants would decide the
# comparison. A rising load meets cold starts too, with a shorter queue behind them.
LONGEST_RISE_S: Final = 4.0
RISE_SHARE: Final = 0.2
# Longer than a warm invocation, so that variants seldom run at the same time; short, so that noise affects all equally.
LONGEST_PHASE_S: Final = 0.010

Floats: TypeAlias = npt.NDArray[np.float64]
Whole: TypeAlias = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Every planned start of a window, earliest first; arrays, so that a day's run fits in memory."""

    variants: tuple[str, ...]
    keys: tuple[str, ...]
    starts: Floats  # (variant, sequence) -> seconds after the window opens
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


def plan(load: Load) -> Schedule:
    """Plan the starts of every variant, for a comparison in pairs.

    All variants have the same arrivals and the same keys. At each arrival they start one after another, a fraction of
    the mean gap apart, in a random order: so no variant always runs after the same other one. Each variant by itself
    still sees a Poisson process (independent displacement preserves it).
    """
    arrivals, ranks, order, _ = _generators(load)
    count, variants = load.invocations, len(load.variants)
    offsets = _arrivals(load.scenario, count, load.duration_s, arrivals)
    phase = min(1 / (load.rate * variants), LONGEST_PHASE_S)
    turns = order.permuted(np.tile(np.arange(variants), (count, 1)), axis=1).T
    return Schedule(
        variants=load.variants,
        keys=item_keys(load.keys),
        starts=offsets + turns * phase,
        ranks=_zipf(count, load.keys, load.skew, ranks),
    )


def plan_updates(load: Load) -> list[PlannedUpdate]:
    """Plan the updates, earliest first: a Poisson process, keys drawn by the same law as those of invocations."""
    generator = _generators(load)[3]
    count = round(load.updates * load.duration_s)
    offsets = np.sort(generator.random(count)) * load.duration_s
    ranks = _zipf(count, load.keys, load.skew, generator)
    return [PlannedUpdate(at=float(at), key=item_key(int(rank))) for at, rank in zip(offsets, ranks, strict=True)]


def _generators(load: Load) -> list[np.random.Generator]:
    """Return a random generator for each purpose: more keys do not move arrivals, more updates do not change keys."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence(load.seed).spawn(4)]


def _arrivals(scenario: Scenario, count: int, duration_s: float, generator: np.random.Generator) -> Floats:
    """Return arrival times of a Poisson process with a given count: sorted uniform draws, scaled by the scenario."""
    uniform = np.sort(generator.random(count))
    return _in_bursts(uniform, duration_s) if scenario == "burst" else _after_a_rise(uniform, duration_s)


def _after_a_rise(uniform: Floats, duration_s: float) -> Floats:
    """Return when (seconds) these shares of the load have arrived, at a rate that rises linearly and then stays."""
    rise_s = min(LONGEST_RISE_S, duration_s * RISE_SHARE)
    load = uniform * (duration_s - rise_s / 2)  # in seconds of the full rate
    return np.where(load < rise_s / 2, np.sqrt(2 * rise_s * load), load + rise_s / 2)


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
