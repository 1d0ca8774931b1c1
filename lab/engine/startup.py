"""Start-up profiles: the platform's share of cold starts and restores, which this machine does not have."""

import collections
import dataclasses
import math
import random
from collections.abc import Mapping
from typing import Final, NamedTuple

from lab.engine.function import FunctionVersion

PROBABILITIES: Final = (0.10, 0.50, 0.90, 0.99)
GOLDEN: Final = (math.sqrt(5) - 1) / 2


@dataclasses.dataclass(frozen=True, slots=True)
class Quantiles:
    """A distribution of milliseconds by its p10, p50, p90 and p99."""

    p10: float
    p50: float
    p90: float
    p99: float

    def at(self, probability: float) -> float:
        """The quantile of a probability: the logarithm is interpolated linearly; p10 and p99 are the ends."""
        known = (self.p10, self.p50, self.p90, self.p99)
        if probability <= PROBABILITIES[0]:
            return self.p10
        for i in range(3):
            low, high = PROBABILITIES[i : i + 2]
            if probability <= high:
                return known[i] * math.pow(known[i + 1] / known[i], (probability - low) / (high - low))
        return self.p99


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartupProfile:
    """A named set of distributions of the platform's share.

    ``inits`` are by runtime and architecture, ``restores`` by architecture; ``billed_restores`` is the part of a
    restore that is billed. ``text`` describes the profile in one sentence. A profile without inits and restores adds
    nothing: starts take what they take on this machine.
    """

    name: str
    text: str
    inits: Mapping[tuple[str, str], Quantiles]
    restores: Mapping[str, Quantiles]
    billed_restores: Mapping[str, Quantiles]


NO_STARTUP: Final = StartupProfile(
    name="none",
    text="nothing added: starts take as long as on this machine",
    inits={},
    restores={},
    billed_restores={},
)


class Share(NamedTuple):
    """The platform's share of one start, in milliseconds, and how much of a restore's is billed."""

    ms: float
    billed_ms: float


class Shares:
    """Draws the platform's share of each start.

    The probabilities of a function's inits, and of its restores, are a golden-ratio sequence from a random beginning:
    any few in a row are spread evenly over the distribution (Schretter, Kobbelt and Dehaye, "Golden Ratio Sequences for
    Low-Discrepancy Sampling", 2012). All functions have the same beginning. So the first starts of two functions differ
    by what the functions do, and not by luck.
    """

    def __init__(self, profile: StartupProfile, beginning: float | None = None) -> None:
        self._profile = profile
        self._beginning = random.random() if beginning is None else beginning  # noqa: S311 - not for secrets
        self._drawn: collections.Counter[tuple[str, bool]] = collections.Counter()

    def draw(self, version: FunctionVersion, *, restored: bool) -> Share | None:
        """The share of the function's next restore, or cold start; None if the profile adds nothing."""
        profile = self._profile
        if not (profile.restores if restored else profile.inits):
            return None
        kind = (version.name, restored)
        probability = (self._beginning + self._drawn[kind] * GOLDEN) % 1
        self._drawn[kind] += 1
        if restored:
            restore, billed = profile.restores[version.architecture], profile.billed_restores[version.architecture]
            return Share(restore.at(probability), billed.at(probability))
        ms = profile.inits[_nearest(profile.inits, version.runtime), version.architecture].at(probability)
        return Share(ms, ms)


def _nearest(inits: Mapping[tuple[str, str], Quantiles], runtime: str) -> str:
    """The runtime if it has rows, else the nearest that has: of two equally near the newer."""
    minors = {name: int(name.partition(".")[2]) for name, _ in inits}
    wanted = int(runtime.partition(".")[2])
    return min(minors, key=lambda name: (abs(minors[name] - wanted), -minors[name]))
