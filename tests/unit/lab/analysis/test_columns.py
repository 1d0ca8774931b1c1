"""The reader: what a killed, collected or foreign run may leave, and that memory holds columns, not records."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.analysis.columns import Columns, reading
from lab.analysis.model import Start
from lab.errors import LabError
from lab.records.record import Record
from tests.records import read_records
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
            assert len(set(found.environments.tolist())) == found.environment_count()


def test_empty_lines_and_unknown_fields_are_passed_over_and_missing_ones_not_measured(
    tmp_path: Path, record: Record
) -> None:
    least = json.dumps({"variant": "no_cache", "status": "ok", "target": "local", "planned_at": BEGAN + 1}) + "\n"
    path = _write(tmp_path / "records.jsonl", "\n", _line(record, colour=[1, {"a": 2}]), "  \r\n", least)

    with reading([path]) as columns:
        found = columns.of("no_cache")
        assert (found.count, columns.damage) == (2, None)
        assert np.isnan(found.measured("latency_ms")).tolist() == [False, True]
        assert found.start.tolist() == [Start.WARM.code] * 2


def test_a_last_line_cut_off_is_no_damage_and_a_whole_one_without_its_end_counts(
    tmp_path: Path, record: Record
) -> None:
    whole = _line(record)
    cut = _write(tmp_path / "cut.jsonl", whole, whole[:60])
    bare = _write(tmp_path / "bare.jsonl", whole, whole.rstrip("\n"))

    with reading([cut]) as columns:
        assert (_count(columns), columns.damage) == (1, None)
    with reading([bare]) as columns:
        assert (_count(columns), columns.damage) == (2, None)


@pytest.mark.parametrize("damage", ["{]\n", "7\n", '"text"\n', "[1]\n", '{"variant": null, "status": "ok"}\n', "{}\n"])
def test_a_line_that_is_no_record_is_counted_and_its_place_told(tmp_path: Path, record: Record, damage: str) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record), "\n", damage, _line(record), damage, _line(record)[:50])

    with reading([path]) as columns:
        assert _count(columns) == 2
        assert columns.damage is not None
        assert (columns.damage.lines, columns.damage.first) == (2, "records.jsonl:3")


@pytest.mark.parametrize(
    "changes",
    [
        {"target": None},
        {"target": ""},
        {"variant": ""},
        {"status": ""},
        {"latency_ms": 1e308},
        {"planned_at": -1.1e12},
        {"downstream_calls": 10**13},
    ],
)
def test_a_record_that_cannot_be_the_labs_is_counted_by_every_reader(
    tmp_path: Path, record: Record, changes: dict[str, Any]
) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record), _line(record, **changes), _line(record, **changes))

    with reading([path]) as columns:
        assert (_count(columns), columns.targets) == (1, ["simulated"])
        assert columns.damage is not None
        assert (columns.damage.lines, columns.damage.first) == (2, "records.jsonl:2")
    with pytest.raises(LabError, match=r"records\.jsonl:2 is not a record"):
        list(read_records(tmp_path))


def test_numbers_up_to_the_bound_are_taken(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record, latency_ms=1e12), _line(record, age_ms=-1e12))

    with reading([path]) as columns:
        assert (_count(columns), columns.damage) == (2, None)


def test_what_json_leaves_open_is_read(tmp_path: Path, record: Record) -> None:
    surrogate = _line(record, variant="half \ud800")
    no_utf8 = _line(record, variant="byte @").encode().replace(b"@", b"\xff")
    path = _write(tmp_path / "records.jsonl", surrogate, no_utf8, _line(record))

    with reading([path]) as columns:
        assert set(columns.variants) == {"half \\ud800", "byte \ufffd", "no_cache"}
        assert columns.damage is None


def test_what_is_no_finite_number_is_not_measured(tmp_path: Path, record: Record) -> None:
    odd = (math.nan, math.inf, -math.inf, "12.5", True, None, [1], {"a": 1}, 10**400)
    path = _write(tmp_path / "records.jsonl", *(_line(record, latency_ms=value) for value in (*odd, 7, 1e2)))

    with reading([path]) as columns:
        latencies = columns.of("no_cache").measured("latency_ms")
        assert sorted(latencies[~np.isnan(latencies)].tolist()) == [7.0, 100.0]


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


def test_a_record_of_absurd_length_is_a_record(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record), _line(record, key="x" * 9_000_000), _line(record))

    with reading([path]) as columns:
        assert (_count(columns), columns.damage) == (3, None)


def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read") as refused, reading([tmp_path / "none.jsonl"]):
        pass
    assert "\n" not in str(refused.value)


def test_nothing_is_left_behind(tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    with reading([path]):
        assert list((tmp_path / "temporary").iterdir())
    assert not list((tmp_path / "temporary").iterdir())


def test_the_record_at_a_time_reader_passes_over_empty_lines_too(tmp_path: Path, record: Record) -> None:
    _write(tmp_path / "records.jsonl", _line(record), "\n", _line(record), "{")

    assert len(list(read_records(tmp_path))) == 2
