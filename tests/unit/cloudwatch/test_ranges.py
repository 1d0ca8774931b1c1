import pytest

from cloudwatch.ranges import range_of


@pytest.mark.parametrize(
    ("span", "period"),
    [(0, 1), (45, 1), (90, 1), (91, 5), (450, 5), (900, 10), (2700, 30), (2701, 60), (86_400, 60), (86_461, 300)],
)
def test_auto_takes_the_finest_period_of_few_points_and_never_a_coarser_one_than_it_must(
    span: float, period: int
) -> None:
    assert range_of(1000.0, 1000.0 + span, None, 60).period == period


def test_a_range_is_of_whole_periods_that_hold_both_ends() -> None:
    assert range_of(61.2, 120.0, 60, 60) == (60, 180, 60, 60)
    assert range_of(61.2, 61.2, 1, 60) == (61, 62, 1, 60)


def test_a_period_that_would_make_too_many_points_is_lengthened() -> None:
    assert range_of(0.0, 7200.0, 1, 60).period == 60


def test_auto_is_never_coarser_than_the_dashboards_own_period() -> None:
    assert range_of(0.0, 600.0, None, 5).period == 5


@pytest.mark.parametrize("period", [None, 1, 30, 60, 300])
def test_whole_minutes_make_the_range_a_period_that_get_metric_data_accepts(period: int | None) -> None:
    shown = range_of(61.2, 500.0, period, 60, whole_minutes=True)
    assert shown.start <= 61.2
    assert shown.end > 500.0
    assert (shown.start % 60, (shown.end - shown.start) % 60, (shown.end - shown.start) % shown.period) == (0, 0, 0)
