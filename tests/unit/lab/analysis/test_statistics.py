"""Percentiles and intervals: by hand, and by how often they hold the truth."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest

from lab.analysis import statistics as stats
from lab.analysis.statistics import Estimate


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
    assert stats.percentile(stats.sample(list(values)), probability).value == expected


# Ranks of the 95 % interval of the median, conservative, as tabled (Hahn and Meeker, table A.15 and after).
@pytest.mark.parametrize(("count", "low", "high"), [(6, 1, 6), (10, 2, 9), (20, 6, 15), (50, 18, 33)])
def test_the_interval_of_the_median_is_that_of_the_tables(count: int, low: int, high: int) -> None:
    median = stats.percentile(stats.sample(list(range(1, count + 1))), 0.5)

    assert (median.low, median.high) == (low, high)


@pytest.mark.parametrize("count", [7, 60, 333, 1500])
@pytest.mark.parametrize("percent", [50, 90, 99])
def test_the_ranks_are_those_of_the_binomial_law_in_whole_numbers(count: int, percent: int) -> None:
    weights = [math.comb(count, k) * percent**k * (100 - percent) ** (count - k) for k in range(count + 1)]
    at_most = [sum(weights[: k + 1]) for k in range(count + 1)]
    least, most = 25 * 100**count, 975 * 100**count  # thousandths: 2.5 % and 97.5 %
    lower = next(k for k, sum_ in enumerate(at_most) if sum_ * 1000 > least)
    upper = next(k for k, sum_ in enumerate(at_most) if sum_ * 1000 >= most) + 1
    found = stats.percentile(stats.sample(list(range(1, count + 1))), percent / 100)

    if count < stats.LEAST_BLOCKED:
        assert found.low == (lower if lower else -math.inf)
        assert found.high == (upper if upper <= count else math.inf)
    assert stats._order_statistics(count, percent / 100) == (lower, upper)


def test_five_values_bound_no_median() -> None:
    median = stats.percentile(stats.sample([1, 2, 3, 4, 5]), 0.5)

    assert not median.bounded
    assert median.value == 3


def test_a_p99_has_no_upper_bound_from_a_few_values() -> None:
    # The largest of n values is below the p99 with probability 0.99 ** n: above 2.5 % up to n = 367.
    few, enough = (stats.percentile(stats.sample(np.random.default_rng(3).random(size)), 0.99) for size in (367, 2000))

    assert few.high == math.inf
    assert enough.bounded


def _independent(rng: np.random.Generator) -> stats.Sample:
    return stats.sample(rng.normal(size=300))


def _neighbours_alike(rng: np.random.Generator) -> stats.Sample:
    values = rng.normal(size=600)
    for index in range(1, values.size):
        values[index] = 0.8 * values[index - 1] + 0.6 * values[index]
    return stats.sample(values)


def _environments_differ(rng: np.random.Generator) -> stats.Sample:
    environments = rng.integers(0, 20, 600)
    return stats.sample(rng.normal(size=600) + 0.6 * rng.normal(size=20)[environments], environments)


# Twenty environments are few: see the limit in lab/analysis/statistics.py.
@pytest.mark.parametrize(
    ("draw", "share"), [(_independent, 0.95), (_neighbours_alike, 0.92), (_environments_differ, 0.88)]
)
def test_the_interval_of_the_median_holds_the_truth_in_some_95_percent_of_samples(
    draw: Callable[[np.random.Generator], stats.Sample], share: float
) -> None:
    rng = np.random.default_rng(11)
    medians = [stats.percentile(draw(rng), 0.5) for _ in range(300)]

    assert sum(one.low <= 0 <= one.high for one in medians) / len(medians) >= share


def test_the_interval_of_the_p99_holds_the_truth_in_some_95_percent_of_samples() -> None:
    rng, truth = np.random.default_rng(5), NormalDist().inv_cdf(0.99)
    tails = [stats.percentile(stats.sample(rng.normal(size=800)), 0.99) for _ in range(200)]

    assert sum(one.low <= truth <= one.high for one in tails) / len(tails) >= 0.93


def test_the_interval_is_no_wider_than_need_be() -> None:
    rng = np.random.default_rng(2)
    medians = [stats.percentile(_independent(rng), 0.5) for _ in range(100)]

    # The large-sample width for independent normal values: 2 * 1.96 * sqrt(pi / 2 / n).
    assert np.median([one.high - one.low for one in medians]) < 1.25 * 2 * 1.96 * math.sqrt(math.pi / 2 / 300)


def test_the_interval_of_a_ratio_of_medians_holds_the_truth_in_some_95_percent_of_pairs() -> None:
    rng = np.random.default_rng(8)
    ratios = [
        stats.ratio(
            stats.percentile(stats.sample(rng.lognormal(0, 0.5, 200)), 0.5),
            stats.percentile(stats.sample(rng.lognormal(1, 0.3, 200)), 0.5),
        )
        for _ in range(300)
    ]

    assert sum(one is not None and one.low <= math.exp(-1) <= one.high for one in ratios) / len(ratios) >= 0.93


def test_dependent_values_count_for_fewer() -> None:
    rng = np.random.default_rng(4)

    assert stats.effective_size(_independent(rng)) > 150
    assert stats.effective_size(_neighbours_alike(rng)) < 200
    assert stats.effective_size(_environments_differ(rng)) < 400


def test_values_all_alike_have_an_interval_without_width() -> None:
    assert stats.percentile(stats.sample([4.0] * 100), 0.5) == Estimate(4.0, 4.0, 4.0)


def test_a_distribution_by_hand() -> None:
    described = stats.describe(stats.sample([1, 2, 3, 4, 5, 6, 7, 8, 9, 25]))

    assert described is not None
    assert described.to_map() == {"p50": 5, "p90": 9, "p99": 25, "max": 25, "mean": 7, "p50_ci95": [2, 9]}


def test_nothing_measured_has_no_distribution() -> None:
    assert stats.describe(stats.sample([])) is None


def test_too_few_for_an_interval_say_none() -> None:
    described = stats.describe(stats.sample([1.0, 2.0]))

    assert described is not None
    assert described.to_map()["p50_ci95"] is None


def test_a_difference_by_hand() -> None:
    change = stats.difference(Estimate(10, 8, 12), Estimate(5, 4, 7))

    assert change == pytest.approx((5, 5 - math.hypot(2, 2), 5 + math.hypot(2, 1)))


def test_a_ratio_is_a_difference_of_logarithms() -> None:
    quotient = stats.ratio(Estimate(20, 10, 40), Estimate(10, 5, 20))

    assert quotient == pytest.approx((2, 2 * 2 ** -math.sqrt(2), 2 * 2 ** math.sqrt(2)))


def test_a_ratio_of_unbounded_estimates_is_unbounded() -> None:
    quotient = stats.ratio(Estimate(20, 10, math.inf), Estimate(10, -math.inf, 20))

    assert quotient is not None
    assert quotient.high == math.inf
    assert quotient.low > 0


@pytest.mark.parametrize("pair", [(Estimate(0, 0, 1), Estimate(1, 1, 1)), (Estimate(1, 1, 1), Estimate(0, 0, 1))])
def test_there_is_no_ratio_to_or_of_nothing(pair: tuple[Estimate, Estimate]) -> None:
    assert stats.ratio(*pair) is None


@pytest.mark.parametrize(
    ("of", "to", "said"),
    [
        (Estimate(1, 0.9, 1.1), Estimate(2, 1.2, 2.1), "faster"),
        (Estimate(2, 1.2, 2.1), Estimate(1, 0.9, 1.1), "slower"),
        (Estimate(1, 0.9, 1.3), Estimate(2, 1.2, 2.1), "no difference shown"),
        (Estimate(1, 0.9, 1.2), Estimate(2, 1.2, 2.1), "no difference shown"),
        (Estimate(1, -math.inf, math.inf), Estimate(9, 8.0, 10.0), "no difference shown"),
    ],
)
def test_faster_is_said_only_where_intervals_do_not_overlap(of: Estimate, to: Estimate, said: str) -> None:
    assert stats.verdict(of, to) == said


def test_the_mean_of_a_constant_is_exact() -> None:
    assert stats.mean(stats.sample([1.0] * 50)) == Estimate(1.0, 1.0, 1.0)


def test_nothing_counted_may_be_three_events() -> None:
    assert stats.mean(stats.sample([0.0] * 300)) == Estimate(0.0, 0.0, 0.01)


def test_the_mean_of_a_few_has_no_bounds() -> None:
    assert not stats.mean(stats.sample([0.0, 1.0])).bounded


def test_the_interval_of_a_mean_holds_the_truth_in_some_95_percent_of_samples() -> None:
    rng = np.random.default_rng(6)
    means = [stats.mean(stats.sample(rng.poisson(0.3, 400))) for _ in range(300)]

    assert sum(one.low <= 0.3 <= one.high for one in means) / len(means) >= 0.93


def test_the_interval_of_a_share_by_hand() -> None:
    share = stats.share(stats.Sample(np.arange(50) % 10 == 0, None))

    assert share == pytest.approx((0.1, 0.0435, 0.2136), abs=1e-4)


@pytest.mark.parametrize("value", [False, True])
def test_a_share_of_none_or_all_is_at_the_end_of_its_interval(value: bool) -> None:
    share = stats.share(stats.Sample(np.full(200, value), None))

    assert share.value == float(value)
    assert (share.low, share.high) == pytest.approx((0.9812, 1) if value else (0, 0.0188), abs=1e-4)


def test_failures_that_come_together_count_for_less() -> None:
    spread, together = np.arange(600) % 3 == 0, np.arange(600) < 200
    wide, narrow = (stats.share(stats.Sample(values, None)) for values in (together, spread))

    assert wide.value == narrow.value
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_the_interval_of_a_share_holds_the_truth_in_some_95_percent_of_samples() -> None:
    rng = np.random.default_rng(7)
    shares = [stats.share(stats.Sample(rng.random(300) < 0.05, None)) for _ in range(300)]

    assert sum(one.low <= 0.05 <= one.high for one in shares) / len(shares) >= 0.93
