"""The one reader of records: what a killed, collected or foreign run may leave; files that grow; bounded pieces."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lab.errors import LabError
from lab.records.record import Record
from lab.records.table import CHUNK, FIELDS, RecordTable, record_table
from tests.records import read_records
from tests.unit.lab.report.simulated import BEGAN, simulated_records

SMALL: int = 2000
"""A piece of two or three records."""


def _write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    return path


def _line(record: Record, **changes: object) -> str:
    return json.dumps(json.loads(record.to_json()) | changes) + "\n"


@contextlib.contextmanager
def _table(tmp_path: Path, *files: Path, chunk: int = CHUNK) -> Iterator[tuple[RecordTable, duckdb.DuckDBPyConnection]]:
    with duckdb.connect() as database:
        yield RecordTable(files, database, tmp_path, chunk=chunk), database


def _column(database: duckdb.DuckDBPyConnection, name: str) -> list[Any]:
    return [row[0] for row in database.table("records").project(name).fetchall()]


def _read(tmp_path: Path, path: Path, *columns: str) -> tuple[RecordTable, list[list[Any]]]:
    """All of a file read at once, and again in pieces: both find the same."""
    found = []
    for pieces in (False, True):
        with _table(tmp_path, path, chunk=SMALL if pieces else CHUNK) as (table, database):
            if pieces:
                table.catch_up()
            table.read_all()
            found.append((table, [_column(database, name) for name in columns]))
    (whole, values), (pieced, same) = found
    assert repr(values) == repr(same)
    assert (whole.count, whole.damage) == (pieced.count, pieced.damage)
    return whole, values


def test_the_columns_are_the_fields_of_a_record(tmp_path: Path) -> None:
    records = simulated_records(duration_s=0.5)
    path = _write(tmp_path / "records.jsonl", *(record.to_json() + "\n" for record in records))

    table, columns = _read(tmp_path, path, *FIELDS)
    assert set(FIELDS) == {field.name for field in dataclasses.fields(Record)}
    assert table.count == len(records)
    for name, values in zip(FIELDS, columns, strict=True):
        assert values == [getattr(record, name) for record in records], name


def test_empty_lines_and_unknown_fields_are_ignored_and_missing_ones_are_null(tmp_path: Path, record: Record) -> None:
    least = json.dumps({"variant": "no_cache", "status": "ok", "target": "local", "planned_at": BEGAN + 1}) + "\n"
    path = _write(tmp_path / "records.jsonl", "\n", _line(record, colour=[1, {"a": 2}]), "  \r\n", least)

    table, (latency, restored) = _read(tmp_path, path, "latency_ms", "restored")
    assert (table.count, table.damage) == (2, None)
    assert (latency, restored) == ([10.0, None], [False, False])


def test_a_last_line_cut_off_is_no_damage_and_a_whole_one_without_its_end_counts(
    tmp_path: Path, record: Record
) -> None:
    line = _line(record)
    for rest, count in ((line[:60], 1), (line.rstrip("\n"), 2)):
        table, _ = _read(tmp_path, _write(tmp_path / "records.jsonl", line, rest))
        assert (table.count, table.damage) == (count, None)


@pytest.mark.parametrize("damage", ["{]\n", "7\n", '"text"\n', "[1]\n", '{"variant": null, "status": "ok"}\n', "{}\n"])
def test_a_line_that_is_no_record_is_counted_and_the_first_is_named(
    tmp_path: Path, record: Record, damage: str
) -> None:
    lines = (_line(record), "\n", _line(record), _line(record), damage, _line(record), damage, _line(record)[:50])

    table, _ = _read(tmp_path, _write(tmp_path / "records.jsonl", *lines))
    assert table.damage is not None
    assert (table.count, table.damage.lines, table.damage.first) == (4, 2, "records.jsonl:5")


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

    table, (targets,) = _read(tmp_path, path, "target")
    assert table.damage is not None
    assert (targets, table.damage.lines, table.damage.first) == (["simulated"], 2, "records.jsonl:2")
    with pytest.raises(LabError, match=r"records\.jsonl:2 is not a record"):
        list(read_records(tmp_path))


def test_numbers_up_to_the_bound_are_taken(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record, latency_ms=1e12), _line(record, age_ms=-1e12))

    table, _ = _read(tmp_path, path)
    assert (table.count, table.damage) == (2, None)


def test_what_json_leaves_open_is_read(tmp_path: Path, record: Record) -> None:
    surrogate = _line(record, variant="half \ud800")
    no_utf8 = _line(record, variant="byte @").encode().replace(b"@", b"\xff")
    path = _write(tmp_path / "records.jsonl", surrogate, no_utf8, _line(record))

    table, (variants,) = _read(tmp_path, path, "variant")
    assert (variants, table.damage) == (["half \\ud800", "byte \ufffd", "no_cache"], None)


def test_what_is_no_finite_number_is_not_measured(tmp_path: Path, record: Record) -> None:
    odd = (math.nan, math.inf, -math.inf, "12.5", True, None, [1], {"a": 1}, 10**400)
    path = _write(tmp_path / "records.jsonl", *(_line(record, latency_ms=value) for value in (*odd, 7, 1e2)))

    _, (latencies,) = _read(tmp_path, path, "latency_ms")
    assert latencies == [None] * len(odd) + [7.0, 100.0]


def test_a_record_of_absurd_length_is_a_record(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record), _line(record, key="x" * 9_000_000), _line(record))

    with record_table([path]) as (_, table):
        assert (table.count, table.damage) == (3, None)


def test_a_file_that_grows_is_read_in_whole_lines(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "records.jsonl"
    line = _line(record)
    with _table(tmp_path, path) as (table, database):
        assert not table.catch_up()
        _write(path, line, line[:100])
        assert (table.catch_up(), table.catch_up(), table.count) == (True, False, 1)
        assert 0.5 < table.share < 1
        _write(path, line, line, line)
        assert (table.catch_up(), table.count, table.batch, table.share) == (True, 3, 2, 1.0)
        assert database.execute("SELECT count(*) FROM fresh").fetchall() == [(2,)]
        assert not table.catch_up()


def test_memory_is_bounded_by_pieces(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", *(_line(record, sequence=number) for number in range(20)))
    with _table(tmp_path, path, chunk=SMALL) as (table, database):
        shares = []
        while table.catch_up():
            shares.append(table.share)
        assert shares == sorted(shares)
        assert len(shares) > 5
        assert _column(database, "sequence") == [*range(20)]
        assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_is_replaced_by_a_shorter_one_is_read_again(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record), _line(record), "7\n")
    with _table(tmp_path, path) as (table, database):
        table.catch_up()
        _write(path, _line(record, sequence=9))
        assert table.catch_up()
        assert (table.count, table.batch, table.damage) == (1, 1, None)
        assert _column(database, "sequence") == [9]


def test_fewer_columns_can_be_asked_for(tmp_path: Path, record: Record) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record, latency_ms=1e13))
    with record_table([path], ["age_ms"]) as (database, table):
        assert [name for name, *_ in database.execute("DESCRIBE records").fetchall()] == [
            "age_ms",
            "status",
            "target",
            "variant",
            "batch",
        ]
        assert (table.count, table.damage) == (1, None)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot be read") as refused, record_table([tmp_path / "none.jsonl"]):
        pass
    assert "\n" not in str(refused.value)


def test_nothing_is_left_behind(tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "records.jsonl", _line(record))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    with record_table([path]):
        assert list((tmp_path / "temporary").iterdir())
    assert not list((tmp_path / "temporary").iterdir())


def test_the_record_at_a_time_reader_ignores_empty_lines_too(tmp_path: Path, record: Record) -> None:
    _write(tmp_path / "records.jsonl", _line(record), "\n", _line(record), "{")

    assert len(list(read_records(tmp_path))) == 2
