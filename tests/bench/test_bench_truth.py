"""The intervals of the bench hold a simulated truth as often as they say, and do not hold what is wrong."""

import numpy as np

from tests.bench.bench_truth_theory import Deviation, hits, stale, zipf

RUNS = 200
WINDOW_S = 90.0


def _simulated_key(generator: np.random.Generator, rate: float, ttl_s: float) -> tuple[int, int]:
    """Requests and misses of a key in a window, long after its first request."""
    arrivals = np.cumsum(generator.exponential(1 / rate, int(rate * WINDOW_S * 1.5 + 80)))
    settled, until, requests, misses = 0.1 * WINDOW_S, 1.1 * WINDOW_S, 0, 0
    read_at = -ttl_s * generator.random()
    for at in arrivals[arrivals < until].tolist():
        missed = at >= read_at + ttl_s
        if missed:
            read_at = at
        if at >= settled:
            requests += 1
            misses += missed
    return requests, misses


def test_the_interval_of_the_hit_ratio() -> None:
    generator = np.random.default_rng(1)
    right = wrong = 0
    for _ in range(RUNS):
        counts = np.array([_simulated_key(generator, 12 * share, 2.0) for share in zipf(12)]).T
        right += hits(counts[0], counts[1], WINDOW_S, 2.0).inside()
        wrong += hits(counts[0], counts[1], WINDOW_S, 2.4).inside()
    assert right / RUNS >= 0.9
    assert wrong / RUNS <= 0.2


def _simulated_staleness(generator: np.random.Generator, factor: float) -> Deviation:
    cycles = []
    for rate in 2 * zipf(12):
        for _ in range(30):
            ages = np.append(0.0, 2 * generator.random(generator.poisson(4)))
            superseded_at = generator.exponential(1 / rate)
            cycles.append((float(rate * factor), [(float(age), bool(age - 0.5 > superseded_at)) for age in ages]))
    return stale(cycles, 0.5)


def test_the_interval_of_staleness() -> None:
    generator = np.random.default_rng(2)
    right = [_simulated_staleness(generator, 1.0).inside() for _ in range(RUNS)]
    wrong = [_simulated_staleness(generator, 2.0).inside() for _ in range(RUNS)]
    assert np.mean(right) >= 0.9
    assert np.mean(wrong) <= 0.2
