"""Percentiles and intervals over repetitions: by hand, and by how often they hold the truth."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from lab.analysis import statistics as stats
from lab.analysis.statistics import Estimate

Draw = Callable[[np.random.Generator, int, int], npt.NDArray[Any]]


@pytest.mark.parametrize(
    ("values", "probability", "expected"),
    [
        (range(1, 11), 0.5, 5),
        (range(1, 11), 0.9, 9),
        (range(1, 11), 0.99, 10),
        (range(1, 101), 0.99, 99),
        (range(1, 102), 0.99, 100),
        ([7.0], 0.5, 7.0),
        ([3, 1, 2], 0.5, 2),
        ([1, 1, 1, 9], 0.5, 1),
    ],
)
def test_a_percentile_is_the_least_value_that_share_does_not_exceed(
    values: list[float], probability: float, expected: float
) -> None:
    assert stats.nearest_rank(np.sort(np.array(values, dtype=float)), probability) == expected


# Tables of Student's t, two-sided.
@pytest.mark.parametrize(
    ("tail", "freedom", "expected"),
    [(0.05, 1, 12.706), (0.05, 2, 4.303), (0.05, 4, 2.776), (0.05, 9, 2.262), (0.05, 30, 2.042), (0.01, 4, 4.604)],
)
def test_students_t_is_that_of_the_tables(tail: float, freedom: int, expected: float) -> None:
    assert stats.student(tail, freedom) == pytest.approx(expected, abs=5e-4)
    assert stats.two_sided(-expected, freedom) == pytest.approx(tail, abs=1e-4)


def test_a_mean_over_repetitions_by_hand() -> None:
    found = stats.mean_over([4.0, 6.0, math.nan, 8.0])

    assert found is not None
    assert found.value == 6
    assert found.standard_error == pytest.approx(2 / math.sqrt(3))
    assert found.estimate().high == pytest.approx(6 + 4.3027 * 2 / math.sqrt(3), abs=1e-3)
    assert found.estimate(comparisons=4).high == pytest.approx(6 + 8.8602 * 2 / math.sqrt(3), abs=1e-3)


def test_a_ratio_of_sums_by_cochrans_formula() -> None:
    calls, ran = np.array([20.0, 30.0, 25.0]), np.array([40.0, 50.0, 60.0])
    found = stats.ratio_of_sums(calls, ran)

    assert found is not None
    assert found.value == pytest.approx(0.5)
    residuals = calls - 0.5 * ran
    variance = (residuals**2).sum() / 2 / 3 / 50**2
    assert found.standard_error == pytest.approx(math.sqrt(variance))


def test_what_repetitions_share_cancels_in_a_pair() -> None:
    shared = np.array([0.0, 5.0, -3.0])
    pair = stats.mean_over((10 + shared) - (4 + shared))

    assert pair is not None
    assert pair.estimate() == Estimate(6, 6, 6)


def test_a_ratio_of_ratios_keeps_the_pairing() -> None:
    ran = [100.0, 100.0, 100.0]
    half, all_ = stats.ratio_of_sums([40.0, 50.0, 60.0], ran), stats.ratio_of_sums([80.0, 100.0, 120.0], ran)

    assert half is not None
    assert all_ is not None
    kept = half.over(all_)
    assert kept is not None
    assert kept.estimate() == pytest.approx((0.5, 0.5, 0.5))
    assert half.over(all_.times(0)) is None


@pytest.mark.parametrize("values", [[], [math.nan]])
def test_nothing_measured_is_no_estimate(values: list[float]) -> None:
    assert stats.mean_over(values) is None
    assert stats.ratio_of_sums(values, values) is None
    assert stats.ratio_of_sums([0.0, 0.0], [0.0, 0.0]) is None


def test_one_repetition_bounds_nothing() -> None:
    mean, of_all = stats.mean_over([5.0]), stats.describe(stats.sample(range(1, 2001)))

    assert mean is not None
    assert mean.estimate() == Estimate(5.0, -math.inf, math.inf)
    assert of_all is not None
    assert not of_all.p50.bounded
    assert not of_all.p99.bounded


@pytest.mark.parametrize(
    ("events", "trials", "bounded"),
    [([3, 3, 3], [40] * 3, False), ([3, 4, 3], [40] * 3, True), ([38, 36, 37], [40] * 3, False)],
)
def test_hardly_any_events_bound_no_share(events: list[int], trials: list[int], bounded: bool) -> None:
    found = stats.share(events, trials)

    assert found is not None
    assert found.value == pytest.approx(sum(events) / sum(trials))
    assert found.bounded is bounded


def test_an_interval_ends_where_the_quantity_does() -> None:
    mean, share = stats.mean_over([1.0, 9.0, 2.0]), stats.share([10, 40, 5], [40] * 3)

    assert mean is not None
    assert mean.estimate().low < 0
    assert mean.estimate(least=0).low == 0
    assert mean.estimate(most=5).high == 5
    assert share is not None
    assert 0 < share.low < share.value < share.high < 1


def test_what_was_not_answered_comes_last_and_is_null() -> None:
    found = stats.describe(stats.sample([1.0, 2.0, 3.0, math.inf]))

    assert found is not None
    assert (found.count, found.p50.value, found.mean) == (4, 2.0, 2.0)
    assert math.isinf(found.p90)
    assert found.to_map() == {"p50": 2.0, "p90": None, "p99": None, "max": None, "mean": 2.0, "p50_ci95": None}
    assert stats.describe(stats.sample([math.inf, math.inf])) is None
    assert stats.describe(stats.sample([])) is None


def test_a_repetition_with_few_values_beyond_its_p99_bounds_no_p99() -> None:
    rng = np.random.default_rng(1)

    for least, bounded in ((999, False), (1000, True)):
        sizes = [1500, least, 1200]
        repetitions = np.repeat(np.arange(3), sizes)
        found = stats.describe(stats.sample(rng.lognormal(size=sum(sizes)), repetitions))
        assert found is not None
        assert found.p50.bounded
        assert found.p99.bounded is bounded


def _independent(rng: np.random.Generator, repetitions: int, size: int) -> npt.NDArray[Any]:
    return rng.standard_normal((repetitions, size))


def _autoregressive(rng: np.random.Generator, repetitions: int, size: int) -> npt.NDArray[Any]:
    values = rng.standard_normal((repetitions, size))
    for place in range(1, size):
        values[:, place] = 0.9 * values[:, place - 1] + math.sqrt(1 - 0.81) * values[:, place]
    return values


def _unequal_environments(rng: np.random.Generator, repetitions: int, size: int) -> npt.NDArray[Any]:
    environments = 0.4 * rng.standard_normal((repetitions, 3))
    return rng.standard_normal((repetitions, size)) + environments[:, np.arange(size) % 3]


def _unequal_repetitions(rng: np.random.Generator, repetitions: int, size: int) -> npt.NDArray[Any]:
    return rng.standard_normal((repetitions, size)) + 0.2 * rng.standard_normal((repetitions, 1))


RUNS: Final = 400
REPETITIONS: Final = 5


@pytest.mark.parametrize("draw", [_independent, _autoregressive, _unequal_environments, _unequal_repetitions])
def test_intervals_hold_the_truth(draw: Draw) -> None:
    """Of 400 runs, 380 should; the limits are five standard errors away, so that no other seed would fail."""
    rng = np.random.default_rng(20261121)
    held = {"mean": 0, "median": 0, "share": 0}
    repetition = np.repeat(np.arange(REPETITIONS), 40)
    for _ in range(RUNS):
        values = draw(rng, REPETITIONS, 40)
        below = (values < 0).sum(axis=1)
        median = stats.describe(stats.sample(np.exp(values).ravel(), repetition))
        mean, share = stats.mean_over(values.mean(axis=1)), stats.share(below, [40] * REPETITIONS)
        assert mean is not None
        assert median is not None
        assert share is not None
        for name, estimate, truth in (
            ("mean", mean.estimate(), 0.0),
            ("median", median.p50, 1.0),
            ("share", share, 0.5),
        ):
            held[name] += estimate.low <= truth <= estimate.high
    assert all(0.89 * RUNS < count < 0.995 * RUNS for count in held.values()), held
