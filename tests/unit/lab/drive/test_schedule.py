"""The plan of a run: arrivals, keys, pairs, phases, updates."""

import itertools

import numpy as np
import pytest

from facts.sources import item_keys
from lab.drive.load import LONGEST_SETTLE_S, Load, PlannedInvocation
from lab.drive.schedule import USED_SHARE, plan, plan_starts, plan_updates

ALL = ("no_cache", "module_cache", "ttl_cache", "tmp_cache", "snapstart")


def test_starts_come_in_order_of_time() -> None:
    moments = [planned.at for planned in plan(Load(variants=ALL))]

    assert moments == sorted(moments)


def test_a_block_is_rate_times_duration_invocations_of_each_variant() -> None:
    schedule = plan(Load(variants=ALL, rate=7.5, duration_s=20, repeat=None))

    assert len(schedule) == 5 * 150
    for variant in ALL:
        assert sorted(p.sequence for p in schedule if p.variant == variant) == list(range(150))
    assert {(p.repetition, p.phase) for p in schedule} == {(None, None)}
    assert schedule.measured == (0.0, 20.0)


def test_the_measured_time_of_all_repetitions_is_the_duration() -> None:
    load = Load(variants=ALL, rate=12, concurrency=3, duration_s=20, repeat=5)
    schedule = plan(load, 1, settle_s=2.1)

    begins, ends = schedule.measured
    assert (begins, ends) == (2.25, 6.25)  # settling ends with a slot of 0.25 s
    phases = {phase: [p.at for p in schedule if p.phase == phase] for phase in ("settle", "steady")}
    assert len(phases["steady"]) == 5 * 12 * 4
    assert max(phases["settle"]) < begins <= min(phases["steady"]) <= max(phases["steady"]) < ends


def test_the_sequence_runs_on_through_phases_and_repetitions() -> None:
    load = Load(variants=ALL, rate=12, duration_s=20)
    planned: list[PlannedInvocation] = []
    for repetition in range(3):
        planned += plan_starts(load, repetition, 2.0)
        planned += plan(load, repetition, 2.0)

    for variant in ALL:
        own = [each for each in planned if each.variant == variant]
        assert [each.sequence for each in own] == list(range(len(own)))
        assert len(own) == 3 * load.invocations_each(2.0) == 3 * (3 + 24 + 48)
        order = [(each.repetition, ("start", "settle", "steady").index(str(each.phase))) for each in own]
        assert order == sorted(order)


def test_the_most_that_a_run_sends_is_with_one_repetition_again() -> None:
    load = Load(variants=ALL, rate=12, duration_s=20, repeat=5)

    assert load.settle_s(None) == load.settle_s(3600.0) == LONGEST_SETTLE_S
    assert load.settle_s(2.0) == 3.0
    assert load.most_invocations == 6 * 5 * (3 + 60 + 48)


def test_as_many_environments_of_each_variant_start_as_requests_are_sent_together() -> None:
    load = Load(variants=ALL, concurrency=4)
    planned = plan_starts(load, 0, 2.0)

    assert {(each.at, each.phase) for each in planned} == {(0.0, "start")}
    keys = {variant: [each.key for each in planned if each.variant == variant] for variant in ALL}
    assert {len(each) for each in keys.values()} == {4}
    assert len({tuple(each) for each in keys.values()}) == 1
    assert len({plan_starts(load, number, 2.0)[0].variant for number in range(9)}) > 1


def test_a_burst_starts_environments_as_it_needs_them() -> None:
    load = Load(variants=ALL, scenario="burst")

    assert plan_starts(load, 0, 0.0) == []
    assert load.settle_s(2.0) == 0.0
    assert {each.phase for each in plan(load)} == {"steady"}


@pytest.mark.parametrize("scenario", ["steady", "burst"])
def test_the_same_seed_plans_the_same(scenario: str) -> None:
    load = Load(variants=ALL, scenario=scenario, seed=5)  # type: ignore[arg-type]

    assert list(plan(load, 2, 1.0)) == list(plan(load, 2, 1.0))
    assert plan_starts(load, 2, 1.0) == plan_starts(load, 2, 1.0)
    assert plan_updates(load, 2, 1.0) == plan_updates(load, 2, 1.0)


def test_another_seed_or_repetition_plans_otherwise() -> None:
    keys = [[each.key for each in plan(load)] for load in (Load(variants=ALL, seed=5), Load(variants=ALL, seed=6))]

    assert keys[0] != keys[1]
    assert keys[0] != [each.key for each in plan(Load(variants=ALL, seed=5), 1)]


@pytest.mark.parametrize("scenario", ["steady", "burst"])
def test_invocations_of_one_sequence_are_a_pair_in_every_variant(scenario: str) -> None:
    load = Load(variants=ALL, rate=20, scenario=scenario)  # type: ignore[arg-type]
    schedule = sorted(plan(load), key=lambda planned: planned.sequence)

    for _, pairs in itertools.groupby(schedule, key=lambda planned: planned.sequence):
        group = list(pairs)
        assert {planned.variant for planned in group} == set(ALL)
        assert len({planned.key for planned in group}) == 1
        moments = sorted(planned.at for planned in group)
        gap = 0.010 if scenario == "burst" else USED_SHARE * 0.15 / 5
        assert np.diff(moments) == pytest.approx([gap] * 4)


def test_a_group_is_sent_together_and_never_two_of_a_variant_at_once() -> None:
    load = Load(variants=ALL, rate=30, concurrency=3, duration_s=20)
    moments = np.array([each.at for each in plan(load) if each.variant == "ttl_cache"])
    groups = moments.reshape(-1, 3)

    assert (groups == groups[:, :1]).all()
    # Last in a slot of 100 ms, and then first in the next one: four fifths of three quarters later.
    assert np.diff(groups[:, 0]).min() == pytest.approx(0.1 * (1 - USED_SHARE * 4 / 5))
    keys = [each.key for each in plan(load) if each.variant == "ttl_cache"]
    assert any(len({*keys[at : at + 3]}) > 1 for at in range(0, len(keys), 3))


def test_the_variants_take_turns_in_going_first() -> None:
    starts = plan(Load(variants=ALL, rate=100, concurrency=1, duration_s=10, repeat=None)).starts

    firsts = np.bincount(np.argmin(starts, axis=0), minlength=5)

    assert firsts.sum() == 1000
    assert firsts.min() > 150  # 200 each by chance, standard deviation 13


def test_a_variant_alone_has_the_plan_that_it_has_among_all() -> None:
    among_all = plan(Load(variants=ALL, seed=3))
    alone = plan(Load(variants=("ttl_cache",), seed=3))

    assert np.array_equal(among_all.ranks, alone.ranks)
    assert np.allclose(among_all.starts.min(axis=0), alone.starts[0])


def test_arrivals_in_a_burst_are_a_poisson_process() -> None:
    load = Load(variants=("no_cache",), scenario="burst", rate=2000, duration_s=4, repeat=None)
    gaps = np.diff(np.sort(plan(load).starts[0]))

    # Exponential gaps: the standard deviation is the mean. Constant spacing would give 0.
    assert np.mean(gaps) == pytest.approx(1 / 8000, rel=0.03)
    assert np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.05)


@pytest.mark.parametrize("duration_s", [0.5, 4, 10, 20])
def test_a_burst_has_the_mean_rate_within_the_first_second_of_every_four(duration_s: float) -> None:
    schedule = plan(Load(variants=("no_cache",), scenario="burst", rate=50, duration_s=duration_s, repeat=None))

    assert len(schedule) == round(50 * duration_s)
    assert max(schedule.starts.flat) < duration_s
    assert (schedule.starts % 4 < 1).all()


def test_every_burst_is_as_strong_as_the_others() -> None:
    starts = plan(Load(variants=("no_cache",), scenario="burst", rate=100, duration_s=20, repeat=None)).starts

    bursts = np.bincount((starts[0] // 4).astype(int))

    assert len(bursts) == 5
    assert bursts.min() > 330  # 400 each by chance, standard deviation 18


def test_keys_follow_zipfs_law() -> None:
    ranks = plan(Load(variants=("no_cache",), rate=1000, duration_s=40, repeat=None, keys=50, skew=1.0)).ranks

    counts = np.bincount(ranks, minlength=50) / len(ranks)
    harmonic = sum(1 / rank for rank in range(1, 51))

    assert len(counts) == 50
    for rank in (1, 2, 3, 10, 50):
        assert counts[rank - 1] == pytest.approx(1 / rank / harmonic, rel=0.15)


def test_without_skew_keys_are_uniform() -> None:
    ranks = plan(Load(variants=("no_cache",), rate=1000, duration_s=20, repeat=None, keys=10, skew=0)).ranks

    assert np.bincount(ranks, minlength=10) / len(ranks) == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_more_keys_do_not_move_the_arrivals() -> None:
    few, many = (plan(Load(variants=ALL, keys=keys)) for keys in (10, 1000))

    assert np.array_equal(few.starts, many.starts)


def test_one_key_is_always_that_key() -> None:
    assert {planned.key for planned in plan(Load(variants=ALL, keys=1))} == {"item-0000"}


def test_keys_have_four_digits() -> None:
    keys = item_keys(10_000)

    assert (keys[0], keys[7], keys[-1]) == ("item-0000", "item-0007", "item-9999")


def test_updates_come_at_their_rate_in_order_with_known_keys() -> None:
    load = Load(variants=ALL, updates=25, duration_s=90, repeat=5, keys=5)
    updates = plan_updates(load, 3, settle_s=2.0)

    moments = [update.at for update in updates]
    ends = plan(load, 3, 2.0).measured[1]
    assert len(updates) == round(25 * ends)
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] < ends
    assert {update.key for update in updates} == set(item_keys(5))


def test_no_updates_are_none() -> None:
    assert plan_updates(Load(variants=ALL, updates=0)) == []
