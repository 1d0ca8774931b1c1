import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest

from lab.analysis.columns import reading
from lab.dashboard import record_store
from lab.dashboard.record_store import RecordStore
from tests.unit.lab.dashboard.runs import BEGAN, append, record, write


def test_new_lines_are_read_as_they_come_and_an_unfinished_one_when_it_is_whole(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(0)])
    line = json.dumps(record(1)) + "\n"
    with RecordStore(run) as store:
        assert store.catch_up()
        assert not store.catch_up()
        with (run / "records.jsonl").open("a") as lines:
            lines.write(line[:100])
            lines.flush()
            assert not store.catch_up()
            assert store.seen().records == 1
            lines.write(line[100:])
        assert store.catch_up()
        assert store.seen()[:3] == (2, 0, 1.0)
        assert store.seen().window == (BEGAN, BEGAN + 1)


def test_a_run_that_has_no_records_yet_is_empty(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [])
    (run / "records.jsonl").unlink()
    with RecordStore(run) as store:
        assert not store.catch_up()
        assert store.seen() == (0, 0, 1.0, None)


def test_a_long_file_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_store, "CHUNK", 2000)
    run = write(tmp_path / "run", [record(second) for second in range(100)])
    with RecordStore(run) as store:
        store.catch_up()
        assert 0 < store.seen().share < 0.5
        while store.catch_up():
            pass
        assert store.seen().records == 100


def test_another_file_in_its_place_is_read_from_the_beginning(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(0), record(1)])
    with RecordStore(run) as store:
        store.catch_up()
        (run / "records.jsonl").write_text("")
        append(run, [record(9)])
        store.catch_up()
        assert store.seen().window == (BEGAN + 9, BEGAN + 9)


def test_damaged_lines_are_counted_and_half_surrogates_and_foreign_bytes_are_read(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(0)])
    with (run / "records.jsonl").open("ab") as lines:
        lines.write(b'\n{"variant": "no_c\n[1]\n{"status": "ok"}\n')
        lines.write(json.dumps(record(1)).encode()[:-1] + b', "key": "\\ud800"}\n')
        lines.write(json.dumps(record(2)).encode()[:-1] + b', "key": "\xff"}\n')
    append(run, [record(3)])
    with RecordStore(run) as store:
        store.catch_up()
        assert store.seen()[:2] == (4, 3)


@pytest.mark.parametrize("fields", [{"target": None}, {"variant": ""}, {"billed_ms": 1e13}, {"sent_at": -2e12}])
def test_what_the_report_counts_as_no_record_is_none_here(tmp_path: Path, fields: dict[str, Any]) -> None:
    run = write(tmp_path / "run", [record(0), record(1, billed_ms=1e12), record(2) | fields])
    with RecordStore(run) as store, reading([run / "records.jsonl"]) as columns:
        store.catch_up()
        assert store.seen()[:2] == (2, 1)
        assert columns.damage is not None
        assert (columns.count, columns.damage.lines) == (2, 1)


def test_what_is_no_finite_number_is_not_measured(tmp_path: Path) -> None:
    run = write(tmp_path / "run", [record(0, duration_ms=value) for value in (math.nan, math.inf, "12", True, [1], 7)])
    with RecordStore(run) as store:
        store.catch_up()
        assert store.rows("SELECT count(*), count(duration_ms), max(duration_ms) FROM records")[0] == (6, 1, 7.0)


def test_concurrency_is_what_ran_when_each_began(tmp_path: Path) -> None:
    spans = [(0, 10), (1, 2), (1.5, 3), (2, 4), (12, 13)]
    run = write(tmp_path / "run", [record(at, received_at=BEGAN + end) for at, end in spans])
    append(run, [record(1.7, status="throttled"), record(1.8, status="lost"), record(1.9, "ttl_cache")])
    with RecordStore(run) as store:
        store.catch_up()
        store.know_concurrency()
        sql = "SELECT moment - $began, running FROM concurrency WHERE variant = 'no_cache' ORDER BY moment"
        assert store.rows(sql, {"began": BEGAN}) == [(0, 1), (1, 2), (1.5, 3), (2, 3), (12, 1)]


def test_nothing_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run = write(tmp_path / "run", [record(0)])
    with RecordStore(run) as store:
        store.catch_up()
        assert list(tmp_path.glob("lab-dashboard-*"))
    assert list(tmp_path.glob("lab-dashboard-*")) == []
