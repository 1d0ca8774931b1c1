"""What is recommended, and when nothing is: single cases, and rules that hold for any made-up run."""

import dataclasses
import functools
import itertools
import math
from typing import Any, Final

import numpy as np
import pytest

from lab.analysis import advice as rules
from lab.analysis import figures as over
from lab.analysis.advice import Evidence, advise, ages_s, bound_s
from lab.analysis.model import Advice, Question
from lab.records.run_file import CpuLoad, Repetition, VariantDescription
from tests.unit.lab.analysis.made_up import BOUNDS, Made, evidence, figures

RIPPLE: Final = np.array([0.3, -0.2, 0.1, -0.3, 0.1])


def _made(name: str, ms: float, calls: float, **changes: Any) -> Made:
    made = Made(tuple(ms + RIPPLE), (calls,) * 5, bound=BOUNDS[name])
    return made._replace(**changes)


def _usual(**changes: Made) -> dict[str, Made]:
    """A run in which every cache saves much, SnapStart costs more, and nothing limits the module cache's age."""
    usual = {
        "no_cache": _made("no_cache", 16, 1.0),
        "module_cache": _made("module_cache", 4, 0.2),
        "ttl_cache": _made("ttl_cache", 5, 0.37),
        "tmp_cache": _made("tmp_cache", 5.2, 0.37),
        "snapstart": _made("snapstart", 4.9, 0.33, per_month_usd=5.0),
    }
    return usual | changes


def _advise(made: dict[str, Made], limit_s: float = 60.0, **settings: Any) -> Advice:
    question = Question(max_staleness_s=limit_s)
    return advise(evidence(made, question=question, **settings), question)


def test_the_advice_names_the_gain_the_age_and_every_other_variant() -> None:
    advice = _advise(_usual())

    assert advice.variant == "ttl_cache"
    assert advice.sentence == (
        "Use ttl_cache: it answers 11.0 ms sooner and reads 63 % less, with data at most 10 s old."
    )
    assert advice.alternatives == ("tmp_cache", "snapstart")
    excluded = {one.variant: one for one in advice.excluded}
    assert excluded["module_cache"].reason == "nothing limits how old its answers are"
    assert excluded["module_cache"].remedy == "give its entries a TTL"
    assert (
        "its warm answers come 11.1 ms later than those of snapstart (95 % CI, corrected" in excluded["no_cache"].reason
    )
    assert (
        "A TTL of 60 s meets the limit too, with fewer reads. This run did not measure it; "
        "`lab run -c ttl_s=60 --duration 600` does."
    ) in advice.reasons


def test_a_ttl_above_the_limit_is_excluded_with_its_remedy() -> None:
    advice = _advise(_usual(), 5.0)

    assert advice.variant == "no_cache"
    assert advice.sentence == "Use no_cache: no cache in this run is allowed for data at most 5 s old."
    assert ("its TTL is 10 s", "lower the TTL to 5 s") in {(one.reason, one.remedy) for one in advice.excluded}


def test_data_of_any_age_may_come_from_an_unbounded_cache() -> None:
    advice = _advise(_usual(), math.inf)

    assert advice.variant == "module_cache"
    assert advice.sentence.endswith("with data of unlimited age.")


def test_current_data_needs_no_ttl_of_zero() -> None:
    advice = _advise(_usual(), 0.0)

    assert advice.sentence == "Use no_cache: no cache in this run is allowed for data that must be current."
    assert {one.remedy for one in advice.excluded if one.reason.startswith("its TTL")} == {""}


def test_a_cheaper_variant_within_the_margin_is_chosen() -> None:
    advice = _advise(_usual(ttl_cache=_made("ttl_cache", 5, 0.37, per_month_usd=5.0)))

    assert advice.variant == "tmp_cache"
    assert "snapstart" in advice.alternatives


def test_an_expensive_choice_says_so_in_its_sentence() -> None:
    made = _usual(
        no_cache=_made("no_cache", 16, 0.3),
        ttl_cache=_made("ttl_cache", 12, 0.3),
        tmp_cache=_made("tmp_cache", 12, 0.3),
    )
    advice = _advise(made)

    assert advice.variant == "snapstart"
    assert advice.sentence.endswith("times the lowest cost.")
    assert len(advice.sentence.split()) <= 25


def test_a_variant_that_broke_its_bound_does_not_qualify() -> None:
    broken = _made("ttl_cache", 5, 0.37, changes={"bound_broken": True, "stalest_s": 70.0})
    advice = _advise(_usual(ttl_cache=broken))
    [excluded] = [one for one in advice.excluded if one.variant == "ttl_cache"]

    assert advice.variant == "tmp_cache"
    assert excluded.reason == "an answer was 70.0 s out of date, and its design allows 10 s"


def test_where_nothing_qualifies_nothing_is_named() -> None:
    made = {name: one._replace(bound="none") for name, one in _usual().items()}
    advice = _advise(made)

    assert advice.variant is None
    assert advice.sentence == "No variant of this run qualifies for data at most 60 s old."
    assert len(advice.excluded) == 5


def test_a_gain_whose_interval_contains_zero_is_not_claimed() -> None:
    noisy = Made(ms=tuple(15.6 + 8 * RIPPLE), calls=(1.01, 0.97, 1.0, 0.98, 1.01))
    advice = _advise({"no_cache": _usual()["no_cache"]._replace(per_month_usd=50.0), "ttl_cache": noisy})

    assert advice.sentence == "Use ttl_cache: no other is clearly faster or cheaper, with data at most 10 s old."


BAD: Final = Repetition(number=7, complete=True, problem="processes waited for a CPU")
GOOD: Final = [Repetition(number=number, complete=True) for number in range(5)]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"late_share": 0.02}, "2.0 % of its requests were sent late"),
        ({"from_logs": True}, "it was made from logs, in which variants had different loads"),
        ({"baseline": "other"}, "the baseline other was not measured"),
        ({"repetitions": []}, "it has no repetitions, so it cannot show what chance does"),
        ({"repetitions": [*GOOD, BAD, BAD]}, "2 repetitions were disturbed"),
        ({"repetitions": GOOD[:2]}, "2 repetitions are usable, and 3 are needed"),
        ({"repetitions": [BAD, *GOOD[:1]]}, "1 repetition is usable, and 3 are needed"),
        (
            {"repetitions": [*GOOD[:2], dataclasses.replace(GOOD[2], complete=False)]},
            "2 repetitions are usable, and 3 are needed",
        ),
    ],
)
def test_without_evidence_the_reason_stands_in_place_of_the_advice(settings: dict[str, Any], reason: str) -> None:
    advice = _advise(_usual(), **settings)

    assert advice.variant is None
    assert advice.sentence == f"This run cannot say which cache to use: {reason}."
    assert (advice.alternatives, advice.excluded) == ((), ())


def test_one_disturbed_repetition_that_was_replaced_blocks_nothing() -> None:
    assert _advise(_usual(), repetitions=[*GOOD, BAD]).variant == "ttl_cache"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answers": 19}, "only 95 warm answers came from ttl_cache, and 100 are needed"),
        (
            {"changes": {"failed_unprovoked": 0.011}},
            "1.1 % of the invocations of ttl_cache failed, were throttled or were lost",
        ),
        ({"per_month_usd": None}, "the cost of ttl_cache is not known"),
    ],
)
def test_a_variant_that_cannot_be_judged_blocks_the_advice(changes: dict[str, Any], reason: str) -> None:
    advice = _advise(_usual(ttl_cache=_made("ttl_cache", 5, 0.37, **changes)))

    assert advice.variant is None
    assert advice.sentence == f"This run cannot say which cache to use: {reason}."


def test_a_repetition_without_answers_of_a_variant_blocks_the_advice() -> None:
    made = _made("ttl_cache", 5, 0.37)
    *others, last = figures(made)
    lacking = (*others, last._replace(answers=0, latency_ms=0.0))
    advice = _advise(_usual(ttl_cache=made._replace(changes={"repetitions": lacking})))

    assert advice.sentence == (
        "This run cannot say which cache to use: no warm answer came from ttl_cache in 1 of 5 repetitions."
    )


def test_failures_up_to_one_percent_block_nothing() -> None:
    made = _usual(ttl_cache=_made("ttl_cache", 5, 0.37, changes={"failed_unprovoked": 0.01}))

    assert _advise(made).variant == "ttl_cache"


def test_repetitions_that_would_change_the_choice_block_the_advice() -> None:
    dear = Made(ms=tuple(5 + RIPPLE), calls=(0.3, 0.3, 0.3, 0.3, 2.2))
    advice = _advise(_usual(ttl_cache=dear))

    assert advice.sentence == (
        "This run cannot say which cache to use: its repetitions disagree (tmp_cache and ttl_cache)."
    )


def test_nothing_answered_is_said_first() -> None:
    silent = {"ok": 0, "failed_unprovoked": 1.0}
    made = {name: one._replace(answers=0, changes=silent) for name, one in _usual().items()}

    assert _advise(made).sentence == "This run cannot say which cache to use: no invocation was answered."
    assert _advise({}).variant is None


def test_a_busy_machine_is_judged_by_its_cpus_where_there_are_no_repetitions() -> None:
    found = evidence(_usual(), repetitions=[])
    busy = dataclasses.replace(found.run, cpu=CpuLoad(seconds=20, full_seconds=6))

    assert advise(found._replace(run=busy), Question()).reasons[0] == "The machine could not keep up with the load."


@pytest.mark.parametrize(
    ("bound", "expected"), [("read", 0.0), ("ttl", 10.0), ("none", math.inf), ("hard_ttl", None), (None, None)]
)
def test_the_bound_of_a_design(bound: Any, expected: float | None) -> None:
    assert bound_s(VariantDescription(name="x", bound=bound), 10.0) == expected


def test_every_report_has_a_choice_for_its_ttl() -> None:
    assert ages_s(evidence(_usual(), ttl_s=2.0).run) == [0, 2, 10, 60, 300, math.inf]
    assert ages_s(evidence(_usual(), ttl_s=None).run) == [0, 10, 60, 300, math.inf]


def _any_run(seed: int) -> tuple[Evidence, Question]:
    """A made-up run: ties, tiny samples, failures, missing fields, broken bounds, any number of variants."""
    rng = np.random.default_rng(seed)
    count = int(rng.choice([1, 2, 3, 5, 10], p=[0.05, 0.05, 0.3, 0.5, 0.1]))
    names = [name for name in BOUNDS if rng.random() < 0.9]
    tie, hour = rng.random() < 0.1, 1 + 0.05 * rng.standard_normal(count)
    question = Question(
        max_staleness_s=float(rng.choice([0, 5, 10, 60, math.inf])),
        volume=float(rng.choice([1.0, 1e5, 1e7])),
        cold_share=float(rng.choice([0, 0.01, 1.0])),
    )
    made = {}
    for name in names:
        ms = np.full(count, 5.0) if tie else rng.uniform(2, 20) * hour * (1 + 0.1 * rng.standard_normal(count))
        broken = rng.random() < 0.1
        made[name] = Made(
            ms=tuple(ms),
            calls=tuple(np.full(count, 0.5) if tie else rng.uniform(0, 1) * rng.uniform(0.9, 1.1, count)),
            answers=int(rng.choice([0, 3, 40, 200], p=[0.02, 0.02, 0.76, 0.2])),
            per_month_usd=None if rng.random() < 0.02 else float(rng.choice([0.0, 0.0, 1.0, 20.0])),
            bound=None if rng.random() < 0.05 else BOUNDS[name],
            changes={
                "failed_unprovoked": float(rng.choice([0, 0.01, 0.3], p=[0.9, 0.08, 0.02])),
                "bound_broken": broken,
                "stalest_s": 99.0 if broken else None,
            },
        )
    done = [Repetition(number=one, complete=rng.random() < 0.95) for one in range(count)]
    bad = [
        Repetition(number=count + one, complete=True, problem="x")
        for one in range(int(rng.choice(3, p=[0.8, 0.15, 0.05])))
    ]
    return evidence(
        made,
        question=question,
        repetitions=[*done, *bad],
        late_share=float(rng.choice([0, 0.005, 0.02], p=[0.6, 0.35, 0.05])),
        ttl_s=None if rng.random() < 0.05 else 10.0,
    ), question


@functools.cache
def _any_runs() -> list[tuple[Evidence, Question, Advice]]:
    runs = [_any_run(seed) for seed in range(300)]
    return [(found, question, advise(found, question)) for found, question in runs]


def test_the_made_up_runs_lead_to_every_kind_of_advice() -> None:
    found = [advice for _, _, advice in _any_runs()]
    openings = {one.sentence.split(": ")[-1].split(" ")[0] for one in found if one.variant is None}

    assert {one.variant for one in found} == {*BOUNDS, None}
    assert sum(one.variant is not None for one in found) > 50
    assert {"its", "the", "No"} <= openings


def test_any_advice_is_one_short_sentence() -> None:
    for _, _, advice in _any_runs():
        assert len(advice.sentence.split()) <= 25, advice.sentence
        assert advice.sentence.endswith(".")
        assert advice.reasons


def test_any_evidence_that_is_missing_blocks_the_advice() -> None:
    for found, _, advice in _any_runs():
        used = sum(one.complete and one.problem is None for one in found.run.repetitions)
        lacking = (
            found.baseline is None
            or found.late_share > 0.01
            or used < 3
            or sum(one.problem is not None for one in found.run.repetitions) > 1
            or any(
                one.failed_unprovoked > 0.01 or sum(each.answers for each in one.repetitions) < 100
                for one in found.variants
            )
        )
        if lacking:
            assert advice.variant is None
            assert advice.sentence.startswith(rules.CANNOT_SAY)
            assert not advice.alternatives


def test_any_advice_keeps_the_limit_and_places_every_variant_once() -> None:
    for found, question, advice in _any_runs():
        if advice.variant is None:
            continue
        placed = [advice.variant, *advice.alternatives, *(one.variant for one in advice.excluded)]
        assert sorted(placed) == sorted(one.variant for one in found.variants)
        assert all(one.reason for one in advice.excluded)
        for name in (advice.variant, *advice.alternatives):
            [summary] = [one for one in found.variants if one.variant == name]
            if question.max_staleness_s < math.inf:
                assert summary.bound_s is not None
                assert summary.bound_s <= question.max_staleness_s
                assert not summary.bound_broken


def test_any_choice_is_the_first_of_the_cheapest_that_are_not_shown_to_be_worse() -> None:
    for found, _, advice in _any_runs():
        if advice.variant is None:
            continue
        named = {one.variant: one for one in found.variants}
        kept = [one for one in found.variants if one.variant in (advice.variant, *advice.alternatives)]
        costs = {one.variant: one.month_usd.value for one in kept if one.month_usd}
        assert advice.variant == next(name for name, usd in costs.items() if usd <= 1.1 * min(costs.values()))
        best = min(kept, key=lambda one: one.warm.mean_ms.value if one.warm else math.inf)
        slow = [named[one.variant] for one in advice.excluded if one.reason.startswith("its warm answers")]
        base = found.baseline
        assert base is not None
        assert base.warm is not None
        for one in (*kept, *slow):
            later = over.later_ms(one.repetitions, best.repetitions)
            assert later is not None
            shown = later.estimate(len(kept) + len(slow) - 1).low > 0
            assert (shown and later.value > 0.1 * base.warm.mean_ms.value) is (one in slow)


def test_any_choice_that_costs_half_as_much_again_says_so() -> None:
    for found, _, advice in _any_runs():
        if advice.variant is None or found.baseline is None or found.baseline.month_usd is None:
            continue
        [chosen] = [one for one in found.variants if one.variant == advice.variant]
        assert chosen.month_usd is not None
        if chosen.month_usd.value > 1.5 * found.baseline.month_usd.value:
            assert "times the lowest cost" in advice.sentence


def test_any_choice_is_the_same_whatever_the_unit_of_time() -> None:
    def slower(found: Evidence) -> Evidence:
        variants = []
        for one in found.variants:
            each = tuple(repetition._replace(latency_ms=repetition.latency_ms * 64) for repetition in one.repetitions)
            mean = over.warm_ms(each)
            warm = dataclasses.replace(one.warm, mean_ms=mean.estimate()) if one.warm and mean else None
            variants.append(dataclasses.replace(one, repetitions=each, warm=warm))
        return found._replace(variants=variants)

    for found, question, before in _any_runs():
        after = advise(slower(found), question)
        assert (before.variant, before.alternatives) == (after.variant, after.alternatives)


def test_a_wider_limit_excludes_no_more_for_their_age() -> None:
    for found, question, _ in _any_runs()[:100]:
        aged = [
            {
                one.variant
                for one in advise(found, question._replace(max_staleness_s=limit)).excluded
                if "later" not in one.reason
            }
            for limit in (0.0, 10.0, 60.0, math.inf)
            if advise(found, question._replace(max_staleness_s=limit)).variant
        ]
        assert all(wider <= narrower for narrower, wider in itertools.pairwise(aged))
