"""Which records the figures are of, counted by hand: used repetitions, their phases, and the time of a fault."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from facts.prices import (
    LAMBDA_GB_SECOND,
    PROVISIONED_DURATION_GB_SECOND,
    provisioned_per_month,
    snapshot_per_month,
)
from lab.analysis.model import Question, Report
from lab.analysis.summary import summarise
from lab.records.record import Record
from tests.unit.lab.report.simulated import BEGAN, run_content, write_run

COMPLETE = {"complete": True}


def _repetition(record: Record, number: int, **changes: Any) -> list[Record]:
    """One repetition of a variant: two starts, a settling answer, a hit and a miss."""
    at = BEGAN + 10 * number
    of = dataclasses.replace(record, repetition=number, environment_id=f"{record.variant}-{number}", planned_at=at)
    start: dict[str, Any] = {
        "cold_start": True,
        "invocation": 1,
        "init_ms": 300.0,
        "billed_ms": 310.0,
        "downstream_calls": 1,
    }
    return [
        dataclasses.replace(of, phase="start", latency_ms=500.0, start_wait_ms=40.0, cache="miss", **start),
        dataclasses.replace(of, phase="start", latency_ms=520.0, start_wait_ms=0.0, cache="miss", **start),
        dataclasses.replace(of, phase="settle", latency_ms=900.0, planned_at=at + 1),
        dataclasses.replace(of, phase="steady", latency_ms=4.0 + number, planned_at=at + 2, **changes),
        dataclasses.replace(
            of, phase="steady", latency_ms=10.0, planned_at=at + 3, cache="miss", downstream_calls=1, read_units=0.5
        ),
    ]


def _report(run_dir: Path, records: list[Record], repetitions: list[dict[str, Any]], **asked: Any) -> Report:
    content = run_content(records, variants=tuple(dict.fromkeys(one.variant for one in records)))
    numbered = [{"number": number} | one for number, one in enumerate(repetitions)]
    return summarise(write_run(run_dir, records, content | {"repetitions": numbered}), Question(**asked))


def test_warm_figures_are_of_the_measured_time_and_starts_stand_apart(tmp_path: Path, record: Record) -> None:
    records = [one for number in range(3) for one in _repetition(record, number)]
    [summary] = _report(tmp_path, records, [COMPLETE] * 3).variants

    assert summary.warm is not None
    assert (summary.warm.count, summary.warm.mean_ms.value) == (6, 7.5)
    assert summary.warm.mean_ms.high == pytest.approx(7.5 + 4.3027 * 0.5 / math.sqrt(3), abs=1e-3)
    assert (summary.warm.hit_ms, summary.warm.miss_ms) == (5.0, 10.0)
    assert summary.warm.calls_per_1000 is not None
    assert summary.warm.calls_per_1000.value == 500
    assert summary.warm.read_units_per_1000 is not None
    assert summary.warm.read_units_per_1000.value == 250
    assert summary.per_start is not None
    assert summary.per_start.ms is not None
    assert (summary.per_start.count, summary.per_start.ms.value, summary.per_start.wait_ms) == (6, 510, 20)
    assert summary.per_start.calls == 1
    assert [one.mean_ms for one in summary.repetitions] == [7.0, 7.5, 8.0]
    assert (summary.invocations, summary.cold_starts, summary.downstream_calls) == (15, 6, 9)
    assert summary.latency_ms is not None
    assert (summary.latency_ms.count, summary.latency_ms.max) == (6, 10.0)
    assert summary.hit_ratio == 0.5


def test_the_total_follows_from_the_question_and_not_from_the_length_of_the_run(tmp_path: Path, record: Record) -> None:
    records = [one for number in range(3) for one in _repetition(record, number)]
    one_read, gb_ms = 0.125, 0.25 * 0.0000166667 * 1e3
    for cold_share in (0.0, 0.01, 1.0):
        report = _report(tmp_path / str(cold_share), records, [COMPLETE] * 3, volume=2e6, cold_share=cold_share)
        [summary] = report.variants
        warm = 0.2 + 5.0 * gb_ms + one_read * 0.25
        start = 0.2 + 310.0 * gb_ms + one_read
        expected = (1 - cold_share) * warm + cold_share * start
        assert summary.cost is not None
        assert summary.cost.total == pytest.approx(expected)
        assert summary.cost_total is not None
        assert summary.cost_total.value == pytest.approx(expected)
        assert summary.month_usd is not None
        assert summary.month_usd.value == pytest.approx(2 * expected)


def test_a_month_of_a_restored_variant_has_its_snapshot(tmp_path: Path, record: Record) -> None:
    records = []
    for one in (one for number in range(3) for one in _repetition(record, number)):
        restore_ms = 300.0 if one.init_ms else None
        records.append(dataclasses.replace(one, cold_start=False, init_ms=None, restored=True, restore_ms=restore_ms))
    [summary] = _report(tmp_path, records, [COMPLETE] * 3).variants

    assert summary.per_month_usd == snapshot_per_month(256)
    assert summary.cost is not None
    assert summary.month_usd is not None
    assert summary.month_usd.value == pytest.approx(10 * summary.cost.total + snapshot_per_month(256))


def test_provisioned_concurrency_has_its_own_prices_but_for_starts_beyond_it(tmp_path: Path, record: Record) -> None:
    records = [one for number in range(3) for one in _repetition(record, number)]
    numbered = [{"number": number} | COMPLETE for number in range(3)]
    content = run_content(records, variants=(record.variant,)) | {"repetitions": numbered}
    content["settings"]["provisioned_concurrency"] = {record.variant: 2}
    [summary] = summarise(write_run(tmp_path, records, content), Question(cold_share=0.5)).variants

    warm, start = 5.0 * PROVISIONED_DURATION_GB_SECOND["x86_64"].usd, 310.0 * LAMBDA_GB_SECOND["x86_64"].usd
    assert summary.cost is not None
    assert summary.cost.compute == pytest.approx(0.25 * 1e3 * (warm + start) / 2)
    assert summary.per_month_usd == 2 * provisioned_per_month("x86_64", 256)


@pytest.mark.parametrize("spoilt", [{"complete": True, "problem": "busy"}, {"complete": False}])
def test_a_disturbed_or_incomplete_repetition_counts_for_nothing_but_the_counts(
    tmp_path: Path, record: Record, spoilt: dict[str, Any]
) -> None:
    records = [one for number in range(3) for one in _repetition(record, number)]
    report = _report(tmp_path, records, [COMPLETE, spoilt, COMPLETE])
    [summary] = report.variants

    assert report.used == (0, 2)
    assert [one.repetition for one in summary.repetitions] == [0, 2]
    assert summary.warm is not None
    assert (summary.warm.count, summary.warm.mean_ms.value) == (4, 7.5)
    assert summary.latency_ms is not None
    assert summary.latency_ms.count == 4
    assert summary.invocations == 15


def test_where_no_repetition_is_usable_all_are_described(tmp_path: Path, record: Record) -> None:
    records = [one for number in range(2) for one in _repetition(record, number)]
    report = _report(tmp_path, records, [COMPLETE | {"problem": "busy"}] * 2)

    assert report.used == (0, 1)
    assert report.advice.variant is None
    assert report.variants[0].warm is not None


def test_a_run_without_repetitions_is_one_of_which_everything_is_measured(tmp_path: Path, record: Record) -> None:
    records = [dataclasses.replace(one, repetition=None, phase=None) for one in _repetition(record, 0)]
    report = _report(tmp_path, records, [])
    [summary] = report.variants

    assert report.used == ()
    assert [one.repetition for one in summary.repetitions] == [0]
    assert summary.warm is not None
    assert (summary.warm.count, summary.warm.mean_ms.bounded) == (3, False)
    assert summary.latency_ms is not None
    assert summary.latency_ms.count == 5


def test_an_effect_is_paired_within_repetitions(tmp_path: Path, record: Record) -> None:
    other = dataclasses.replace(record, variant="ttl_cache")
    records = [one for number in range(3) for one in _repetition(record, number)]
    for number in range(3):
        halved = [dataclasses.replace(one, latency_ms=(one.latency_ms or 0) / 2) for one in _repetition(other, number)]
        records += halved
    baseline, cache = _report(tmp_path, records, [COMPLETE] * 3).variants

    assert baseline.effect is None
    assert cache.effect is not None
    assert cache.effect.saved_ms is not None
    # Saved: 3.5, 3.75 and 4.0 ms.
    assert cache.effect.saved_ms.value == pytest.approx(3.75)
    assert cache.effect.saved_ms.low == pytest.approx(3.75 - 4.3027 * 0.25 / math.sqrt(3), abs=1e-3)
    assert cache.effect.saved_calls is not None
    assert cache.effect.saved_calls.value == 0
    assert cache.effect.saved_usd_month is not None
    assert cache.effect.saved_usd_month.value == pytest.approx(0)


def test_a_fault_is_judged_apart_and_does_not_block_the_advice(tmp_path: Path, record: Record) -> None:
    failed: dict[str, Any] = {
        "status": "function_error",
        "error_type": "DownstreamError",
        "cache": None,
        "downstream_calls": 3,
    }
    records, faults = [], []
    for number in range(3):
        at = BEGAN + 10 * number
        hit, miss = _repetition(record, number)[-2:]
        records += [
            hit,
            miss,
            dataclasses.replace(hit, planned_at=at + 5, latency_ms=60.0, **failed),
            dataclasses.replace(hit, planned_at=at + 6, latency_ms=50.0),
            dataclasses.replace(hit, planned_at=at + 8, latency_ms=30.0),
        ]
        faults.append(COMPLETE | {"fault_from": at + 4, "fault_until": at + 7})
    [summary] = _report(tmp_path, records, faults).variants
    before, during, after = summary.parts

    assert summary.failed_unprovoked == 0
    assert summary.warm is not None
    assert summary.warm.count == 9
    assert summary.warm.mean_ms.value == pytest.approx((7.5 * 2 + 30) / 3)
    assert [(one.name, one.requested) for one in summary.parts] == [("before", 6), ("during", 6), ("after", 3)]
    assert [one.answered_share.value for one in summary.parts if one.answered_share] == [1, 0.5, 1]
    assert [one.warm_ms.value for one in summary.parts if one.warm_ms] == [7.5, 50, 30]
    assert during.calls_per_1000 is not None
    assert during.calls_per_1000.value == 1500
    assert summary.latency_ms is not None
    assert math.isinf(summary.latency_ms.p90)
    assert before.calls_per_1000 != after.calls_per_1000


def test_failures_outside_a_fault_are_of_every_phase(tmp_path: Path, record: Record) -> None:
    records = [one for number in range(3) for one in _repetition(record, number)]
    records[0] = dataclasses.replace(records[0], status="lost", latency_ms=None)
    [summary] = _report(tmp_path, records, [COMPLETE] * 3).variants

    assert summary.failed_unprovoked == pytest.approx(1 / 15)
    assert summary.failed_share is not None
    assert summary.failed_share.value == 0


@pytest.mark.parametrize(("staleness_ms", "broken"), [(10_100.0, False), (10_104.0, False), (10_200.0, True)])
def test_a_bound_is_broken_beyond_its_grace_and_the_time_of_a_read(
    tmp_path: Path, record: Record, staleness_ms: float, broken: bool
) -> None:
    cache = dataclasses.replace(record, variant="ttl_cache", staleness_ms=staleness_ms, service_ms=6.0)
    [summary] = _report(tmp_path, [cache], []).variants

    assert (summary.bound_s, summary.stalest_s) == (10.0, staleness_ms / 1000)
    assert summary.bound_broken is broken
