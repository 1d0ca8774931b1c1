"""The change that a test of two runs finds with a given probability."""

import functools
import math
from typing import Final

import numpy as np

from lab.analysis.statistics import Floats, student

_CELLS: Final = 200
"""Into which the law of the variance is cut; twice as many change no size by a thousandth."""
_STEPS: Final = 30


def detectable(spread: float, shared: float, freedom: int, alpha: float, *, least: float, power: float) -> float:
    """The true change that a t test finds with this probability, where an estimate below ``least`` is no find.

    The estimate is normal about the change with the standard error hypot(spread, shared). The test estimates
    ``spread`` with its degrees of freedom and knows ``shared``. Where ``shared`` and ``least`` are 0, this is the
    noncentral t distribution (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, 1995, chapter
    31). A few repetitions estimate ``spread`` too low more often than too high. So its median-unbiased value is taken
    (median of chi-squared: Wilson and Hilferty, PNAS 17, 1931).

    Args:
        spread: estimated standard error within the runs.
        shared: standard error that is the same for any number of repetitions.
        freedom: degrees of freedom of ``spread``.
        alpha: level of the two-sided test.
        least: an estimate must exceed this too.
        power: the probability, 0.5 to 1.
    """
    spread *= (1 - 2 / (9 * freedom)) ** -1.5
    error = math.hypot(spread, shared)
    if error == 0:
        return least
    ratios, weights = _variance_law(freedom)
    needed = np.maximum(student(alpha, freedom) * np.sqrt(spread**2 * ratios + shared**2), least)
    low, high = 0.0, float(needed.max()) + 10 * error
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = float(sum(weights * np.array([_normal((middle - one) / error) for one in needed])))
        low, high = (middle, high) if found < power else (low, middle)
    return high


@functools.lru_cache(maxsize=16)
def _variance_law(freedom: int) -> tuple[Floats, Floats]:
    """Estimated variance over the true one, in cells of equal width, and the probability of each (chi-squared)."""
    top = 1 + 6 * math.sqrt(2 / freedom) + 16 / freedom
    ratios = (np.arange(_CELLS) + 0.5) * top / _CELLS
    logs = (freedom / 2 - 1) * np.log(ratios) - freedom * ratios / 2
    weights = np.exp(logs - logs.max())
    return ratios, weights / weights.sum()


def _normal(value: float) -> float:
    return (1 + math.erf(value / math.sqrt(2))) / 2
