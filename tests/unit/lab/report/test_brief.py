"""What a report begins with: figures of the recommended variant or reasons, warnings that matter, all at a glance."""

import dataclasses
import math

import pytest

from facts.warnings import WarningCode
from lab.analysis.model import Advice, Effect, Excluded, Question, Report
from lab.analysis.statistics import Estimate
from lab.records.run_file import run_warning
from lab.report.brief import (
    excluded,
    glance,
    headline,
    key_figures,
    money,
    money_interval,
    month,
    oldest,
    reasons,
    warnings_that_matter,
)  # fmt: skip


def _advised(report: Report, variant: str | None, *why: str, sentence: str = "Use it.") -> Report:
    advice = Advice(question=report.question, variant=variant, sentence=sentence, reasons=why)
    return dataclasses.replace(report, advice=advice)


def test_the_four_figures_are_those_of_the_recommended_variant(report: Report) -> None:
    effect = Effect(
        saved_ms=Estimate(10.6, 10.1, 11.0),
        saved_calls=Estimate(0.63, 0.6, 0.66),
        saved_usd_month=Estimate(1.239, 1.1, 1.4),
    )
    variants = tuple(
        dataclasses.replace(one, effect=effect, bound_s=10.0) if one.variant == "ttl_cache" else one
        for one in report.variants
    )
    found = key_figures(_advised(dataclasses.replace(report, variants=variants), "ttl_cache"))

    assert [(one.value, one.interval) for one in found] == [
        ("10.6 ms", "10.1\u201311.0"),
        ("63.0 %", "60.0\u201366.0 %"),
        ("$1.24", "1.10\u20131.40"),
        ("10 s", ""),
    ]
    assert "at 10 million invocations, 1 % of which start an environment" in found[2].meaning


@pytest.mark.parametrize("variant", [None, "no_cache"])
def test_without_a_recommended_cache_there_are_no_figures(report: Report, variant: str | None) -> None:
    assert key_figures(_advised(report, variant)) == ()


def test_the_headline_is_the_advice_and_its_reason_is_not_repeated(report: Report) -> None:
    said = _advised(report, None, "It was late.", "It was small.", sentence="This run cannot say: it was late.")

    assert headline(said) == "This run cannot say: it was late."
    assert reasons(said) == ("It was small.",)


@pytest.mark.parametrize(
    ("code", "matters"),
    [
        (WarningCode.BOUND_BROKEN, True),
        (WarningCode.ERRORS_PRESENT, True),
        (WarningCode.SNAPSHOT_YOUNG, True),
        (WarningCode.TOO_FEW_SAMPLES, False),
        (WarningCode.SDK_RETRIES, False),
    ],
)
def test_only_warnings_that_bear_on_the_sentence_matter(report: Report, code: WarningCode, matters: bool) -> None:
    warned = dataclasses.replace(report, warnings=(run_warning(code, "message", "advice"),))

    assert bool(warnings_that_matter(warned)) is matters


def test_a_young_snapshot_matters_only_where_one_was_restored(report: Report) -> None:
    cold = tuple(one for one in report.variants if one.variant != "snapstart")
    warning = run_warning(WarningCode.SNAPSHOT_YOUNG, "message", "advice")

    assert warnings_that_matter(dataclasses.replace(report, variants=cold, warnings=(warning,))) == ()


def test_unbounded_says_what_was_seen_in_how_long(report: Report) -> None:
    module = next(one for one in report.variants if one.variant == "module_cache")

    assert oldest(report, dataclasses.replace(module, stalest_s=3.55)) == "unbounded (3.55 s seen in 6 s)"
    assert oldest(report, dataclasses.replace(module, stalest_s=None)) == "unbounded"
    file = dataclasses.replace(report.file, repetitions=())
    assert oldest(dataclasses.replace(report, file=file), dataclasses.replace(module, stalest_s=35.5)) == (
        "unbounded (35.5 s seen in 20 s)"
    )


@pytest.mark.parametrize(("bound", "cell"), [(0.0, "0 s"), (2.0, "2 s"), (None, "\u2013")])
def test_a_bound_is_what_the_design_guarantees(report: Report, bound: float | None, cell: str) -> None:
    assert oldest(report, dataclasses.replace(report.variants[0], bound_s=bound)) == cell


def test_at_a_glance_every_variant_has_milliseconds_first(report: Report) -> None:
    found = glance(report)

    assert found.columns == ("variant", "ms saved", "95 % CI", "reads saved", "$ a month", "out of date at most")
    assert [row[0] for row in found.rows] == [one.variant for one in report.variants]
    assert found.rows[0][1:4] == ("baseline", "", "")
    assert all(float(row[1]) > 0 for row in found.rows[1:])
    assert "at 10 million invocations, 1 % of which start an environment" in found.caption


def test_the_volume_and_the_share_that_were_asked_for_are_stated(report: Report) -> None:
    asked = dataclasses.replace(report, question=Question(60.0, 25_000.0, 0.05))

    assert month(asked) == "25,000 invocations, 5 % of which start an environment"


def test_each_excluded_variant_has_its_reason_and_remedy(report: Report) -> None:
    advice = dataclasses.replace(
        report.advice, excluded=(Excluded("ttl_cache", "its TTL is 90 s", "lower the TTL to 60 s"), Excluded("a", "b"))
    )

    assert list(excluded(dataclasses.replace(report, advice=advice))) == [
        "ttl_cache: its TTL is 90 s; lower the TTL to 60 s",
        "a: b",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.239, "$1.24"),
        (-0.2, "-$0.20"),
        (-0.001, "$0.00"),
        (1234.5, "$1,234.50"),
        (None, "\u2013"),
        (math.inf, "\u2013"),
    ],
)
def test_money_is_to_the_cent(value: float | None, text: str) -> None:
    assert money(value) == text


def test_an_interval_of_money_with_a_sign_is_spelled_out() -> None:
    assert money_interval(Estimate(1.0, 0.5, 1.5)) == "0.50\u20131.50"
    assert money_interval(Estimate(-1.0, -1.5, -0.5)) == "-1.50 to -0.50"
    assert money_interval(Estimate(1.0, -math.inf, math.inf)) == "\u2013"
