"""Which cache for which data: what a design promises, what a run refutes, and what is not claimed."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from functions.registry import VARIANTS
from lab.analysis.choice import Choice, advice, bound_s, choices
from lab.analysis.model import Report, VariantSummary
from lab.analysis.summary import summarise
from lab.charts.tradeoff import unbeaten
from lab.records.record import Record
from lab.records.run_file import VariantDescription, describe_variants
from tests.unit.lab.report.simulated import BEGAN, NAMES, run_content, write_run

Run = dict[str, dict[str, Any]]

MEASURED: Run = {
    "no_cache": {"latency_ms": 20.0, "billed_ms": 20.0},
    "module_cache": {"latency_ms": 5.0, "billed_ms": 5.0},
    "ttl_cache": {"latency_ms": 5.0, "billed_ms": 5.0, "staleness_ms": 9_000.0},
    "tmp_cache": {"latency_ms": 5.0, "billed_ms": 5.1},
    "snapstart": {"latency_ms": 5.0, "billed_ms": 500.0},
}


def _report(run_dir: Path, record: Record, measured: Run, ttl_s: float | None = 10.0) -> Report:
    records = [
        dataclasses.replace(
            record,
            variant=name,
            sequence=index,
            planned_at=BEGAN + index,
            **(here | {"latency_ms": here["latency_ms"] * (1 + (index * 7 % 121) / 1210)}),
        )
        for name, fields in measured.items()
        for index in range(121)
        for here in [{key: value[index] if isinstance(value, list) else value for key, value in fields.items()}]
    ]
    content = run_content(records, variants=tuple(measured), target=record.target)
    content["settings"]["ttl_s"] = ttl_s
    return summarise(write_run(run_dir, records, content))


def _alike(report: Report) -> list[VariantSummary]:
    """The chosen one for data of any age, and those as good."""
    choice = _by_age(report)[math.inf]
    assert choice.chosen is not None
    return [choice.chosen, *choice.alike]


def _by_age(report: Report) -> dict[float, Choice]:
    return {choice.at_most_s: choice for choice in choices(report)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_bound_of_every_variant_is_known_from_its_entry(variant: Any) -> None:
    (about,) = describe_variants(VARIANTS, [variant.name])
    assert bound_s(about, 10.0) is not None


def test_the_bounds_are_those_of_the_designs() -> None:
    described = describe_variants(VARIANTS, NAMES)
    assert [bound_s(about, 10.0) for about in described] == [0.0, math.inf, 10.0, 10.0, 10.0]
    assert bound_s(VariantDescription(name="another"), 10.0) is None
    assert bound_s(described[2], None) is None


def test_rewording_a_sentence_of_the_registry_changes_no_advice(tmp_path: Path, record: Record) -> None:
    report = _report(tmp_path, record, MEASURED)
    words: Any = {"title": "A", "summary": "At most none.", "staleness": "unbounded", "choose_when": "at most the TTL"}
    summaries = [dataclasses.replace(one, about=dataclasses.replace(one.about, **words)) for one in report.variants]
    described = tuple(dataclasses.replace(one, **words) for one in report.file.variants)
    reworded = dataclasses.replace(
        report, variants=tuple(summaries), file=dataclasses.replace(report.file, variants=described)
    )

    assert advice(reworded) == advice(report)
    assert [_names(choice) for choice in choices(reworded)] == [_names(choice) for choice in choices(report)]


def _names(choice: Choice) -> tuple[object, ...]:
    named = [one.variant for one in (*([choice.chosen] if choice.chosen else []), *choice.alike, *choice.slower)]
    return choice.at_most_s, named, choice.unfit


def test_a_cache_is_chosen_only_where_its_design_keeps_to_the_age(tmp_path: Path, record: Record) -> None:
    found = _by_age(_report(tmp_path, record, MEASURED))
    names = {age: choice.chosen.variant if choice.chosen else None for age, choice in found.items()}

    assert names == {
        0.0: "no_cache",
        10.0: "ttl_cache",
        60.0: "ttl_cache",
        300.0: "ttl_cache",
        math.inf: "module_cache",
    }
    assert dict(found[60.0].unfit) == {"module_cache": "nothing limits how old its answers are"}
    assert [one.variant for one in found[60.0].alike] == ["tmp_cache"]
    assert [one.variant for one in found[60.0].slower] == ["no_cache", "snapstart"]


def test_a_ttl_longer_than_the_age_is_not_fit_for_it(tmp_path: Path, record: Record) -> None:
    found = _by_age(_report(tmp_path, record, MEASURED, ttl_s=120.0))

    assert found[60.0].chosen is not None
    assert found[60.0].chosen.variant == "no_cache"
    assert dict(found[60.0].unfit)["ttl_cache"] == "its TTL was 120 s in this run"
    assert found[120.0].chosen is not None
    assert found[120.0].chosen.variant == "ttl_cache"


def test_a_run_refutes_a_design(tmp_path: Path, record: Record) -> None:
    refuted = {**MEASURED, "ttl_cache": {**MEASURED["ttl_cache"], "staleness_ms": 70_000.0}}
    found = _by_age(_report(tmp_path, record, refuted))

    assert "70.0 s out of date" in dict(found[60.0].unfit)["ttl_cache"]
    assert found[300.0].chosen is not None
    assert found[300.0].chosen.variant == "ttl_cache"


def test_an_unknown_ttl_makes_no_cache_fit(tmp_path: Path, record: Record) -> None:
    found = _by_age(_report(tmp_path, record, MEASURED, ttl_s=None))

    assert found[60.0].chosen is not None
    assert found[60.0].chosen.variant == "no_cache"


def test_nothing_fit_is_none_chosen(tmp_path: Path, record: Record) -> None:
    report = _report(tmp_path, record, {"module_cache": MEASURED["module_cache"]})

    assert _by_age(report)[60.0].chosen is None
    assert advice(report) is None


def test_the_advice_names_the_cache_the_gain_the_bound_and_what_was_ruled_out(tmp_path: Path, record: Record) -> None:
    said = advice(_report(tmp_path, record, MEASURED))

    assert said is not None
    assert said.claim == "For data that may be 60 s out of date: ttl_cache."
    assert "ms; no_cache has " in said.reasons
    assert "95 % CI" in said.reasons
    assert "no answer is older than 10 s; the stalest one in this run was 9.00 s out of date" in said.reasons
    assert "Not module_cache: nothing limits the age of such answers" in said.reasons
    assert "This run did not measure it; `lab run -c ttl_s=60` does." in said.reasons


def test_on_aws_another_ttl_is_deployed_first(tmp_path: Path, record: Record) -> None:
    said = advice(_report(tmp_path, dataclasses.replace(record, target="aws"), MEASURED))

    assert said is not None
    assert "`lab deploy --target aws -c ttl_s=60` and then `lab run --target aws` does." in said.reasons


def test_a_cost_that_few_cold_starts_make_decides_nothing(tmp_path: Path, record: Record) -> None:
    def once_cold(ms: float) -> list[float]:
        return [ms if index == 60 else 5.0 for index in range(121)]

    measured = {
        "module_cache": {"latency_ms": 5.0, "billed_ms": once_cold(4000.0)},
        "ttl_cache": {"latency_ms": 5.0, "billed_ms": once_cold(100.0)},
    }
    report = _report(tmp_path, record, measured)
    dear, cheap = (one.cost.total for one in report.variants if one.cost)

    assert dear > cheap * 1.1
    assert [one.variant for one in _alike(report)] == ["module_cache", "ttl_cache"]


def test_what_calls_downstream_less_is_chosen_where_latency_and_cost_tell_nothing(
    tmp_path: Path, record: Record
) -> None:
    measured = {
        "no_cache": {"latency_ms": 5.0, "billed_ms": 500.0, "downstream_calls": 1},
        "ttl_cache": {"latency_ms": 5.0, "billed_ms": 500.0, "downstream_calls": 0},
    }
    report = _report(tmp_path, record, measured)
    said = advice(report)

    assert [one.variant for one in _alike(report)] == ["ttl_cache"]
    assert said is not None
    assert "Not shown to be faster or cheaper than ttl_cache, and with more downstream calls: no_cache." in said.reasons


def test_why_the_one_that_the_headline_calls_faster_is_not_chosen(tmp_path: Path, record: Record) -> None:
    # The interval of ttl_cache reaches from that of snapstart to that of no_cache.
    wide = [12.0 if index % 5 < 2 else 6.0 for index in range(121)]
    measured: Run = {
        "no_cache": {"latency_ms": 9.0, "billed_ms": 20.0, "downstream_calls": 1},
        "ttl_cache": {"latency_ms": wide, "billed_ms": 5.0},
        "snapstart": {"latency_ms": 6.5, "billed_ms": 500.0},
    }
    report = _report(tmp_path, record, measured)
    said = advice(report)

    assert [one.comparison.shown for one in report.variants if one.comparison] == ["no difference shown", "faster"]
    assert said is not None
    assert said.claim.endswith("ttl_cache.")
    assert "Not shown to be faster than ttl_cache, and more expensive: " in said.reasons
    assert ", though snapstart was faster than no_cache." in said.reasons


def test_nothing_beats_a_variant_that_is_best_in_one_of_three(tmp_path: Path, record: Record) -> None:
    report = _report(tmp_path, record, MEASURED)

    # snapstart costs more than tmp_cache and is no better in anything; ttl_cache is cheaper by a little, and staler.
    assert [one.variant for one in unbeaten(report.variants)] == ["module_cache"]


def test_a_latency_that_was_not_shown_to_differ_beats_nothing(tmp_path: Path, record: Record) -> None:
    measured = {
        "no_cache": {"latency_ms": 5.0, "billed_ms": 5.0},
        "ttl_cache": {"latency_ms": 5.001, "billed_ms": 5.0},
    }

    assert len(unbeaten(_report(tmp_path, record, measured).variants)) == 2
