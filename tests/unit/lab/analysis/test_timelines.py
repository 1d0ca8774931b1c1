"""The pictures over time: bins hold what was measured, and what is left out is counted."""

import dataclasses
from pathlib import Path

from lab.analysis.model import Start
from lab.analysis.summary import summarise
from lab.analysis.timelines import LATENCY_BINS, MOST_BEGINNINGS, MOST_ENVIRONMENTS
from lab.charts import environments, over_time
from lab.records.record import Record
from tests.unit.lab.report.simulated import BEGAN, run_content, write_run


def _run(run_dir: Path, records: list[Record]) -> Path:
    return write_run(run_dir, records, run_content(records, variants=("no_cache",)))


def _spread(record: Record, count: int, **changes: object) -> list[Record]:
    return [
        dataclasses.replace(
            record,
            sequence=index,
            planned_at=BEGAN + index,
            latency_ms=float(index % 10 + 1),
            **changes,  # type: ignore[arg-type]
        )
        for index in range(count)
    ]


def test_a_bin_has_the_percentiles_of_its_invocations(tmp_path: Path, record: Record) -> None:
    [summary] = summarise(_run(tmp_path, _spread(record, LATENCY_BINS * 10 + 1))).variants

    assert len(summary.latency_course) == LATENCY_BINS
    assert sum(one.answered for one in summary.latency_course) == LATENCY_BINS * 10 + 1
    assert (summary.latency_course[0].p50, summary.latency_course[0].p90, summary.latency_course[0].max) == (5, 9, 10)


def test_failures_and_what_was_not_measured_are_in_no_bin(tmp_path: Path, record: Record) -> None:
    records = _spread(record, 100)
    records[3] = dataclasses.replace(records[3], status="function_error")
    records[4] = dataclasses.replace(records[4], latency_ms=None)
    [summary] = summarise(_run(tmp_path, records)).variants

    assert sum(one.answered for one in summary.latency_course) == 98


def test_of_many_cold_starts_some_are_drawn_and_the_rest_counted(tmp_path: Path, record: Record) -> None:
    records = _spread(record, 500, cold_start=True, invocation=1)
    report = summarise(_run(tmp_path, records))
    [summary] = report.variants

    assert len(summary.beginnings) == MOST_BEGINNINGS
    assert {one.start for one in summary.beginnings} == {Start.COLD}
    assert (summary.beginnings[0].at, summary.beginnings[-1].at) == (0.0, 499.0)
    assert over_time.latency_chart(report).description.endswith(" 40 of 500 are drawn, at even steps.")


def test_of_many_environments_the_first_are_drawn_and_the_rest_counted(tmp_path: Path, record: Record) -> None:
    records = [
        dataclasses.replace(one, environment_id=f"{index % 20}", sent_at=one.planned_at)
        for index, one in enumerate(_spread(record, 200))
    ]
    report = summarise(_run(tmp_path, records))
    [summary] = report.variants

    assert [life.began for life in summary.lives] == [float(index) for index in range(MOST_ENVIRONMENTS)]
    assert environments.chart(report).description.endswith(" The first 8 of 20.")
