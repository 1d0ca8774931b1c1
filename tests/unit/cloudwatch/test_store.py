"""The store: statistics of metrics, and its bounds.

Source of the statistics: Amazon CloudWatch User Guide, "CloudWatch statistics definitions".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cloudwatch.errors import UnsupportedError
from cloudwatch.series import MetricStat, Series
from cloudwatch.store import Store


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Any]:
    made: list[Store] = []

    def make(**limits: Any) -> Store:
        made.append(Store(tmp_path / str(len(made)), **limits))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The values 1 2 2 3 10 in second 5, which came in two parts."""
    with Store(tmp_path_factory.mktemp("store"), held_values=1) as store:
        time = number(store)
        for values in ([2.0, 10.0], [1.0, 2.0, 3.0]):
            store.add(5, time, values)
            store.spill()
        yield store


def series(name: str = "Time", unit: str = "Milliseconds", **dimensions: str) -> Series:
    return Series("Shop", name, tuple(sorted(dimensions.items())), unit)


def number(store: Store, of: Series | None = None) -> int:
    found = store.series_id(of or series())
    assert found is not None
    return found


def points(store: Store, statistic: str, period: float = 60, **changes: Any) -> dict[float, float]:
    stat = MetricStat(*series()[:3], statistic)._replace(**changes)
    return store.statistics([stat], start=0, end=1000, period=period)[stat]


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
def test_statistics_of_a_period(filled: Store, name: str, value: float) -> None:
    assert points(filled, name) == {0: pytest.approx(value)}


@pytest.mark.parametrize("name", ["", "p", "p101", "p-1", "median", "sum", "tm", "p1.12345678901", "TM(2%:98%)", "IQM"])
def test_other_statistics_are_refused(filled: Store, name: str) -> None:
    with pytest.raises(UnsupportedError, match="is not known here"):
        points(filled, name)


def test_no_values_make_no_points(filled: Store) -> None:
    assert points(filled, "tm0") == points(filled, "p50", name="Other") == points(filled, "Sum", unit="Count") == {}


def test_the_55th_percentile_of_100_values_is_the_55th(stores: Any) -> None:
    """0.55 * 100 exceeds 55 by the last bit of a float."""
    store = stores()
    store.add(0, number(store), [float(n) for n in range(1, 101)])
    assert points(store, "p55") == {0: 55.0}


def test_counts_weigh_values_and_a_count_of_0_is_ignored(stores: Any) -> None:
    store = stores()
    time = number(store)
    store.add(0, time, [1.0], 98)
    store.add(0, time, [5.0], 2)
    store.add(0, time, [9.0], 0)
    assert (points(store, "p98"), points(store, "p98.1"), points(store, "Sum")) == ({0: 1.0}, {0: 5.0}, {0: 108.0})


@pytest.mark.parametrize("name", ["p50", "tm90"])
def test_a_negative_value_leaves_no_percentiles_of_its_period(stores: Any, name: str) -> None:
    """API reference, "GetMetricStatistics"."""
    store = stores()
    for second, value in ((1, -1.0), (2, 5.0), (61, 3.0)):
        store.add(second, number(store), [value])
    assert points(store, name) == {60: 3.0}
    assert points(store, "Minimum") == {0: -1.0, 60: 3.0}


def test_a_statistic_set_leaves_no_percentiles_unless_it_is_of_one_value(stores: Any) -> None:
    """API reference, "GetMetricStatistics"."""
    store = stores()
    time = number(store)
    store.add_set(1, time, (3.0, 9.0, 1.0, 5.0))
    store.add(2, time, [7.0])
    store.add_set(61, time, (4.0, 8.0, 2.0, 2.0))
    store.add(62, time, [9.0])
    assert points(store, "p50") == {60: 2.0}
    assert points(store, "Average") == {0: 4.0, 60: 17 / 5}
    assert points(store, "Maximum") == {0: 7.0, 60: 9.0}


def test_periods_begin_with_the_range_which_ends_before_its_end(stores: Any) -> None:
    store = stores()
    for second in (9, 10, 19, 20):
        store.add(second, number(store), [1.0])
    stat = MetricStat(*series()[:3], "Sum")
    assert store.statistics([stat], start=10, end=20, period=5)[stat] == {10: 1.0, 15: 1.0}


def test_many_metrics_are_computed_at_once_each_by_itself(stores: Any) -> None:
    store = stores()
    for n in range(20):
        store.add(n, number(store, series(f"m{n}")), [float(n), n + 100.0])
    wanted = [MetricStat("Shop", f"m{n}", (), stat) for n in range(20) for stat in ("p50", "p100", "Sum")]
    found = store.statistics(wanted, start=0, end=100, period=1)
    for n in range(20):
        values = [found[MetricStat("Shop", f"m{n}", (), stat)] for stat in ("p50", "p100", "Sum")]
        assert values == [{n: float(n)}, {n: n + 100.0}, {n: 2 * n + 100.0}]


def test_units_are_series_of_their_own_and_count_together_where_no_unit_is_given(stores: Any) -> None:
    store = stores()
    for unit, value in (("Seconds", 1.0), ("None", 2.0)):
        store.add(0, number(store, series(unit=unit)), [value])
    assert set(store.units(*series()[:3])) == {"Seconds", "None"}
    assert points(store, "Sum", unit="None") == {0: 2.0}
    assert points(store, "Sum") == {0: 3.0}
    assert points(store, "p100") == {0: 2.0}


def test_a_series_can_have_the_values_of_another(stores: Any) -> None:
    store = stores()
    time = number(store)
    assert store.series_id(series("Same"), same_as=time) == time
    assert number(store, series("Next")) not in (time, None)
    store.add(0, time, [4.0])
    assert points(store, "Sum", name="Same") == {0: 4.0}


def test_series_beyond_the_bound_are_refused_and_known_ones_are_not(stores: Any) -> None:
    store = stores(most_series=3)
    numbers = [store.series_id(series(request=str(n))) for n in range(5)]
    assert numbers == [0, 1, 2, None, None]
    assert store.series_id(series(request="1")) == 1
    assert (store.refused, len(store.all_series)) == (2, 3)
    assert store.series_id(series(request="own"), bounded=False) == 3


def test_samples_are_bounded_and_the_oldest_are_forgotten(stores: Any) -> None:
    store = stores(held_values=1000, most_bytes=400_000)
    time = number(store)
    for second in range(200):
        store.add(second, time, [second + n / 1000 for n in range(1000)])
        store.spill()
    seconds = sorted(points(store, "Sum", period=1))
    assert seconds == list(range(int(seconds[0]), 200))
    assert 5 < len(seconds) < 20


def test_a_rotation_that_fails_changes_nothing_and_the_next_one_succeeds(stores: Any) -> None:
    store = stores(held_values=1)
    for second in (1, 2):
        store.add(second, number(store), [1.0])
        store.spill()
        with pytest.raises(duckdb.Error):
            store._samples.rotate("nothing = 1")
    assert points(store, "Sum") == {0: 2.0}
    store._samples.rotate()
    assert points(store, "Sum") == {0: 2.0}
    store._samples.rotate()
    assert points(store, "Sum") == {}


def test_what_could_not_be_kept_is_lost_and_the_store_goes_on(stores: Any) -> None:
    """As on a full disk: what exceeds the memory cannot spill."""
    store = stores(held_values=1, memory_limit="8MiB")
    store.connection.execute("SET max_temp_directory_size = '1MiB'")
    time = number(store)
    store.add(1, time, [float(n) for n in range(2_000_000)])
    with pytest.raises(duckdb.Error):
        store.spill()
    store.add(2, time, [1.0])
    store.spill()
    assert points(store, "SampleCount", period=1) == {2: 1.0}
