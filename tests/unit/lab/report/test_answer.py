"""The answer says what was shown, and no more."""

import dataclasses
from pathlib import Path

from lab.records import Record
from lab.report.answer import answer
from lab.report.summary import summarise
from tests.unit.lab.report.simulated import run_content, write_run


def _answer(run_dir: Path, record: Record, medians: dict[str, float], spread: float = 0.1) -> str:
    """Of 121 invocations of each variant, their latencies evenly spread about its median."""
    records = [
        dataclasses.replace(record, variant=variant, latency_ms=median * (1 + spread * ((index * 7 % 121) / 120 - 0.5)))
        for variant, median in medians.items()
        for index in range(121)
    ]
    return answer(summarise(write_run(run_dir, records, run_content(records, variants=tuple(medians)))))


def test_one_that_is_faster_is_named_with_its_ratio(tmp_path: Path, record: Record) -> None:
    said = _answer(tmp_path, record, {"no_cache": 100.0, "ttl_cache": 10.0})

    assert said.startswith(
        "Simulated: ttl_cache answered faster than no_cache: a median of 10.0 ms (0.100 times, 95 % CI "
    )
    assert " against 100 ms" in said
    assert said.endswith("and no stale answer.")


def test_the_fastest_is_named_only_if_it_beats_each_other_one(tmp_path: Path, record: Record) -> None:
    alone = _answer(tmp_path / "a", record, {"no_cache": 100.0, "ttl_cache": 10.0, "tmp_cache": 20.0})
    tied = _answer(tmp_path / "b", record, {"no_cache": 100.0, "ttl_cache": 10.0, "tmp_cache": 10.05})

    assert alone.endswith("; ttl_cache was the fastest.")
    assert tied.endswith("; which of them is the fastest was not shown.")


def test_a_slower_one_is_not_called_faster(tmp_path: Path, record: Record) -> None:
    said = _answer(tmp_path, record, {"no_cache": 10.0, "ttl_cache": 20.0})

    assert said == "Simulated: no variant was shown to answer faster than no_cache, whose median is 10.0 ms."


def test_without_the_baseline_nothing_is_compared(tmp_path: Path, record: Record) -> None:
    assert "nothing can be compared to it" in _answer(tmp_path, record, {"ttl_cache": 20.0})
