"""The size of a change that a test finds: against simulation."""

import numpy as np
import pytest

from lab.analysis.power import detectable
from lab.analysis.statistics import student


@pytest.mark.parametrize(("spread", "shared", "least"), [(1.0, 0.0, 0.0), (1.0, 0.0, 5.0), (0.4, 1.0, 2.0)])
def test_a_change_of_that_size_is_found_in_four_of_five_pairs(spread: float, shared: float, least: float) -> None:
    """The spread is known here, so the correction for its estimate is taken out."""
    freedom, alpha, count = 8, 0.05 / 8, 40_000
    rng = np.random.default_rng(1)
    known = spread * (1 - 2 / (9 * freedom)) ** 1.5
    size = detectable(known, shared, freedom, alpha, least=least, power=0.8)
    estimated = spread * np.sqrt(rng.chisquare(freedom, count) / freedom)
    changes = rng.normal(size, np.hypot(spread, shared), count)
    found = changes > np.maximum(student(alpha, freedom) * np.hypot(estimated, shared), least)

    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_the_stated_size_is_found_in_75_to_85_percent_of_new_pairs() -> None:
    freedom, alpha = 8, 0.05 / 8
    rng = np.random.default_rng(2)
    stated = [
        detectable(float(one), 0.0, freedom, alpha, least=0.0, power=0.8)
        for one in np.sqrt(rng.chisquare(freedom, 60) / freedom)
    ]
    estimated = np.sqrt(rng.chisquare(freedom, 20_000) / freedom)
    changes = rng.normal(0, 1, 20_000)
    found = [np.mean(changes + size > student(alpha, freedom) * estimated) for size in stated]

    assert 0.75 <= float(np.median(found)) <= 0.85


def test_without_any_spread_only_the_margin_counts() -> None:
    assert detectable(0.0, 0.0, 8, 0.01, least=0.3, power=0.8) == 0.3
