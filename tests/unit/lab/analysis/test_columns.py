"""The reader: what a killed, collected or foreign run may leave, and that memory holds columns, not records."""

import dataclasses
import json
from pathlib import Path

import pytest

from lab.analysis.columns import Columns, reading
from lab.analysis.model import Start
from lab.records.record import Record
from tests.unit.lab.report.simulated import BEGAN, simulated_records


def _write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return path


def _line(record: Record, **changes: object) -> str:
    return json.dumps(json.loads(record.to_json()) | changes) + "\n"


def _count(columns: Columns) -> int:
    return sum(columns.of(name).count for name in columns.variants)


def test_the_columns_are_those_of_the_records(tmp_path: Path) -> None:
    records = simulated_records()
    path = _write(tmp_path / "records.jsonl", *(record.to_json() + "\n" for record in records))

    with reading([path]) as columns:
        assert columns.count == len(records)
        assert columns.damage is None
        for name in columns.variants:
            expected = sorted((one for one in records if one.variant == name), key=lambda one: one.planned_at or 0.0)
            found = columns.of(name)
            assert found.measured("latency_ms").tolist() == [one.latency_ms for one in expected]
            assert found.measured("moment").tolist() == [one.planned_at for one in expected]
            assert found.environment_count() == len({one.environment_id for one in expected})


def test_shards_are_one_run_and_each_may_be_cut_off(tmp_path: Path, record: Record) -> None:
    shards = [
        _write(tmp_path / f"{number}.jsonl", _line(record, planned_at=BEGAN + 10 - number), _line(record)[:70])
        for number in range(4)
    ]

    with reading(shards) as columns:
        planned = columns.of("no_cache").measured("moment").tolist()
        assert planned == [BEGAN + 7, BEGAN + 8, BEGAN + 9, BEGAN + 10]
        assert columns.damage is None
        assert columns.window == (BEGAN + 7, BEGAN + 10)


def test_the_order_of_records_planned_alike_is_the_same_at_each_reading(tmp_path: Path, record: Record) -> None:
    lines = [_line(record, sequence=0, latency_ms=float(number)) for number in range(500)]
    path, turned = _write(tmp_path / "a.jsonl", *lines), _write(tmp_path / "b.jsonl", *lines[::-1])

    with reading([path]) as one, reading([turned]) as other:
        latencies = one.of("no_cache").measured("latency_ms")
        assert latencies.tolist() == other.of("no_cache").measured("latency_ms").tolist()
        assert latencies.tolist() != sorted(latencies.tolist())


def test_lives_are_those_of_the_environments(tmp_path: Path, record: Record) -> None:
    change = dataclasses.replace
    records = [
        change(record, environment_id="b", planned_at=BEGAN + 5, sent_at=BEGAN + 5, received_at=BEGAN + 6),
        change(record, environment_id="a", invocation=1, cold_start=True, init_ms=400.0, downstream_calls=1),
        change(record, environment_id="a", planned_at=BEGAN + 9, sent_at=BEGAN + 9, received_at=BEGAN + 10),
        change(record, environment_id=None),
    ]
    path = _write(tmp_path / "records.jsonl", *(one.to_json() + "\n" for one in records))

    with reading([path]) as columns:
        first, second = columns.of("no_cache").lives(5)
        assert (first.environment, first.began, first.ended, first.invocations) == ("a", 0.0, 10.0, 2)
        assert (first.start, first.start_ms, first.reads) == (Start.COLD, 400.0, 1)
        assert (second.environment, second.began, second.ended, second.start) == ("b", 5.0, 6.0, Start.WARM)
        assert columns.of("no_cache").reads(["a", "b"], 9) == [("a", 0.5, 1)]
        assert len(columns.of("no_cache").lives(1)) == 1


def test_a_record_made_from_a_log_stands_where_lambda_reported_it(tmp_path: Path, record: Record) -> None:
    unplanned = {"planned_at": None, "sent_at": None, "latency_ms": None, "service_ms": None}
    lines = [_line(record, **unplanned, received_at=BEGAN + number, duration_ms=number) for number in (3, 1, 2)]

    with reading([_write(tmp_path / "records.jsonl", *lines)]) as columns:
        assert columns.of("no_cache").measured("duration_ms").tolist() == [1, 2, 3]
        assert columns.window == (BEGAN + 1, BEGAN + 3)
        assert (columns.of("no_cache").lives(1)[0].began, columns.of("no_cache").lives(1)[0].ended) == (0.0, 2.0)


def test_no_records_are_no_variants(tmp_path: Path) -> None:
    with reading([_write(tmp_path / "records.jsonl")]) as columns:
        assert (columns.count, columns.variants, columns.window) == (0, [], (0.0, 0.0))
        assert columns.of("no_cache").count == 0


def test_lateness_is_that_of_the_measured_time(tmp_path: Path, record: Record) -> None:
    late = {"planned_at": BEGAN, "sent_at": BEGAN + 0.02}
    lines = [
        _line(record),
        _line(record, **late, repetition=0, phase="start"),
        _line(record, **late, repetition=1, phase="steady"),
        _line(record, repetition=2, phase="steady"),
    ]

    with reading([_write(tmp_path / "records.jsonl", *lines)]) as columns:
        assert columns.lateness(10.0, ()) == pytest.approx((1 / 3, 20.0), abs=0.01)
        assert columns.lateness(10.0, (2,)) == (0.0, 0.0)
