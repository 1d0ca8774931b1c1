"""The answer says what was shown, and no more."""

import dataclasses
from pathlib import Path

from lab.analysis.summary import summarise
from lab.records.record import Record
from lab.report.answer import answer
from lab.report.as_html import render_html
from lab.report.as_json import to_contract
from lab.report.as_text import render_text
from lab.report.compare import compare_runs
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

    assert said.startswith("Simulated: ttl_cache answered faster than no_cache. Median: 10.0 ms (0.100 times, 95 % CI ")
    assert " instead of 100 ms." in said
    assert said.endswith(". No stale answer.")


def test_the_fastest_is_named_only_if_it_beats_each_other_one(tmp_path: Path, record: Record) -> None:
    alone = _answer(tmp_path / "a", record, {"no_cache": 100.0, "ttl_cache": 10.0, "tmp_cache": 20.0})
    tied = _answer(tmp_path / "b", record, {"no_cache": 100.0, "ttl_cache": 10.0, "tmp_cache": 10.05})

    assert alone.endswith(". ttl_cache was the fastest.")
    assert tied.endswith(". This run does not show which of them is the fastest.")


def test_a_slower_one_is_not_called_faster(tmp_path: Path, record: Record) -> None:
    said = _answer(tmp_path, record, {"no_cache": 10.0, "ttl_cache": 20.0})

    assert said == "Simulated: no variant was shown to answer faster than no_cache. The median of no_cache is 10.0 ms."


def test_without_the_baseline_nothing_is_compared(tmp_path: Path, record: Record) -> None:
    assert "nothing can be compared to it" in _answer(tmp_path, record, {"ttl_cache": 20.0})


def test_of_records_made_from_logs_durations_are_told(tmp_path: Path, record: Record) -> None:
    records = [
        dataclasses.replace(
            record,
            variant=variant,
            planned_at=None,
            sent_at=None,
            latency_ms=None,
            service_ms=None,
            staleness_ms=None,
            key=None,
            duration_ms=median * (1 + 0.1 * ((index * 7 % 121) / 120 - 0.5)),
        )
        for variant, median in (("no_cache", 100.0), ("ttl_cache", 10.0))
        for index in range(121)
    ]
    content = run_content(records, variants=("no_cache", "ttl_cache"))
    content["run"]["scenario"], content["wire"], content["local"] = "collected", None, None
    report = summarise(write_run(tmp_path, records, content))

    assert report.from_logs
    assert answer(report).startswith(
        "Simulated, from the functions' logs (without the caller's wait): ttl_cache ran shorter than no_cache."
        " Median: 10.0 ms (0.100 times, 95 % CI "
    )
    text = render_text(report)
    first = text.split("\n\n")[1]
    assert first.startswith("Duration of the functions by their own reports, ms (simulated)\n")
    assert "Against no_cache: median duration and downstream calls" in text
    for unknown in ("latency", "staleness", "throttles", "lost", "on the wire", "Which cache", "Machine"):
        assert unknown not in text.partition("\nWarnings")[0].partition("How it was measured")[0]
    page = render_html(report)
    for unknown in ("Which cache, for which data", "Latency distribution", "Staleness"):
        assert unknown not in page
    assert "Duration of the functions by their own reports, ms" in page
    assert "Execution environments" in page
    json_report = to_contract(report)
    compared = json_report["variants"][1]["extensions"]["against_baseline"]
    assert compared["duration_p50_ratio"] == 0.1


def test_runs_from_logs_are_compared_by_duration(tmp_path: Path, record: Record) -> None:
    runs = []
    for name, duration in (("a", 10.0), ("b", 20.0)):
        unseen = {"planned_at": None, "sent_at": None, "latency_ms": None, "service_ms": None, "staleness_ms": None}
        records = [
            dataclasses.replace(record, duration_ms=duration + index % 7 / 10, **unseen)  # type: ignore[arg-type]
            for index in range(121)
        ]
        runs.append(write_run(tmp_path / name, records, run_content(records, variants=("no_cache",))))

    text, regressed = compare_runs(runs[0], runs[1], 10.0)
    assert regressed
    assert "duration p50" in text
    assert "latency" not in text.replace("downstream latency profile", "")
