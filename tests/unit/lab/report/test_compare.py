"""Two runs: what is judged, what is refused, and what the comparison says in each format."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from lab.errors import UsageError
from lab.records.record import Record
from lab.report.compare import Pair, compare_runs, render_comparison
from tests.unit.lab.report.conftest import TWO
from tests.unit.lab.report.hostile import MARKUP
from tests.unit.lab.report.simulated import (
    repeated_content,
    repeated_records,
    simulate_repeated,
    write_run,
)  # fmt: skip

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of two variants with another seed."""
    return simulate_repeated(tmp_path_factory.mktemp("again") / "run", variants=TWO, seed=3)


def _changed(
    run_dir: Path,
    *,
    ms: float = 0.0,
    fail: Callable[[Record], bool] = lambda _: False,
    variant: str = "ttl_cache",
    content: Change = lambda _: None,
) -> Path:
    """The run of two variants, in which one of them takes so many ms more, or fails."""
    records = [
        dataclasses.replace(record, status="function_error", error_type="DownstreamError", cache=None)
        if record.variant == variant and fail(record)
        else dataclasses.replace(record, latency_ms=(record.latency_ms or 0.0) + ms)
        if record.variant == variant
        else record
        for record in repeated_records(variants=TWO)
    ]
    written = repeated_content(records, variants=TWO)
    content(written)
    return write_run(run_dir, records, written)


def test_another_run_of_the_same_shows_no_difference(run_of_two: Path, again: Path) -> None:
    pair = compare_runs(run_of_two, again)
    text = render_comparison(pair, "text")

    assert pair.regressions == []
    assert text.startswith("No difference between the runs is shown.\n")
    assert "The runs differ" not in text


def test_a_variant_that_saves_less_is_a_regression(run_of_two: Path, tmp_path: Path) -> None:
    pair = compare_runs(run_of_two, _changed(tmp_path / "b", ms=4.0))

    assert len(pair.regressions) == 1
    assert pair.regressions[0].startswith("ttl_cache saves 4.00 ms less (50 % of the baseline)")
    assert render_comparison(pair, "text").startswith("B is worse than A: ttl_cache saves 4.00 ms less")


def test_above_its_size_it_is_no_regression_but_shown(run_of_two: Path, tmp_path: Path) -> None:
    pair = compare_runs(run_of_two, _changed(tmp_path / "b", ms=4.0), 60.0)

    assert pair.regressions == []
    assert "no regression above 60 % is shown: ttl_cache saves 4.00 ms less" in " ".join(
        render_comparison(pair, "text").split()
    )


def test_a_variant_that_saves_more_is_no_regression(run_of_two: Path, tmp_path: Path) -> None:
    pair = compare_runs(_changed(tmp_path / "a", ms=4.0), run_of_two)

    assert pair.regressions == []
    assert any(cell.is_different for cell in pair.cells)


def test_more_failures_are_a_regression(run_of_two: Path, tmp_path: Path) -> None:
    after = _changed(tmp_path / "b", fail=lambda record: record.sequence % 3 == 0)
    pair = compare_runs(run_of_two, after)

    assert any(line.startswith("ttl_cache failed +") for line in pair.regressions)
    assert compare_runs(after, run_of_two).regressions == []


@pytest.mark.parametrize("how", ["failed", "absent"])
def test_a_variant_that_no_longer_answers_is_a_regression(run_of_two: Path, tmp_path: Path, how: str) -> None:
    after = {
        "failed": lambda: _changed(tmp_path, fail=lambda _: True),
        "absent": lambda: simulate_repeated(tmp_path, variants=("no_cache",)),
    }[how]()
    pair = compare_runs(run_of_two, after, 1000.0)

    count = 420 if how == "failed" else 0
    assert pair.regressions == [f"ttl_cache answered 420 invocations in A and none of {count} in B"]
    assert compare_runs(after, run_of_two).regressions == []


def _bad(count: int) -> Change:
    def change(content: dict[str, Any]) -> None:
        for one in content["repetitions"][:count]:
            one["problem"] = "something waited for a processor"

    return change


def _killed(content: dict[str, Any]) -> None:
    for one in content["repetitions"][1:]:
        one["complete"] = False


def test_one_bad_repetition_is_left_out_and_the_run_is_judged(run_of_two: Path, tmp_path: Path) -> None:
    assert compare_runs(run_of_two, _changed(tmp_path, content=_bad(1))).cells


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_bad(2), "the machine was saturated \\(.*\\); run it again"),
        (_killed, "it has 1 usable repetition, and 2 are needed"),
    ],
)
def test_a_run_that_is_no_evidence_is_refused(run_of_two: Path, tmp_path: Path, change: Change, message: str) -> None:
    bad = _changed(tmp_path, content=change)

    for pair in ((run_of_two, bad), (bad, run_of_two)):
        with pytest.raises(UsageError, match=message):
            compare_runs(*pair)


def test_a_late_run_is_refused(run_of_two: Path, tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, sent_at=(record.sent_at or 0.0) + 0.5) for record in repeated_records(variants=TWO)
    ]

    with pytest.raises(UsageError, match="invocations were sent late; run it again with a lower --rate"):
        compare_runs(run_of_two, write_run(tmp_path, records, repeated_content(records, variants=TWO)))


def test_a_run_without_repetitions_is_refused(run_of_two: Path, simulated_run: Path) -> None:
    with pytest.raises(UsageError, match="has no repetitions and cannot be judged; compare runs of `lab run`"):
        compare_runs(run_of_two, simulated_run)


def test_runs_of_different_targets_are_refused(run_of_two: Path, tmp_path: Path) -> None:
    local = simulate_repeated(tmp_path / "local", target="local", variants=TWO, steady_s=1.0)

    with pytest.raises(UsageError, match="numbers of different targets are not compared"):
        compare_runs(run_of_two, local)


def test_what_else_differs_is_said(run_of_two: Path, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["settings"]["rate"] = 40.0
        content["local"] |= {"profile": "another", "startup": "none"}

    text = render_comparison(compare_runs(run_of_two, _changed(tmp_path, content=change)), "text")

    assert "- rate: 20.0 in A, 40.0 in B" in text
    assert "- downstream latency profile: dynamodb-us-east-1 in A, another in B" in text
    assert "- start-up profile: python-arm64 in A, none in B" in text


def test_the_power_is_stated(run_of_two: Path, again: Path) -> None:
    text = " ".join(render_comparison(compare_runs(run_of_two, again), "text").split())

    assert "This pair could have shown a change of " in text
    assert " % of the baseline in milliseconds saved and of " in text
    assert "found in 80 % of such pairs" in text


def test_absolute_milliseconds_are_labelled(run_of_two: Path, again: Path) -> None:
    text = " ".join(render_comparison(compare_runs(run_of_two, again), "text").split())

    assert "Mean warm latency, ms, not judged; each interval is of that run" in text


def test_a_variant_of_one_run_only_is_named(repeated_run: Path, run_of_two: Path) -> None:
    text = " ".join(render_comparison(compare_runs(run_of_two, repeated_run), "text").split())

    assert "not compared: module_cache, snapstart and tmp_cache" in text


def test_json_has_every_comparison_and_no_nan(run_of_two: Path, again: Path) -> None:
    found = json.loads(render_comparison(compare_runs(run_of_two, again), "json"), parse_constant=pytest.fail)

    assert [(one["variant"], one["metric"]) for one in found["comparisons"]] == [
        ("ttl_cache", "saved"),
        ("ttl_cache", "calls"),
    ]
    for one in found["comparisons"]:
        low, high = one["change"]["ci95"]
        assert low <= one["change"]["value"] <= high
        assert one["different"] is False
    assert found["could_show"]["probability"] == 0.8
    assert found["regressions"] == []


def test_markdown_is_whole_tables(run_of_two: Path, again: Path) -> None:
    text = render_comparison(compare_runs(run_of_two, again), "markdown")

    assert text.startswith("**No difference between the runs is shown.**")
    assert "| `ttl_cache` |" in text
    assert text.count("| variant | A |") == 3


def _hostile(run_dir: Path) -> Path:
    def change(content: dict[str, Any]) -> None:
        content["run"]["scenario"] = MARKUP
        content["local"]["profile"] = MARKUP

    return _changed(run_dir, content=change)


def test_a_comparison_is_80_columns_wide(run_of_two: Path, again: Path, tmp_path: Path) -> None:
    def lines(pair: Pair) -> list[str]:
        return render_comparison(pair, "text").splitlines()

    for after in (again, _hostile(tmp_path)):
        assert max(map(cell_len, lines(compare_runs(run_of_two, after)))) <= 80
    assert "<img" not in render_comparison(compare_runs(run_of_two, tmp_path), "markdown").replace("\\<", "")
