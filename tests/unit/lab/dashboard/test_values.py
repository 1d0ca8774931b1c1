"""What is computed as a run goes on is what is computed of the whole of it at once."""

import random
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.ranges import Range
from lab.dashboard.measures import Metric
from lab.dashboard.record_store import RecordStore
from lab.dashboard.values import Found, Values
from tests.unit.lab.dashboard.runs import BEGAN, append, record, write

VARIANTS = ("no_cache", "ttl_cache")
METRICS = {
    Metric(namespace, name, variant, statistic)
    for variant in VARIANTS
    for namespace, name, statistic in (
        ("AWS/Lambda", "Invocations", "Sum"),
        ("AWS/Lambda", "Duration", "p90"),
        ("AWS/Lambda", "ConcurrentExecutions", "Maximum"),
        ("CacheLab", "DownstreamErrors", "Sum"),
    )
}


def coming(seed: int) -> list[dict[str, Any]]:
    """Records in the order of their completion: some took long, and began before what is there already."""
    chance = random.Random(seed)  # noqa: S311 -- nothing secret
    begun = [
        record(at, chance.choice(VARIANTS), duration_ms=chance.uniform(1, 9), received_at=BEGAN + at + spent)
        for at, spent in ((chance.uniform(0, 300), chance.choice([0.01, 2, 40])) for _ in range(400))
    ]
    return sorted(begun, key=lambda one: one["received_at"])


def at_once(run: Path, shown: Range, clean: tuple[str, ...] = ()) -> Found:
    with RecordStore(run) as store:
        store.catch_up()
        return Values(store).over_time(METRICS, shown, clean)


@pytest.mark.parametrize("seed", range(2))
def test_periods_that_new_records_change_are_computed_anew(tmp_path: Path, seed: int) -> None:
    records = coming(seed)
    run = write(tmp_path / "run", [])
    with RecordStore(run) as store:
        values = Values(store)
        for at in range(0, 400, 50):
            append(run, records[at : at + 50])
            store.catch_up()
            shown = Range(BEGAN, BEGAN + 10 * (1 + at // 12), 10, 60)
            assert values.over_time(METRICS, shown, ()) == at_once(run, shown), at


def test_of_what_is_kept_only_what_new_records_have_changed_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write(tmp_path / "run", [record(second, "no_cache") for second in range(100)])
    asked: list[float] = []
    rows = RecordStore.rows

    def noted(self: RecordStore, sql: str, values: Any = None) -> list[Any]:
        asked.extend([values["since"] - BEGAN] if "since" in (values or {}) else [])
        return rows(self, sql, values)

    monkeypatch.setattr(RecordStore, "rows", noted)
    metrics = {Metric("AWS/Lambda", "Invocations", "no_cache", "Sum")}
    with RecordStore(run) as store:
        store.catch_up()
        values = Values(store)
        values.over_time(metrics, Range(BEGAN, BEGAN + 100, 10, 60), ())
        append(run, [record(87), record(100)])
        store.catch_up()
        values.over_time(metrics, Range(BEGAN, BEGAN + 110, 10, 60), ())

    assert asked == [0, 80]


def test_another_range_period_or_file_is_another_question(tmp_path: Path) -> None:
    run = write(tmp_path / "run", coming(0))
    with RecordStore(run) as store:
        store.catch_up()
        values = Values(store)
        for start, end, period in ((0, 300, 10), (0, 200, 10), (0, 300, 5), (50, 300, 10), (0, 300, 10)):
            shown = Range(BEGAN + start, BEGAN + end, period, 60)
            assert values.over_time(METRICS, shown, ()) == at_once(run, shown)
            assert values.over_time(METRICS, shown, VARIANTS) == at_once(run, shown, VARIANTS)
        (run / "records.jsonl").write_text("")
        append(run, coming(1)[:50])
        store.catch_up()
        assert values.over_time(METRICS, shown, ()) == at_once(run, shown)
