"""Two runs of made-up repetitions: what is called different, worse, and what the pair could have shown."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from lab.analysis.model import RepetitionFigures, Report
from lab.analysis.statistics import Estimate
from lab.analysis.summary import summarise
from lab.analysis.two_runs import Cell, Metric, compare, holm, typical_power, unanswered
from tests.unit.lab.report.simulated import simulate_repeated

VARIANTS = ("no_cache", "ttl_cache", "tmp_cache")
REPETITIONS = 5
SAVED_MS = {"ttl_cache": 5.0, "tmp_cache": 4.0}
CALLS = {"ttl_cache": 100.0, "tmp_cache": 100.0}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report, the repetitions of which the tests replace."""
    return summarise(simulate_repeated(tmp_path_factory.mktemp("two") / "run", variants=VARIANTS, steady_s=1.0))


def made_up(
    measured: Report,
    means_ms: Mapping[str, Sequence[float]],
    calls: Mapping[str, Sequence[float]],
    failed: Mapping[str, Sequence[int]] | None = None,
) -> Report:
    """A report of 200 requests for each variant and repetition, with these mean latencies, calls and failures."""
    variants = []
    for one in measured.variants:
        figures = tuple(
            RepetitionFigures(
                repetition=number,
                answers=200,
                latency_ms=200 * mean,
                ran=200,
                calls=made,
                read_units=None,
                usd=None,
                requested=200,
                failed=failures,
            )
            for number, (mean, made, failures) in enumerate(
                zip(
                    means_ms[one.variant],
                    calls[one.variant],
                    (failed or {}).get(one.variant, [0] * REPETITIONS),
                    strict=True,
                )
            )
        )
        assert one.warm is not None
        mean_ms = float(np.mean(means_ms[one.variant]))
        warm = dataclasses.replace(one.warm, mean_ms=Estimate(mean_ms, mean_ms, mean_ms))
        variants.append(dataclasses.replace(one, repetitions=figures, warm=warm))
    return dataclasses.replace(measured, variants=tuple(variants))


def drawn(
    measured: Report,
    rng: np.random.Generator,
    *,
    saved_ms: Mapping[str, float] = SAVED_MS,
    calls: Mapping[str, float] = CALLS,
    run_effect: float = 0.0,
) -> Report:
    """A run: 10 ms of the baseline, and a whole run may save less or more."""
    shift = rng.normal(0, run_effect)
    base = 10 + rng.normal(0, 0.3, REPETITIONS)
    means = {"no_cache": base} | {
        name: base - saved - shift + rng.normal(0, 0.25, REPETITIONS) for name, saved in saved_ms.items()
    }
    made = {"no_cache": np.full(REPETITIONS, 200.0)} | {
        name: rng.normal(each, 0.05 * each, REPETITIONS) for name, each in calls.items()
    }
    return made_up(measured, {name: list(one) for name, one in means.items()}, {n: list(c) for n, c in made.items()})


def _cell(cells: Sequence[Cell], variant: str, metric: Metric) -> Cell:
    return next(one for one in cells if (one.variant, one.metric) == (variant, metric))


def test_equal_runs_are_hardly_ever_different(measured: Report) -> None:
    rng = np.random.default_rng(1)
    pairs = [[drawn(measured, rng, run_effect=0.4) for _ in range(2)] for _ in range(150)]
    different = sum(any(cell.is_different for cell in compare(a, b)) for a, b in pairs)

    assert different <= 0.05 * len(pairs)


def test_a_whole_run_that_is_slower_is_not_different(measured: Report) -> None:
    """Both the baseline and the variants take half as long again: every variant saves what it saved."""
    means = {"no_cache": [10.0, 10.2, 9.9, 10.1, 9.8], "ttl_cache": [5.1, 5.2, 4.8, 5.0, 4.9]}
    means["tmp_cache"] = means["ttl_cache"]
    calls = {name: [200.0] * 5 for name in VARIANTS}
    slower = {name: [each + 5.0 for each in values] for name, values in means.items()}

    cells = compare(made_up(measured, means, calls), made_up(measured, slower, calls))

    assert not any(cell.is_different for cell in cells)


def test_a_lost_saving_is_worse_and_more_of_it_is_better(measured: Report) -> None:
    rng = np.random.default_rng(2)
    before = drawn(measured, rng)
    after = drawn(measured, rng, saved_ms={"ttl_cache": 1.0, "tmp_cache": 8.0})
    cells = compare(before, after)

    lost, gained = (_cell(cells, name, Metric.SAVED) for name in ("ttl_cache", "tmp_cache"))
    assert lost.is_different
    assert lost.is_worse
    assert lost.share == pytest.approx(-0.4, abs=0.05)
    assert gained.is_different
    assert not gained.is_worse


def test_more_calls_are_worse(measured: Report) -> None:
    rng = np.random.default_rng(3)
    before = drawn(measured, rng)
    after = drawn(measured, rng, calls={"ttl_cache": 150.0, "tmp_cache": 60.0})
    cells = compare(before, after)

    assert _cell(cells, "ttl_cache", Metric.CALLS).is_worse
    fewer = _cell(cells, "tmp_cache", Metric.CALLS)
    assert fewer.is_different
    assert not fewer.is_worse


def test_a_change_within_the_margin_is_not_different_however_sure_it_is(measured: Report) -> None:
    means = {name: [10.0, 10.1, 9.9, 10.0, 10.0] for name in VARIANTS}
    calls = {name: [100.0] * 5 for name in VARIANTS}
    more = calls | {"ttl_cache": [109.0] * 5}
    cell = _cell(compare(made_up(measured, means, calls), made_up(measured, means, more)), "ttl_cache", Metric.CALLS)

    assert cell.p == 0
    assert not cell.is_different


def test_failures_in_every_repetition_are_worse_and_in_one_are_not_shown(measured: Report) -> None:
    means = {name: [10.0, 10.1, 9.9, 10.0, 10.0] for name in VARIANTS}
    calls = {name: [100.0] * 5 for name in VARIANTS}
    before = made_up(measured, means, calls)
    every = made_up(measured, means, calls, {"ttl_cache": [60, 58, 63, 61, 59]})
    one = made_up(measured, means, calls, {"ttl_cache": [150, 0, 0, 0, 0]})

    assert _cell(compare(before, every), "ttl_cache", Metric.FAILED).is_worse
    assert not _cell(compare(before, one), "ttl_cache", Metric.FAILED).is_different
    assert not any(cell.metric is Metric.FAILED for cell in compare(before, before))


def test_repetitions_of_two_runs_are_not_paired(measured: Report) -> None:
    """Counts that are the same in both runs must not make the variance 0."""
    means = {name: [10.0, 10.1, 9.9, 10.0, 10.0] for name in VARIANTS}
    calls = {name: [80.0, 120.0, 90.0, 110.0, 100.0] for name in VARIANTS}
    shifted = calls | {"ttl_cache": [one + 12 for one in calls["ttl_cache"]]}
    cell = _cell(compare(made_up(measured, means, calls), made_up(measured, means, shifted)), "ttl_cache", Metric.CALLS)

    assert cell.p > 0.1
    assert not cell.is_different


def test_the_interval_in_milliseconds_holds_what_whole_runs_share(measured: Report) -> None:
    means = {name: [10.0 if name == "no_cache" else 5.0] * 5 for name in VARIANTS}
    calls = {name: [100.0] * 5 for name in VARIANTS}
    run = made_up(measured, means, calls)
    cell = _cell(compare(run, run), "ttl_cache", Metric.SAVED)

    # No spread within the runs: sqrt(2) times 4 % of 10 ms, times Student's t of 8 degrees of freedom.
    assert cell.change.high == pytest.approx(2.306 * 2**0.5 * 0.4, rel=1e-3)


def test_the_stated_power_is_the_median_of_the_variants(measured: Report) -> None:
    rng = np.random.default_rng(4)
    cells = compare(drawn(measured, rng), drawn(measured, rng))
    sizes = sorted(cell.could_show for cell in cells if cell.metric is Metric.CALLS)

    assert typical_power(cells, Metric.CALLS) == pytest.approx(sum(sizes) / 2)
    assert typical_power(cells, Metric.FAILED) is None
    assert all(0.1 < size < 0.4 for size in sizes)


def test_who_answered_in_the_first_run_only(measured: Report) -> None:
    silent = tuple(
        dataclasses.replace(one, ok=0) if one.variant == "ttl_cache" else one
        for one in measured.variants
        if one.variant != "tmp_cache"
    )
    found = unanswered(measured, dataclasses.replace(measured, variants=silent))

    assert [(one.variant, count > 0) for one, count in found] == [("ttl_cache", True), ("tmp_cache", False)]
    assert unanswered(dataclasses.replace(measured, variants=silent), measured) == []


@pytest.mark.parametrize(
    ("probabilities", "rejected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),
        ([0.06, 0.01], [False, True]),
        ([0.03, 0.03], [False, False]),
        ([], []),
    ],
)
def test_holm_steps_down(probabilities: list[float], rejected: list[bool]) -> None:
    assert holm(probabilities, 0.05) == rejected
