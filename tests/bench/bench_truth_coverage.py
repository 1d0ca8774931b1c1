"""How often the 95 % intervals of a report hold the truth, in simulated runs.

A simulated run has the shape of a default one: five repetitions of 42 measured invocations of a baseline and of a cache
with a hit ratio of one half, and three starts of each. An answer takes an overhead and, if it is a miss, a read; both
are log-normal, and a read has the spread of the profile `typical`. One invocation in five fails. The speed of the
machine multiplies both times; its logarithm has a standard deviation of 20 %. The cases differ in what invocations
share:

- AR(1): the speed of the machine, hits and failures each follow a Gaussian process with this correlation from one
  invocation to the next. Half of the variance of the speed is shared by the two variants.
- Unequal environments: each repetition has three new environments of each variant. Their latencies differ with a
  standard deviation of 20 %, and so do their miss ratios.
- Effects: in each repetition latencies and miss ratios are multiplied by an effect of this standard deviation that all
  variants share, and by one of the variant's own.

The truth is what the estimators give for all simulated runs together. The intervals of `lab compare` are of two runs,
each with an effect on the milliseconds saved of `SHARED` of the baseline's mean, as its formula has it. Intervals of
the 99th percentile are withheld in runs of this size; they are simulated with 1,200 invocations a repetition.
"""

import concurrent.futures
import dataclasses
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, TypeAlias, cast
from unittest import mock

import numpy as np
import numpy.typing as npt

from facts.prices import cost_per_million
from lab.analysis import figures as over
from lab.analysis import statistics as stats
from lab.analysis import two_runs
from lab.analysis.model import Question, RepetitionFigures, Report
from lab.analysis.statistics import Estimate, Repeated, Sample
from lab.drive.load import Load
from lab.drive.machine import cpu_count
from tests.bench.bench_truth_parts import Result, Row, Table, keep, kept_in, percent, say

RUNS: Final = 6000
LONG_RUNS: Final = 2000
LONG: Final = 1200
"""Measured invocations of a repetition for the 99th percentile."""
STARTS: Final = 3
HIT_RATIO: Final = 0.5
FAILED: Final = 0.2
LEAST: Final = 0.93
MOST: Final = 0.98
LEAST_SHOWN: Final = 0.05
"""Of a case: an interval that is shown in fewer runs is too rare to judge."""

Floats: TypeAlias = npt.NDArray[np.float64]
Figures: TypeAlias = list[RepetitionFigures]
_NORMAL: Final = statistics.NormalDist()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What the invocations of a repetition share."""

    name: str
    correlation: float = 0.0
    environments: float = 0.0
    effect: float = 0.0


CASES: Final = (
    Case(name="independent"),
    Case(name="AR(1) 0.6", correlation=0.6),
    Case(name="AR(1) 0.9", correlation=0.9),
    Case(name="3 unequal environments", environments=0.2),
    Case(name="effects of 5 %", effect=0.05),
    Case(name="effects of 10 %", effect=0.10),
)


class Simulated(NamedTuple):
    """Runs of a variant. Arrays are (run, repetition, invocation), those of starts (run, repetition, start)."""

    latency_ms: Floats
    miss: npt.NDArray[np.bool_]
    failed: npt.NDArray[np.bool_]
    start_ms: Floats


def simulate(case: Case, runs: int, invocations: int, generator: np.random.Generator) -> tuple[Simulated, Simulated]:
    """Simulate runs of the baseline and of a cache."""
    shape = (runs, Load(variants=()).repeat or 1, invocations)
    shared = _process(shape, case.correlation, generator)
    effect = np.exp(case.effect * generator.standard_normal(shape[:2]))
    baseline, cache = (_variant(case, ratio, shared, effect, generator) for ratio in (1.0, 1 - HIT_RATIO))
    return baseline, cache


def _variant(
    case: Case, miss_ratio: float, shared: Floats, effect: Floats, generator: np.random.Generator
) -> Simulated:
    shape = shared.shape
    machine = (shared + _process(shape, case.correlation, generator)) / math.sqrt(2)
    own = (effect * np.exp(case.effect * generator.standard_normal(shape[:2])))[..., np.newaxis]
    environments = np.exp(case.environments * generator.standard_normal((*shape[:2], STARTS)))
    served_by = own * environments[..., np.arange(shape[2]) % STARTS]
    missing = 1.0 if miss_ratio == 1 else np.minimum(miss_ratio * served_by, 0.95)
    miss = _uniform(_process(shape, case.correlation, generator)) < missing
    overhead = 4.5 * np.exp(0.2 * generator.standard_normal(shape))
    read = 5.0 * np.exp(0.6 * generator.standard_normal(shape))
    return Simulated(
        latency_ms=served_by * np.exp(0.2 * machine) * (overhead + miss * read),
        miss=miss,
        failed=_uniform(_process(shape, case.correlation, generator)) < FAILED,
        start_ms=own * environments * 400.0 * np.exp(0.15 * generator.standard_normal((*shape[:2], STARTS))),
    )


def _process(shape: tuple[int, ...], correlation: float, generator: np.random.Generator) -> Floats:
    """Standard Gaussian processes along the last axis."""
    values = generator.standard_normal(shape)
    for place in range(1, shape[2] if correlation else 0):
        values[..., place] *= math.sqrt(1 - correlation**2)
        values[..., place] += correlation * values[..., place - 1]
    return values


def _uniform(values: Floats) -> Floats:
    """Standard normal values as uniform ones, by a table of the normal law."""
    grid = np.linspace(-6, 6, 4001)
    return np.interp(values, grid, [_NORMAL.cdf(one) for one in grid])


def figures_of(simulated: Simulated) -> list[Figures]:
    """What each repetition of each run measured."""
    answered = ~simulated.failed
    price = _prices()
    usd = price(simulated.latency_ms, simulated.miss)
    start_usd = price(simulated.start_ms, np.ones_like(simulated.start_ms, dtype=bool))
    columns = {
        "answers": answered.sum(2),
        "latency_ms": (simulated.latency_ms * answered).sum(2),
        "ran": np.full(answered.shape[:2], answered.shape[2]),
        "calls": simulated.miss.sum(2),
        "read_units": simulated.miss.sum(2),
        "usd": usd.sum(2),
        "requested": np.full(answered.shape[:2], answered.shape[2]),
        "failed": simulated.failed.sum(2),
        "starts": np.full(answered.shape[:2], STARTS),
        "start_ms": simulated.start_ms.sum(2),
        "start_calls": np.full(answered.shape[:2], STARTS),
        "start_usd": start_usd.sum(2),
    }
    lists = {name: column.tolist() for name, column in columns.items()}
    runs, repetitions = answered.shape[:2]
    return [
        [
            RepetitionFigures(repetition=place, **{name: column[run][place] for name, column in lists.items()})
            for place in range(repetitions)
        ]
        for run in range(runs)
    ]


def _prices() -> Callable[[Floats, npt.NDArray[np.bool_]], Floats]:
    """The cost of invocations, US dollars, from billed milliseconds and reads."""

    def million(billed_ms: float, reads: float) -> float:
        cost = cost_per_million(
            architecture="arm64", source="dynamodb", memory_mb=512, billed_ms=billed_ms, restores=0.0, reads=reads
        )
        assert cost is not None
        return cost.total

    fixed = million(0.0, 0.0)
    per_ms, per_read = million(1.0, 0.0) - fixed, million(0.0, 1.0) - fixed
    return lambda ms, miss: (fixed + per_ms * np.ceil(ms) + per_read * miss) / 1e6


Interval: TypeAlias = Callable[[Figures, Figures], Estimate | None]
"""The estimate of a run: figures of the baseline, and of the cache."""


def _estimate(found: Repeated | None) -> Estimate | None:
    return found.estimate() if found else None


def _effect(name: str) -> Interval:
    def of(baseline: Figures, cache: Figures) -> Estimate | None:
        months = (over.month_usd(each, Question(), 0.0) for each in (cache, baseline))
        found = over.effect(cache, baseline, *months)
        return getattr(found, name) if found else None

    return of


def _start(name: str) -> Interval:
    def of(_: Figures, cache: Figures) -> Estimate | None:
        found = over.per_start(cache)
        return getattr(found, name) if found else None

    return of


INTERVALS: Final[dict[str, Interval]] = {
    "mean of warm answers, ms": lambda _, cache: _estimate(over.warm_ms(cache)),
    "calls per 1,000": lambda _, cache: over.calls_per_1000(cache),
    "cost of a warm invocation": lambda _, cache: _estimate(over.warm_usd(cache)),
    "cost of a month": lambda _, cache: _estimate(over.month_usd(cache, Question(), 0.0)),
    "ms of a start": _start("ms"),
    "cost of a start": _start("usd"),
    "ms saved": _effect("saved_ms"),
    "share of calls saved": _effect("saved_calls"),
    "cost of a month saved": _effect("saved_usd_month"),
    "failed share": lambda _, cache: stats.share([one.failed for one in cache], [one.requested for one in cache]),
}


class Counted(NamedTuple):
    """In how many runs an interval held the truth, of those that showed one, of all."""

    held: int
    shown: int
    of: int


def count(estimates: Iterator[Estimate | None], truth: float) -> Counted:
    """Count the intervals that hold the truth."""
    every = list(estimates)
    shown = [one for one in every if one is not None and one.bounded]
    return Counted(sum(one.low <= truth <= one.high for one in shown), len(shown), len(every))


def of_figures(baseline: Sequence[Figures], cache: Sequence[Figures]) -> Iterator[tuple[str, Counted]]:
    """The intervals that come from the figures of repetitions."""
    together = [[one for figures in each for one in figures] for each in (baseline, cache)]
    for name, interval in INTERVALS.items():
        truth = interval(*together)
        assert truth is not None
        yield name, count((interval(*pair) for pair in zip(baseline, cache, strict=True)), truth.value)


def of_percentile(cache: Simulated, which: str) -> Counted:
    """The interval of a percentile of latency; failed invocations sort last."""
    values = np.where(cache.failed, np.inf, cache.latency_ms) if which == "p50" else cache.latency_ms
    runs, repetitions, invocations = values.shape
    numbers = np.repeat(np.arange(repetitions), invocations)

    def percentile(sample: Sample) -> Estimate | None:
        found = stats.describe(sample)
        return getattr(found, which) if found else None

    truth = percentile(stats.sample(values.ravel()))
    assert truth is not None
    return count((percentile(Sample(values[run].ravel(), numbers, repetitions)) for run in range(runs)), truth.value)


def of_compare(
    baseline: Sequence[Figures], cache: Sequence[Figures], generator: np.random.Generator
) -> Iterator[tuple[str, Counted]]:
    """The intervals of the change between two equal runs."""
    level = np.nanmean([one.mean_ms for figures in baseline for one in figures])
    reports = [
        _report(first, _later(second, generator.normal(0, two_runs.SHARED * level)))
        for first, second in zip(baseline, cache, strict=True)
    ]
    # The power is not needed here, and takes long.
    with mock.patch.object(two_runs, "detectable", return_value=0.0):
        cells = [two_runs.compare(a, b) for a, b in zip(reports[::2], reports[1::2], strict=True)]
    for metric in two_runs.Metric:
        changes = [cell.change for each in cells for cell in each if cell.metric is metric and cell.variant == "cache"]
        yield f"compare: change of {metric.value}", count(iter(changes), 0.0)


def _later(figures: Figures, ms: float) -> Figures:
    return [one._replace(latency_ms=one.latency_ms + ms * one.answers) for one in figures]


def _report(baseline: Figures, cache: Figures) -> Report:
    """What `compare` reads of a report."""
    summaries = [
        SimpleNamespace(
            variant=name,
            ok=sum(one.answers for one in figures),
            repetitions=figures,
            warm=SimpleNamespace(mean_ms=_estimate(over.warm_ms(figures))),
        )
        for name, figures in (("baseline", baseline), ("cache", cache))
    ]
    return cast(
        "Report",
        SimpleNamespace(
            variants=summaries,
            baseline="baseline",
            find=lambda name: next((one for one in summaries if one.variant == name), None),
        ),
    )


def measure(folder: Path, *, small: bool) -> None:
    """Simulate each case that is missing."""
    missing = [number for number in range(len(CASES)) if not _path(folder, number).exists()]
    say(f"coverage: {len(missing)} of {len(CASES)} cases")
    with concurrent.futures.ProcessPoolExecutor(cpu_count()) as processes:
        for number, found in zip(missing, processes.map(_simulated, missing, [small] * len(missing)), strict=True):
            keep(_path(folder, number), found)


def _path(folder: Path, number: int) -> Path:
    return folder / f"case-{number}.json"


def _simulated(number: int, small: bool) -> dict[str, Any]:
    """The intervals of one case."""
    case, runs, long_runs = CASES[number], 200 if small else RUNS, 100 if small else LONG_RUNS
    generator = np.random.default_rng(number)
    baseline, cache = simulate(case, runs, Load(variants=()).measured_invocations, generator)
    figures = figures_of(baseline), figures_of(cache)
    found = dict(of_figures(*figures))
    found["p50 of latency"] = of_percentile(cache, "p50")
    found["p99 of latency, long runs"] = of_percentile(simulate(case, long_runs, LONG, generator)[1], "p99")
    found |= dict(of_compare(*figures, generator))
    return {"case": case.name, "runs": runs, "intervals": {name: list(one) for name, one in found.items()}}


def rows(folder: Path) -> Result:
    """One row, and the coverage of each interval in each case."""
    cases = kept_in(folder, "case-*.json")
    if not cases:
        return Result()
    counted = {(name, case["case"]): Counted(*values) for case in cases for name, values in case["intervals"].items()}
    judged = {place: one for place, one in counted.items() if one.shown > LEAST_SHOWN * one.of}
    outside = [place for place, one in judged.items() if not LEAST <= one.held / one.shown <= MOST]
    shares = [one.held / one.shown for one in judged.values()]
    row = Row(
        claim=f"coverage of the 95 % intervals, {cases[0]['runs']:,} simulated runs in each case",
        bar=f"{percent(LEAST)} to {percent(MOST)}; withheld intervals are not counted",
        found=f"{percent(min(shares), 1)} to {percent(max(shares), 1)}; {len(outside)} of {len(judged)} outside",
        met=len(cases) == len(CASES) and not outside,
    )
    names = list(dict.fromkeys(name for name, _ in counted))
    table = Table(
        title="Coverage of the 95 % intervals in simulated runs, %",
        about="In brackets: the share of runs that showed the interval, where not all did. An interval that at most "
        f"{percent(LEAST_SHOWN)} of the runs showed is not judged.",
        columns=("interval", *(case["case"] for case in cases)),
        rows=[[name, *(_cell(counted[name, case["case"]]) for case in cases)] for name in names],
    )
    return Result([row], cases, [table])


def _cell(one: Counted) -> str:
    if not one.shown:
        return "withheld"
    return f"{one.held / one.shown * 100:.1f}" + (f" ({one.shown / one.of * 100:.0f} %)" if one.shown < one.of else "")
