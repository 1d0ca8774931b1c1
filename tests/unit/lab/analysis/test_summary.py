"""The summary, counted by hand."""

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import pytest

from lab.analysis.model import Start
from lab.analysis.summary import CURVE_POINTS, summarise
from lab.errors import LabError, UsageError
from lab.records.record import Record
from tests.unit.lab.report.simulated import NAMES, run_content, simulate, simulated_records, write_run


def _written(run_dir: Path, records: list[Record], **changes: Any) -> Path:
    return write_run(run_dir, records, run_content(records, variants=("no_cache",)) | changes)


def test_what_is_counted(tmp_path: Path, record: Record) -> None:
    change = dataclasses.replace
    records = [
        change(
            record, cold_start=True, invocation=1, init_ms=400.0, cache="miss", downstream_calls=1, latency_ms=450.0
        ),
        change(record, environment_id="two", cache="stale", staleness_ms=500.0, age_ms=3000.0, latency_ms=20.0),
        change(record, latency_ms=10.0),
        change(record, status="function_error", error_type="DownstreamError", cache=None, downstream_calls=3),
        change(record, status="throttled", environment_id=None, billed_ms=None, latency_ms=2.0),
        change(record, status="lost", environment_id=None, billed_ms=None, latency_ms=None),
    ]
    [summary] = summarise(_written(tmp_path, records)).variants

    assert (summary.invocations, summary.ok, summary.failed) == (6, 3, 3)
    assert (summary.function_errors, summary.throttles, summary.lost) == (1, 1, 1)
    assert summary.error_types == {"DownstreamError": 1, "throttled": 1, "lost": 1}
    assert summary.environments == 2
    assert (summary.cold_starts, summary.restores) == (1, 0)
    assert summary.ran == 4
    assert summary.hit_ratio == 0.5
    assert summary.downstream_calls == 4
    assert summary.downstream_calls_per_1000 is not None
    assert summary.downstream_calls_per_1000.value == 1000.0
    assert summary.failed_share is not None
    assert summary.failed_share.value == 0.5
    assert summary.stale_answers == 1
    assert summary.billed_ms == 20.0
    assert summary.latency_ms is not None
    assert (summary.latency_ms.count, summary.latency_ms.p50.value) == (6, 450.0)
    assert math.isinf(summary.latency_ms.p90)
    assert math.isinf(summary.latency_ms.max)
    assert summary.init_ms is not None
    assert summary.init_ms.max == 400.0
    assert summary.restore_ms is None
    assert summary.age_s is not None
    assert summary.age_s.max == 3.0
    assert summary.staleness_s is not None
    assert summary.staleness_s.max == 0.5


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({}, Start.WARM),
        ({"restored": True}, Start.WARM),
        ({"cold_start": True, "invocation": 1}, Start.COLD),
        ({"init_ms": 400.0}, Start.COLD),
        ({"invocation": 1, "restored": True}, Start.RESTORED),
        ({"cold_start": True, "restored": True}, Start.RESTORED),
        ({"restore_ms": 30.0}, Start.RESTORED),
        ({"cold_start": None, "invocation": None, "restored": None}, Start.WARM),
    ],
)
def test_a_restore_is_neither_cold_nor_warm(
    tmp_path: Path, record: Record, changes: dict[str, Any], start: Start
) -> None:
    [summary] = summarise(_written(tmp_path, [dataclasses.replace(record, **changes)])).variants

    assert {how: one.count for how, one in summary.starts.items() if one.count} == {start: 1}


def test_starts_are_apart_and_add_up(simulated_run: Path) -> None:
    for summary in summarise(simulated_run).variants:
        assert sum(start.count for start in summary.starts.values()) == summary.ok
        if summary.variant == "snapstart":
            assert (summary.cold_starts, summary.restores) == (0, summary.environments)
        else:
            assert (summary.cold_starts, summary.restores) == (summary.environments, 0)


def test_variants_stand_in_the_registrys_order_and_unknown_ones_follow(tmp_path: Path) -> None:
    records = simulated_records(duration_s=1.0)
    records += [dataclasses.replace(record, variant="another") for record in records[:3]]
    report = summarise(write_run(tmp_path, records[::-1], run_content(records)))

    assert [summary.variant for summary in report.variants] == [*NAMES, "another"]


def test_the_baseline_is_compared_to_nothing_and_all_else_to_it(simulated_run: Path) -> None:
    baseline, *others = summarise(simulated_run).variants

    assert baseline.effect is None
    for summary in others:
        assert summary.effect is not None
        assert summary.effect.saved_ms is not None
        assert summary.effect.saved_ms.value > 0
        assert not summary.effect.saved_ms.bounded
        assert summary.effect.saved_calls is not None
        assert 0 < summary.effect.saved_calls.value <= 1


def test_the_cost_by_hand(tmp_path: Path, record: Record) -> None:
    records = [dataclasses.replace(record, billed_ms=10.0, downstream_calls=1)] * 4
    [summary] = summarise(_written(tmp_path, records)).variants

    assert summary.warm is not None
    assert summary.warm.cost is not None
    # 0.20 a million requests, 10 ms of a quarter GB on x86_64, one eventually consistent read of DynamoDB.
    assert summary.warm.cost.total == pytest.approx(0.20 + 1e6 * 0.010 * 0.25 * 0.0000166667 + 0.125)


def test_a_failed_invocation_is_billed_and_its_calls_are_paid(tmp_path: Path, record: Record) -> None:
    failed = dataclasses.replace(
        record, status="function_error", cache=None, environment_id=None, billed_ms=30.0, downstream_calls=3
    )
    throttled = dataclasses.replace(record, status="throttled", billed_ms=None, downstream_calls=None)
    warm = dataclasses.replace(record, billed_ms=10.0, downstream_calls=1)
    [summary] = summarise(_written(tmp_path, [warm, failed, throttled])).variants

    assert summary.warm is not None
    assert summary.warm.cost is not None
    assert summary.warm.cost.total == pytest.approx(0.20 + 1e6 * 0.020 * 0.25 * 0.0000166667 + 2 * 0.125)


def test_a_failed_invocation_that_told_nothing_counts_as_one_without_calls(tmp_path: Path, record: Record) -> None:
    failed = dataclasses.replace(record, status="function_error", cache=None, downstream_calls=None)
    read = dataclasses.replace(record, cache="miss", downstream_calls=1)
    [summary] = summarise(_written(tmp_path / "some", [read, failed])).variants
    [silent] = summarise(_written(tmp_path / "none", [failed])).variants

    assert summary.downstream_calls_per_1000 is not None
    assert (summary.downstream_calls, summary.downstream_calls_per_1000.value, summary.unreported) == (1, 500.0, 1)
    assert (silent.downstream_calls, silent.downstream_calls_per_1000, silent.cost) == (None, None, None)


def test_an_incomplete_last_line_is_passed_over(tmp_path: Path) -> None:
    run_dir = simulate(tmp_path, duration_s=2.0)
    lines = (run_dir / "records.jsonl").read_text().splitlines(keepends=True)
    (run_dir / "records.jsonl").write_text("".join(lines[:50]) + lines[50][:40])

    assert sum(summary.invocations for summary in summarise(run_dir).variants) == 50


def test_a_run_without_records_has_its_variants_all_the_same(tmp_path: Path) -> None:
    report = summarise(write_run(tmp_path, [], run_content([])))

    assert [summary.variant for summary in report.variants] == list(NAMES)
    assert all(summary.latency_ms is None and summary.invocations == 0 for summary in report.variants)


def test_what_is_no_number_is_not_measured(tmp_path: Path, record: Record) -> None:
    change = dataclasses.replace
    records = [
        change(record, latency_ms=math.nan, service_ms=math.inf),
        change(record, latency_ms="fast", age_ms=True),
        change(record, latency_ms=10**400),
        change(record, latency_ms=7.0),
    ]
    [summary] = summarise(_written(tmp_path, records)).variants

    assert summary.latency_ms is not None
    assert (summary.latency_ms.count, summary.latency_ms.max) == (1, 7.0)
    assert summary.age_s is not None
    assert summary.age_s.count == 3


def test_numbers_of_two_targets_are_never_mixed(tmp_path: Path, record: Record) -> None:
    records = [record, dataclasses.replace(record, target="aws")]

    with pytest.raises(LabError, match="mixes numbers of aws and simulated"):
        summarise(_written(tmp_path, records))


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run\.json is missing"):
        summarise(tmp_path)


def test_a_run_file_of_another_version_is_refused(tmp_path: Path, record: Record) -> None:
    with pytest.raises(UsageError, match=r"schema_version '7', and this lab reads 1 and 2; use the lab that wrote it"):
        summarise(_written(tmp_path, [record], schema_version=7))


@pytest.mark.parametrize(
    "content", [{}, {"schema_version": 1, "run": 7, "settings": [], "local": "x", "wire": 1, "warnings": "no"}]
)
def test_a_run_file_of_another_shape_is_read_as_far_as_it_goes(tmp_path: Path, record: Record, content: Any) -> None:
    report = summarise(write_run(tmp_path, [record], content))

    assert report.target == "simulated"
    [warning] = [one for one in report.warnings if one.code == "run_file_damaged"]
    assert "run and settings;" in warning.message if not content else "run, settings, local, wire" in warning.message
    assert [summary.invocations for summary in report.variants] == [1]


def test_the_curve_is_thinned_and_ends_at_the_slowest(tmp_path: Path, record: Record) -> None:
    records = [dataclasses.replace(record, latency_ms=float(index + 1)) for index in range(5000)]
    [summary] = summarise(_written(tmp_path, records)).variants
    curve = summary.latency_curve

    assert len(curve) <= CURVE_POINTS
    assert curve[0] == (1.0, 1 / 5000)
    assert curve[-1] == (5000.0, 1.0)
    assert curve[-2] == (4999.0, 4999 / 5000)
    assert all(before.x < after.x and before.y < after.y for before, after in itertools.pairwise(curve))


def test_calls_over_time_add_up(simulated_run: Path) -> None:
    for summary in summarise(simulated_run).variants:
        width = summary.calls_curve[1].x - summary.calls_curve[0].x

        assert sum(point.y for point in summary.calls_curve) * width == pytest.approx(summary.downstream_calls)
