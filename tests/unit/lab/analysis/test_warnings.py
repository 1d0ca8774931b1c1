"""Each warning: what gives cause for it, and what does not."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facts.warnings import WarningCode
from lab.analysis.summary import summarise
from lab.records.record import Record
from lab.records.run_file import RunWarning
from tests.unit.lab.report.simulated import BEGAN, run_content, simulated_records, write_run

VARIANTS = ("no_cache", "ttl_cache", "snapstart")


@functools.cache
def _faultless() -> list[Record]:
    return simulated_records(duration_s=10.0, target="local", variants=VARIANTS)


class Case:
    """A run that gives no cause for a warning, to be spoilt."""

    def __init__(self) -> None:
        self.records = [
            dataclasses.replace(one, repetition=int(((one.planned_at or BEGAN) - BEGAN) / 2), phase="steady")
            for one in _faultless()
        ]
        self.content: dict[str, Any] = run_content(self.records, target="local", duration_s=10.0, variants=VARIANTS)
        self.content["repetitions"] = [{"number": number, "complete": True} for number in range(5)]

    def replace(self, change: Callable[[int, Record], Record]) -> None:
        self.records = [change(index, record) for index, record in enumerate(self.records)]


def _warnings(case: Case, tmp_path: Path) -> dict[str, RunWarning]:
    return {one.code: one for one in summarise(write_run(tmp_path, case.records, case.content)).warnings}


def _unfinished(case: Case) -> None:
    case.content["finished"] = False


def _nothing_answered(case: Case) -> None:
    case.replace(lambda _, record: dataclasses.replace(record, status="lost", downstream_calls=None))
    case.content["wire"] = None


def _errors(case: Case) -> None:
    first = next(index for index, record in enumerate(case.records) if record.variant == "no_cache")
    case.records[first] = dataclasses.replace(
        case.records[first], status="function_error", error_type="DownstreamError"
    )
    case.content["wire"] = None


def _no_baseline(case: Case) -> None:
    case.records = [record for record in case.records if record.variant != "no_cache"]
    case.content["settings"]["variants"] = [*VARIANTS[1:]]


def _few(case: Case) -> None:
    case.records = [one for one in case.records if one.variant != "ttl_cache" or one.sequence < 100]
    case.content["wire"] = None


def _late(case: Case) -> None:
    case.replace(
        lambda index, record: (
            dataclasses.replace(record, sent_at=(record.planned_at or 0.0) + 0.05) if index % 40 == 0 else record
        )
    )


def _saturated(case: Case) -> None:
    case.content["repetitions"] = []
    case.content["cpu"] = {"seconds": 20, "full_seconds": 6}


def _bound_broken(case: Case) -> None:
    case.content["settings"]["ttl_s"] = 1.0


def _disturbed(case: Case) -> None:
    case.content["repetitions"][3]["problem"] = "processes waited for a CPU in 55 % of the time"


def _few_repetitions(case: Case) -> None:
    for one in case.content["repetitions"][2:]:
        one["complete"] = False


def _ttl_too_long(case: Case) -> None:
    case.content["repetitions"][0] |= {"measured_from": BEGAN, "measured_until": BEGAN + 2}


def _snapshot_young(case: Case) -> None:
    case.content["local"]["snapshot_age_s"] = 9.0


def _interpreter(case: Case) -> None:
    case.content["local"]["interpreter"] = "3.13.0"


def _counts(case: Case) -> None:
    case.content["wire"]["ttl_cache"]["downstream_calls"] -= 1


CASES = {
    "run_not_finished": _unfinished,
    "nothing_answered": _nothing_answered,
    "errors_present": _errors,
    "no_baseline": _no_baseline,
    "too_few_samples": _few,
    "generator_late": _late,
    "machine_saturated": _saturated,
    "bound_broken": _bound_broken,
    "repetitions_bad": _disturbed,
    "few_repetitions": _few_repetitions,
    "ttl_too_long": _ttl_too_long,
    "snapshot_young": _snapshot_young,
    "interpreter_differs": _interpreter,
    "downstream_count_differs": _counts,
}
ALONG = {
    "nothing_answered": {"errors_present"},
    "machine_saturated": {"few_repetitions"},
    "few_repetitions": {"too_few_samples"},
}


def test_a_run_without_fault_has_no_warning(tmp_path: Path) -> None:
    assert _warnings(Case(), tmp_path) == {}


@pytest.mark.parametrize("code", CASES)
def test_a_fault_is_warned_of_with_advice(code: str, tmp_path: Path) -> None:
    case = Case()
    CASES[code](case)
    found = _warnings(case, tmp_path)

    assert set(found) == {code} | ALONG.get(code, set())
    assert found[code].message
    assert found[code].advice


def test_what_the_run_has_told_comes_first_and_once(tmp_path: Path) -> None:
    case = Case()
    told = {"code": "interpreter_differs", "message": "as the run saw it", "advice": "as the run says"}
    case.content["warnings"] = [{"code": "other", "message": "m", "advice": "a"}, told]
    _interpreter(case)
    _unfinished(case)
    found = summarise(write_run(tmp_path, case.records, case.content)).warnings

    assert [one.code for one in found] == ["other", "interpreter_differs", "run_not_finished"]
    assert found[1].message == "as the run saw it"


def test_calls_of_a_restore_count_with_the_first_invocation_after_it(tmp_path: Path) -> None:
    case = Case()
    case.content["wire"]["snapstart"]["downstream_calls"] += 2
    restored = next(i for i, record in enumerate(case.records) if record.variant == "snapstart")
    case.records[restored] = dataclasses.replace(case.records[restored], init_downstream_calls=2)

    assert _warnings(case, tmp_path) == {}


def test_a_fault_names_its_variant_and_figures(tmp_path: Path) -> None:
    case = Case()
    _counts(case)
    _errors(case)
    case.content["wire"] = {"ttl_cache": {"downstream_calls": 7}}
    found = _warnings(case, tmp_path)

    assert "ttl_cache" in found["downstream_count_differs"].message
    assert "and 7" in found["downstream_count_differs"].message
    assert "1 of 200" in found["errors_present"].message
    assert "1 DownstreamError" in found["errors_present"].message


@pytest.mark.parametrize(("told", "codes"), [(None, {"downstream_calls_unknown"}), (2, {"downstream_count_differs"})])
def test_the_wire_may_have_seen_more_only_where_a_failure_reported_nothing(
    tmp_path: Path, told: int | None, codes: set[str]
) -> None:
    case = Case()
    wire = case.content["wire"]
    _errors(case)
    failed = next(i for i, record in enumerate(case.records) if record.status == "function_error")
    wire[case.records[failed].variant]["downstream_calls"] += 3 - (case.records[failed].downstream_calls or 0)
    case.content["wire"] = wire
    case.records[failed] = dataclasses.replace(case.records[failed], downstream_calls=told)

    assert set(_warnings(case, tmp_path)) - {"errors_present"} == codes


def test_calls_that_nobody_counted_are_told(tmp_path: Path) -> None:
    case = Case()
    _errors(case)
    case.content["wire"] = None
    failed = next(i for i, record in enumerate(case.records) if record.status == "function_error")
    case.records[failed] = dataclasses.replace(case.records[failed], downstream_calls=None)
    found = _warnings(case, tmp_path)

    assert set(found) == {"errors_present", "downstream_calls_unknown"}
    assert f"{case.records[failed].variant} 1 of 200" in found["downstream_calls_unknown"].message


def test_a_run_file_that_cannot_be_read_whole_is_told(tmp_path: Path) -> None:
    case = Case()
    case.content["settings"] = ["ttl_s", 10]

    assert "are taken as not known: settings;" in _warnings(case, tmp_path)["run_file_damaged"].message


def test_lines_that_are_no_records_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    case = Case()
    run_dir = write_run(tmp_path, case.records, case.content)
    with (run_dir / "records.jsonl").open("a", encoding="utf-8") as lines:
        lines.write("7\n{]\n{")
    found = {one.code: one for one in summarise(run_dir).warnings}

    assert found["records_damaged"].message == (
        f"2 lines are not records and not in the numbers; the first is records.jsonl:{len(case.records) + 1}"
    )


@pytest.mark.parametrize(("full", "codes"), [(0, set()), (5, set()), (6, {"machine_saturated"})])
def test_the_machine_is_saturated_where_its_cpus_were_full_for_a_quarter_of_the_time(
    tmp_path: Path, full: int, codes: set[str]
) -> None:
    case = Case()
    case.content["cpu"] = {"seconds": 20, "full_seconds": full}
    case.content["repetitions"] = []

    assert set(_warnings(case, tmp_path)) == codes | {"few_repetitions"}


@pytest.mark.parametrize(
    ("cloudwatch", "whole", "codes"),
    [(7, True, set()), (9, True, {"downstream_count_differs"}), (3, False, {"downstream_count_late"})],
)
def test_cloudwatchs_count_of_the_reads_is_compared(
    tmp_path: Path, cloudwatch: int, whole: bool, codes: set[str]
) -> None:
    case = Case()
    case.content["aws"] = {
        "downstream": {"functions_calls": 7, "cloudwatch_calls": cloudwatch, "cloudwatch_whole": whole}
    }

    assert set(_warnings(case, tmp_path)) == codes


@pytest.mark.parametrize(
    ("source", "parts", "advice"),
    [
        (
            "ssm",
            ["no_cache 4 of ", "ttl_cache 2 of ", "Parameter Store's throughput (40 "],
            "turn on higher throughput",
        ),
        ("secretsmanager", ["10,000 calls per second"], "lower --rate"),
        ("elsewhere", ["a quota of the source"], "lower --rate"),
    ],
)
def test_a_throttled_source_is_distinguished_from_a_slow_one_in_the_report(
    tmp_path: Path, source: str, parts: list[str], advice: str
) -> None:
    case = Case()
    case.content["run"]["source"] = source
    throttled = {"no_cache": 4, "ttl_cache": 2}
    for variant, count in throttled.items():
        first = next(index for index, record in enumerate(case.records) if record.variant == variant)
        case.records[first] = dataclasses.replace(case.records[first], downstream_throttles=count)

    found = _warnings(case, tmp_path)

    assert set(found) == {"source_throttled"}
    for part in (*parts, "it shows the quota and not the speed of the source"):
        assert part in found["source_throttled"].message
    assert advice in found["source_throttled"].advice


@pytest.mark.parametrize(("cloudwatch", "codes"), [(5, set()), (7, set()), (4, {"downstream_count_differs"})])
def test_failed_attempts_are_no_difference_to_cloudwatchs_count(
    tmp_path: Path, cloudwatch: int, codes: set[str]
) -> None:
    case = Case()
    reads = {"functions_calls": 7, "functions_errors": 2, "cloudwatch_calls": cloudwatch, "cloudwatch_whole": True}
    case.content["aws"] = {"downstream": reads}

    found = _warnings(case, tmp_path)

    assert set(found) == codes
    assert all("2 attempts failed" in each.message for each in found.values())


@pytest.mark.parametrize(
    ("units", "whole", "codes"),
    [(7.0, True, set()), (9.5, True, {"read_units_differ"}), (9.5, False, {"downstream_count_late"})],
)
def test_cloudwatchs_read_units_are_compared(tmp_path: Path, units: float, whole: bool, codes: set[str]) -> None:
    case = Case()
    reads = {"functions_calls": 7, "cloudwatch_calls": 7, "functions_read_units": 7.0, "cloudwatch_whole": whole}
    case.content["aws"] = {"downstream": reads | {"cloudwatch_read_units": units}}

    assert set(_warnings(case, tmp_path)) == codes


def test_every_code_that_the_report_gives_has_a_meaning() -> None:
    assert {*CASES} <= {*WarningCode}
    assert all(code.meaning for code in WarningCode)
