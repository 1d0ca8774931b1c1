"""Source: Amazon CloudWatch User Guide, "CloudWatch statistics definitions"."""

import array
import re

import pytest

from cloudwatch.metric_store import Part
from cloudwatch.statistics import Period, statistic


def part(*pairs: tuple[float, float]) -> Part:
    values = [value for value, _ in pairs]
    samples = array.array("d", [number for pair in pairs for number in pair]).tobytes()
    size, total = sum(count for _, count in pairs), sum(value * count for value, count in pairs)
    return Part(0, size, total, min(values), max(values), samples)


# 1 2 2 3 10, in two parts
PERIOD = Period([part((2.0, 1.0), (10.0, 1.0)), part((1.0, 1.0), (2.0, 1.0), (3.0, 1.0))])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SampleCount", 5.0),
        ("Sum", 18.0),
        ("Average", 3.6),
        ("Minimum", 1.0),
        ("Maximum", 10.0),
        ("p0", 1.0),
        ("p20", 1.0),
        ("p21", 2.0),
        ("p50", 2.0),
        ("p60", 2.0),
        ("p60.1", 3.0),
        ("P80", 3.0),
        ("p99.9", 10.0),
        ("p100", 10.0),
        ("tm100", 3.6),
        ("tm80", 2.0),  # 1 2 2 3
        ("tm50", 1.6),  # 1, 2 and half of 2
        ("tm10", 1.0),
    ],
)
def test_statistics_of_a_period(name: str, value: float) -> None:
    found = statistic(name)(PERIOD)
    assert found == pytest.approx(value)


def test_the_55th_percentile_of_100_values_is_the_55th() -> None:
    """0.55 * 100 exceeds 55 by the last bit of a float."""
    assert statistic("p55")(Period([part(*((float(n), 1.0) for n in range(1, 101)))])) == 55.0


def test_counts_weigh_values() -> None:
    period = Period([part((1.0, 98.0), (5.0, 2.0))])
    assert (statistic("p98")(period), statistic("p98.1")(period)) == (1.0, 5.0)


@pytest.mark.parametrize("name", ["p50", "tm90"])
def test_a_negative_value_leaves_no_percentiles(name: str) -> None:
    """API reference, "GetMetricStatistics"."""
    period = Period([part((-1.0, 1.0), (5.0, 2.0))])
    assert statistic(name)(period) is None
    assert statistic("Minimum")(period) == -1.0


def test_a_statistic_set_leaves_no_percentiles_unless_it_is_of_one_value() -> None:
    """API reference, "GetMetricStatistics"."""
    several = Part(0, 3.0, 9.0, 1.0, 5.0, None)
    same = Part(0, 4.0, 8.0, 2.0, 2.0, None)
    assert statistic("p50")(Period([several])) is None
    assert statistic("Average")(Period([several])) == 3.0
    assert statistic("p50")(Period([same, part((9.0, 1.0))])) == 2.0


@pytest.mark.parametrize("name", ["", "p", "p101", "p-1", "median", "sum", "tm", "p1.12345678901", "TM(2%:98%)", "IQM"])
def test_other_statistics_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(name)}$"):
        statistic(name)
