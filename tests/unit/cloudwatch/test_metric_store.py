import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.metric_store import MetricStore, Part
from cloudwatch.series import Series
from cloudwatch.statistics import Period, statistic


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Any]:
    made: list[MetricStore] = []

    def make(**limits: int) -> MetricStore:
        made.append(MetricStore(tmp_path / f"metrics-{len(made)}", **limits))
        return made[-1]

    yield make
    for store in made:
        store.close()


def series(name: str = "Time", unit: str = "Milliseconds", **dimensions: str) -> Series:
    return Series("Shop", name, tuple(sorted(dimensions.items())), unit)


def number(store: MetricStore, of: Series) -> int:
    found = store.number(of)
    assert found is not None
    return found


def test_values_come_back_with_their_second(stores: Any) -> None:
    store = stores()
    time = number(store, series())
    store.add_each(7, time, [2.0, 2.0, 5.0])
    store.add(8, time, 1.0)
    found = {part.second: part for part in store.parts([time], 0, 100)}
    assert {second: (part.size, part.total, part.minimum, part.maximum) for second, part in found.items()} == {
        7: (3.0, 9.0, 2.0, 5.0),
        8: (1.0, 1.0, 1.0, 1.0),
    }


def test_a_range_begins_with_its_start_and_ends_before_its_end(stores: Any) -> None:
    for store in (stores(), stores(held_values=1)):
        time = number(store, series())
        for second in (9, 10, 19, 20):
            store.add(second, time, 1.0)
        store.spill()
        assert sorted(part.second for part in store.parts([time], 10, 20)) == [10, 19]


def test_what_is_in_the_file_and_in_memory_is_one(stores: Any) -> None:
    """Late values of a second that has been written already count with it."""
    held, spilled = stores(), stores(held_values=1)
    for store in (held, spilled):
        time = number(store, series())
        for value in (3.0, 1.0, 2.0, 2.0, 9.0):
            store.add(5, time, value)
            store.spill()
        store.add(5, time, 4.0)
    assert len(spilled.parts([0], 0, 10)) > len(held.parts([0], 0, 10)) == 1
    for name in ("SampleCount", "Sum", "Minimum", "Maximum", "p50", "p90", "tm50"):
        values = [statistic(name)(Period(store.parts([0], 0, 10))) for store in (held, spilled)]
        assert values[0] == values[1] is not None


def test_a_statistic_set_is_kept_beside_values(stores: Any) -> None:
    for store in (stores(), stores(held_values=1)):
        time = number(store, series())
        store.add_set(time, Part(5, 3.0, 9.0, 1.0, 5.0, None))
        store.add(5, time, 7.0)
        store.spill()
        period = Period(store.parts([time], 0, 10))
        assert (period.count, period.total, period.maximum) == (4.0, 16.0, 7.0)
        assert period.samples is None


def test_what_could_not_be_written_is_lost_and_the_store_goes_on(stores: Any) -> None:
    store = stores(held_values=1)
    time = number(store, series())
    store._file.execute("PRAGMA max_page_count = 4")
    store.add_each(1, time, [float(n) for n in range(5000)])
    with pytest.raises(sqlite3.OperationalError, match="full"):
        store.spill()
    store._file.execute("PRAGMA max_page_count = 1000")
    store.add(2, time, 1.0)
    store.spill()
    assert [part.second for part in store.parts([time], 0, 10)] == [2]


def test_units_are_series_of_their_own(stores: Any) -> None:
    store = stores()
    for unit in ("Seconds", "None"):
        number(store, series(unit=unit, Service="cart"))
    dimensions = (("Service", "cart"),)
    assert set(store.find("Shop", "Time", dimensions, None)) == {"Seconds", "None"}
    assert set(store.find("Shop", "Time", dimensions, "None")) == {"None"}
    assert store.find("Shop", "Time", (), None) == {}


def test_series_beyond_the_bound_are_refused_and_those_that_are_known_are_not(stores: Any) -> None:
    store = stores(most_series=3)
    numbers = [store.number(series(request=str(n))) for n in range(5)]
    assert numbers == [0, 1, 2, None, None]
    assert store.number(series(request="1")) == 1
    assert store.refused == 2
    assert len(store.all_series) == 3


def test_the_file_is_bounded_and_forgets_the_oldest(stores: Any, tmp_path: Path) -> None:
    store = stores(held_values=1000, file_bytes=400_000)
    time = number(store, series())
    for second in range(200):
        store.add_each(second, time, [second + n / 1000 for n in range(1000)])
        store.spill()
    assert (tmp_path / "metrics-0").stat().st_size < 600_000
    seconds = sorted(part.second for part in store.parts([time], 0, 1000))
    assert seconds[-1] == 199
    assert seconds == list(range(seconds[0], 200))
    assert 5 < len(seconds) < 40
