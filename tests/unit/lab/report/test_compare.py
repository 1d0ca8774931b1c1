"""Two runs: what is called a regression, and what is never compared."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from lab.analysis.statistics import Estimate
from lab.errors import LabError
from lab.report.compare import compare_runs, grew
from tests.unit.lab.report.conftest import TWO
from tests.unit.lab.report.hostile import hostile_run
from tests.unit.lab.report.simulated import run_content, simulate, simulated_records, write_run


def test_a_run_against_itself_has_no_regression(simulated_run: Path) -> None:
    text, regression = compare_runs(simulated_run, simulated_run, 0.0)

    assert not regression
    assert "No regression above 0 %." in text
    assert "The runs differ" not in text


def test_another_run_of_the_same_has_no_regression(run_of_two: Path, tmp_path: Path) -> None:
    _, regression = compare_runs(run_of_two, simulate(tmp_path / "again", seed=3, variants=TWO), 10.0)

    assert not regression


def test_a_slower_downstream_is_a_regression_of_those_who_read_it(simulated_run: Path, slower_run: Path) -> None:
    text, regression = compare_runs(simulated_run, slower_run, 20.0)

    assert regression
    assert "Regressions: grown by more than 20 %" in text
    assert "- no_cache: latency p50 +" in text
    assert "- module_cache" not in text


def test_above_what_grew_for_certain_there_is_no_regression(simulated_run: Path, slower_run: Path) -> None:
    # Half again as slow at the source; what is certain of it is less.
    _, regression = compare_runs(simulated_run, slower_run, 50.0)

    assert not regression


def test_without_a_limit_nothing_is_a_regression(simulated_run: Path, slower_run: Path) -> None:
    text, regression = compare_runs(simulated_run, slower_run, None)

    assert not regression
    assert "egression" not in text


def test_faster_is_no_regression(simulated_run: Path, slower_run: Path) -> None:
    assert not compare_runs(slower_run, simulated_run, 0.0)[1]


@pytest.mark.parametrize(
    ("before", "after", "percent", "expected"),
    [
        (Estimate(10, 9.9, 10.1), Estimate(13, 12.9, 13.1), 20, True),
        (Estimate(10, 9.9, 10.1), Estimate(13, 12.9, 13.1), 30, False),
        (Estimate(10, 5, 20), Estimate(13, 6, 30), 0, False),
        (Estimate(0, 0, 10), Estimate(500, 480, 520), 20, True),
        (Estimate(0, 0, 10), Estimate(5, 0, 12), 20, False),
        (Estimate(0, 0, 10), Estimate(0, 0, 10), 0, False),
    ],
)
def test_it_grew_only_if_the_lower_bound_says_so(
    before: Estimate, after: Estimate, percent: float, expected: bool
) -> None:
    assert grew(before, after, percent) is expected


def _failing(run_dir: Path, share: float, variant: str = "no_cache", **changes: Any) -> Path:
    """The run of two, in which so great a share of a variant's invocations failed."""
    changes = {"status": "function_error", "error_type": "DownstreamError", "cache": None} | changes
    records = [
        dataclasses.replace(record, **changes)
        if record.variant == variant and record.sequence * 73 % 200 < share * 200
        else record
        for record in simulated_records(variants=TWO)
    ]
    return write_run(run_dir, records, run_content(records, variants=TWO))


@pytest.mark.parametrize("status", ["function_error", "throttled", "lost"])
def test_more_failures_are_a_regression(run_of_two: Path, tmp_path: Path, status: str) -> None:
    text, regression = compare_runs(run_of_two, _failing(tmp_path / "b", 0.3, status=status), 20.0)

    assert regression
    assert "- no_cache: failed invocations +30.0 percentage points (95 % CI +2" in " ".join(text.split())
    assert "- ttl_cache: failed" not in text


def test_failures_that_are_not_shown_to_be_so_many_more_are_no_regression(run_of_two: Path, tmp_path: Path) -> None:
    _, regression = compare_runs(run_of_two, _failing(tmp_path / "b", 0.3), 30.0)

    assert not regression


def test_fewer_failures_are_no_regression(run_of_two: Path, tmp_path: Path) -> None:
    _, regression = compare_runs(_failing(tmp_path / "a", 0.3), run_of_two, 0.0)

    assert not regression


@pytest.mark.parametrize("how", ["failed", "empty", "absent"])
def test_a_variant_that_no_longer_answers_is_a_regression(run_of_two: Path, tmp_path: Path, how: str) -> None:
    after = {
        "failed": lambda: _failing(tmp_path, 1.0),
        "empty": lambda: write_run(tmp_path, [], run_content([], variants=TWO)),
        "absent": lambda: simulate(tmp_path, variants=("ttl_cache",)),
    }[how]()
    text, regression = compare_runs(run_of_two, after, 1000.0)
    count = 200 if how == "failed" else 0

    assert regression
    assert f"- no_cache: 200 invocations answered in A, none of {count} in B" in " ".join(text.split())
    assert "no_cache: failed" not in text
    assert not compare_runs(run_of_two, after, None)[1]


def test_what_was_not_answered_before_is_no_regression(run_of_two: Path, tmp_path: Path) -> None:
    assert not compare_runs(_failing(tmp_path / "a", 1.0), run_of_two, 10.0)[1]


def test_runs_of_different_targets_are_not_compared(simulated_run: Path, tmp_path: Path) -> None:
    local = simulate(tmp_path / "local", duration_s=2.0, target="local", variants=TWO)

    with pytest.raises(LabError, match="numbers of different targets are not compared"):
        compare_runs(simulated_run, local, None)


def test_what_else_differs_is_said(run_of_two: Path, tmp_path: Path) -> None:
    records = simulated_records(duration_s=2.0, variants=TWO)
    content: dict[str, Any] = run_content(records, duration_s=2.0, variants=TWO)
    content["settings"]["rate"] = 40.0
    content["local"]["profile"] = "another"
    text, _ = compare_runs(run_of_two, write_run(tmp_path / "b", records, content), None)

    assert "- rate: 20.0 in A, 40.0 in B" in text
    assert "- duration_s: 10.0 in A, 2.0 in B" in text
    assert "- downstream latency profile: dynamodb-us-east-1 in A, another in B" in text
    assert "Warnings of B: too_few_samples" in text


def test_a_variant_of_one_run_only_is_named(simulated_run: Path, tmp_path: Path) -> None:
    text, _ = compare_runs(simulated_run, simulate(tmp_path / "b", variants=("no_cache",)), None)

    assert "not compared: module_cache, snapstart, tmp_cache and ttl_cache." in " ".join(text.split())


def test_a_comparison_is_80_columns_wide(simulated_run: Path, slower_run: Path, tmp_path: Path) -> None:
    hostile = hostile_run(tmp_path / "hostile")
    empty = write_run(tmp_path / "empty", [], run_content([]))
    for a, b in ((simulated_run, slower_run), (simulated_run, hostile), (empty, simulated_run)):
        text, _ = compare_runs(a, b, 5.0)

        assert max(map(cell_len, text.splitlines())) <= 80
        assert all(character.isprintable() or character == "\n" for character in text)
