"""The tables of special runs: an outage, records made from logs, a run without repetitions; and what a month costs."""

import dataclasses
from pathlib import Path

import pytest

from lab.analysis.model import Report, Start
from lab.analysis.summary import summarise
from lab.analysis.table import Table
from lab.records.record import Record
from lab.report.as_html import render_html
from lab.report.as_text import render_text
from lab.report.tables import tables
from tests.unit.lab.report.simulated import (
    BEGAN,
    START_S,
    repeated_content,
    repeated_records,
    run_content,
    write_run,
)  # fmt: skip

STEADY_S = 4.0


def _table(report: Report, beginning: str) -> Table:
    return next(one for one in tables(report) if one.caption.startswith(beginning))


def _column(table: Table, name: str) -> dict[str, str]:
    return {row[0]: row[table.columns.index(name)] for row in table.rows}


def test_a_month_is_warm_invocations_starts_and_the_snapshot(report: Report) -> None:
    found = _table(report, "Cost of a month at 10 million invocations")
    for row in found.rows:
        *parts, total = (float(cell.replace(",", "")) for cell in row[1:5])
        assert sum(parts) == pytest.approx(total, abs=0.02)
    kept = _column(found, "snapshot or provisioned")

    assert {name for name, cell in kept.items() if float(cell) > 0} == {"snapstart"}


def test_hits_misses_and_the_hit_ratio_are_shown(report: Report) -> None:
    found = _table(report, "Warm answers")
    hit, miss, ratio = (_column(found, name)["ttl_cache"] for name in ("hit, ms", "miss, ms", "hit ratio"))

    assert float(hit) < float(miss)
    assert ratio.endswith(" %")
    assert _column(found, "hit, ms")["no_cache"] == "\u2013"


def test_starts_are_apart_and_their_wait_is_shown(tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, start_wait_ms=120.0) if record.phase == "start" else record
        for record in repeated_records(variants=("no_cache", "ttl_cache"))
    ]
    content = repeated_content(records, variants=("no_cache", "ttl_cache"))
    found = _table(summarise(write_run(tmp_path, records, content)), "Per start of an environment")

    assert _column(found, "starts") == {"no_cache": "15", "ttl_cache": "15"}
    assert _column(found, "start wait, ms (subtracted)") == {"no_cache": "120", "ttl_cache": "120"}


def test_the_spread_between_repetitions_is_shown(report: Report) -> None:
    found = _table(report, "Repetitions: ms saved against no_cache in each")
    saved = [float(cell) for cell in _column(found, "ttl_cache").values()]
    effect = next(one.effect for one in report.variants if one.variant == "ttl_cache")

    assert len(saved) == 5
    assert effect is not None
    assert effect.saved_ms is not None
    assert sum(saved) / 5 == pytest.approx(effect.saved_ms.value, abs=0.01)


def test_an_outage_is_shown_before_during_and_after(tmp_path: Path) -> None:
    length = START_S + STEADY_S
    faults = [
        (BEGAN + n * length + START_S + STEADY_S / 3, BEGAN + n * length + START_S + STEADY_S * 2 / 3) for n in range(5)
    ]

    def failing(record: Record) -> bool:
        return any(begin <= (record.planned_at or 0.0) < end for begin, end in faults) and record.cache == "miss"

    records = [
        dataclasses.replace(record, status="function_error", error_type="DownstreamError", cache=None)
        if failing(record)
        else record
        for record in repeated_records(variants=("no_cache", "ttl_cache"))
    ]
    content = repeated_content(records, variants=("no_cache", "ttl_cache"))
    content["run"]["scenario"] = "outage"
    for one, (begin, end) in zip(content["repetitions"], faults, strict=True):
        one |= {"fault_from": begin, "fault_until": end}
    found = _table(summarise(write_run(tmp_path, records, content)), "Before, during and after the fault")

    assert [row[:2] for row in found.rows[:3]] == [("no_cache", part) for part in ("before", "during", "after")]
    assert [row[found.columns.index("answered")] for row in found.rows[:3]] == ["100.0 %", "0.0 %", "100.0 %"]


def test_a_run_without_a_fault_or_repetitions_has_no_such_tables(simulated_run: Path, report: Report) -> None:
    captions = [one.caption for one in tables(summarise(simulated_run))]

    assert not any(caption.startswith(("Repetitions", "Before, during")) for caption in captions)
    assert not any(one.caption.startswith("Before, during") for one in tables(report))


def test_every_table_says_where_its_numbers_come_from(report: Report) -> None:
    for one in tables(report):
        assert one.caption.endswith("(simulated, downstream profile dynamodb-us-east-1)")
        assert all(len(row) == len(one.columns) for row in one.rows)


def test_of_records_made_from_logs_only_durations_are_shown(tmp_path: Path) -> None:
    unseen = {
        "planned_at": None,
        "sent_at": None,
        "latency_ms": None,
        "service_ms": None,
        "staleness_ms": None,
        "key": None,
        "repetition": None,
        "phase": None,
        "start_wait_ms": None,
    }
    records = [
        dataclasses.replace(record, **unseen)  # type: ignore[arg-type]
        for record in repeated_records(variants=("no_cache", "ttl_cache"))
    ]
    content = run_content(records, variants=("no_cache", "ttl_cache"))
    content["run"]["scenario"], content["wire"], content["local"] = "collected", None, None
    found = summarise(write_run(tmp_path, records, content))
    text, page = render_text(found, full=True), render_html(found)

    assert found.from_logs
    assert "Duration of the functions by their own reports, ms (simulated)\n" in render_text(found)
    assert found.advice.variant is None
    assert tables(found)[0].caption == "Duration of the functions by their own reports, ms (simulated)"
    assert found.variants[0].starts[Start.COLD].count == 15
    for unknown in ("latency", "staleness", "throttles", "lost", "on the wire", "Machine", "Saved in this run"):
        assert unknown not in text.partition("How it was measured")[0].partition("Starts: how many")[2]
    for unknown in ("All variants", "Latency distribution", "Staleness", "The choice"):
        assert unknown not in page
    assert "Execution environments" in page
