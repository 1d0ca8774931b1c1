"""The plan of a window: arrivals, keys, pairs, updates."""

import itertools

import numpy as np
import pytest

from facts.sources import item_keys
from lab.drive.load import Load
from lab.drive.schedule import LONGEST_PHASE_S, plan, plan_updates

ALL = ("no_cache", "module_cache", "ttl_cache", "tmp_cache", "snapstart")


def test_starts_come_in_order_of_time() -> None:
    moments = [planned.at for planned in plan(Load(variants=ALL))]

    assert moments == sorted(moments)


def test_every_variant_is_planned_rate_times_duration_invocations() -> None:
    schedule = plan(Load(variants=ALL, rate=7.5, duration_s=20))

    assert len(schedule) == 5 * 150
    for variant in ALL:
        assert sorted(p.sequence for p in schedule if p.variant == variant) == list(range(150))


def test_all_starts_are_in_the_window_but_for_the_phase() -> None:
    schedule = plan(Load(variants=ALL, rate=50, duration_s=4))

    assert min(schedule.starts.flat) >= 0
    assert max(schedule.starts.flat) < 4 + len(ALL) * LONGEST_PHASE_S


def test_the_same_seed_plans_the_same() -> None:
    load = Load(variants=ALL, seed=5)

    assert list(plan(load)) == list(plan(load))
    assert plan_updates(load) == plan_updates(load)


def test_another_seed_plans_otherwise() -> None:
    assert list(plan(Load(variants=ALL, seed=5))) != list(plan(Load(variants=ALL, seed=6)))


def test_invocations_of_one_sequence_are_a_pair_in_every_variant() -> None:
    schedule = sorted(plan(Load(variants=ALL, rate=20)), key=lambda planned: planned.sequence)

    for _, pairs in itertools.groupby(schedule, key=lambda planned: planned.sequence):
        group = list(pairs)
        assert {planned.variant for planned in group} == set(ALL)
        assert len({planned.key for planned in group}) == 1
        moments = [planned.at for planned in group]
        assert max(moments) - min(moments) == pytest.approx(4 * LONGEST_PHASE_S)
        assert len(set(moments)) == 5


def test_the_variants_take_turns_in_going_first() -> None:
    starts = plan(Load(variants=ALL, rate=100, duration_s=10)).starts

    firsts = np.bincount(np.argmin(starts, axis=0), minlength=5)

    assert firsts.sum() == 1000
    assert firsts.min() > 150  # 200 each by chance, standard deviation 13


def test_a_variant_alone_has_the_plan_that_it_has_among_all() -> None:
    among_all = plan(Load(variants=ALL, seed=3))
    alone = plan(Load(variants=("ttl_cache",), seed=3))

    assert np.array_equal(among_all.ranks, alone.ranks)
    assert np.allclose(among_all.starts.min(axis=0), alone.starts[0])


def test_steady_arrivals_are_a_poisson_process_once_they_have_risen() -> None:
    starts = np.sort(plan(Load(variants=ALL, rate=200, duration_s=50)).starts[2])
    gaps = np.diff(starts[starts > 4])

    # Exponential gaps: the standard deviation is the mean. Constant spacing would give 0.
    assert np.mean(gaps) == pytest.approx((50 - 2) / (200 * 50), rel=0.03)
    assert np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.05)


@pytest.mark.parametrize(("duration_s", "rise_s"), [(5, 1), (20, 4), (40, 4)])
def test_steady_arrivals_rise_in_a_straight_line_first(duration_s: float, rise_s: float) -> None:
    starts = plan(Load(variants=("no_cache",), rate=1000, duration_s=duration_s)).starts[0]
    full_rate = 1000 * duration_s / (duration_s - rise_s / 2)

    for until in (rise_s / 4, rise_s / 2, rise_s):
        expected = full_rate * until**2 / (2 * rise_s)
        assert np.sum(starts < until) == pytest.approx(expected, abs=4 * expected**0.5)
    assert np.sum(starts > (duration_s + rise_s) / 2) == pytest.approx(full_rate * (duration_s - rise_s) / 2, rel=0.05)
    assert starts.max() < duration_s + LONGEST_PHASE_S


@pytest.mark.parametrize("duration_s", [0.5, 4, 10, 20])
def test_a_burst_has_the_mean_rate_within_the_first_second_of_every_four(duration_s: float) -> None:
    schedule = plan(Load(variants=("no_cache",), scenario="burst", rate=50, duration_s=duration_s))

    assert len(schedule) == round(50 * duration_s)
    assert max(schedule.starts.flat) < duration_s
    assert (schedule.starts % 4 < 1).all()


def test_every_burst_is_as_strong_as_the_others() -> None:
    starts = plan(Load(variants=("no_cache",), scenario="burst", rate=100, duration_s=20)).starts

    bursts = np.bincount((starts[0] // 4).astype(int))

    assert len(bursts) == 5
    assert bursts.min() > 330  # 400 each by chance, standard deviation 18


def test_keys_follow_zipfs_law() -> None:
    ranks = plan(Load(variants=("no_cache",), rate=1000, duration_s=40, keys=50, skew=1.0)).ranks

    counts = np.bincount(ranks, minlength=50) / len(ranks)
    harmonic = sum(1 / rank for rank in range(1, 51))

    assert len(counts) == 50
    for rank in (1, 2, 3, 10, 50):
        assert counts[rank - 1] == pytest.approx(1 / rank / harmonic, rel=0.15)


def test_without_skew_keys_are_uniform() -> None:
    ranks = plan(Load(variants=("no_cache",), rate=1000, duration_s=20, keys=10, skew=0)).ranks

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
    load = Load(variants=ALL, updates=25, duration_s=20, keys=5)
    updates = plan_updates(load)

    moments = [update.at for update in updates]
    assert len(updates) == 500
    assert moments == sorted(moments)
    assert 0 <= moments[0] <= moments[-1] < 20
    assert {update.key for update in updates} == set(item_keys(5))


def test_no_updates_are_none() -> None:
    assert plan_updates(Load(variants=ALL, updates=0)) == []
