"""Whether a change of the size that `lab compare` states as its power is found as often as it states, in simulation.

The runs are made of the repetitions of the quiet default runs: each repetition less the mean of its run is a deviation.
A simulated run has the mean of all, as many deviations drawn with replacement (times √(R/(R-1)), since R deviations
from their own mean are too small by that), and for each variant an effect of the whole run on the milliseconds saved,
normal with the standard deviation `SHARED` that the test allows for. The stated power is the median over pairs without
a change. Then the second run of each pair is changed by that in one variant.
"""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np

from lab.analysis import two_runs
from lab.analysis.model import RepetitionFigures, Report
from lab.analysis.summary import summarise
from lab.analysis.two_runs import Cell, Metric
from tests.bench.bench_truth_parts import Result, Row, keep, kept_in, percent, say
from tests.bench.bench_truth_runs import done_in

PAIRS: Final = 2000
STATED_BY: Final = 200
"""Pairs by which the power is stated."""
LEAST: Final = 0.75
MOST: Final = 0.85
LEAST_RUNS: Final = 3
METRICS: Final = (Metric.SAVED, Metric.CALLS)


def measure(folder: Path, *, small: bool) -> None:
    """Simulate, if there are quiet runs."""
    path = folder / "power.json"
    runs = done_in(folder.parent / "equal", "seed-*-quiet")
    reports = [one for one in (summarise(run / "run") for run in runs) if one.advice.variant is not None]
    if path.exists() or len(reports) < (1 if small else LEAST_RUNS):
        return
    say(f"power: {PAIRS:,} pairs for each variant and metric, from {len(reports)} runs")
    keep(path, _Simulation(reports, 100 if small else PAIRS).run())


class _Simulation:
    """Pairs of runs made of the repetitions of real ones."""

    def __init__(self, reports: Sequence[Report], pairs: int) -> None:
        self._like, self._pairs = reports[0], pairs
        self._generator = np.random.default_rng(1)
        self._names = [one.variant for one in self._like.variants]
        # (run and repetition, variant, warm mean and calls): repetitions keep their variants together.
        means, deviations = [], []
        for report in reports:
            values = np.array([[_pair(each) for each in report.find(name).repetitions] for name in self._names])  # type: ignore[union-attr]
            values = values.transpose(1, 0, 2)
            means.append(values.mean(0))
            deviations.append((values - values.mean(0)) * math.sqrt(len(values) / (len(values) - 1)))
        self._mean, self._deviations = np.mean(means, axis=0), np.concatenate(deviations)
        self._repetitions = self._like.file.run.repetitions or len(self._like.used)
        baseline = self._like.find(self._like.baseline)
        assert baseline is not None
        assert baseline.warm is not None
        self._level = baseline.warm.mean_ms.value  # `compare` takes its shares of this

    def run(self) -> dict[str, Any]:
        """The stated power of each cell, and how often such a change is found."""
        stated = self._stated()
        found = {}
        # The power is not needed again, and takes long.
        with mock.patch.object(two_runs, "detectable", return_value=0.0):
            for (variant, metric), share in stated.items():
                hits = sum(
                    _of(two_runs.compare(self._simulated(), self._simulated((variant, metric, share))), variant, metric)
                    for _ in range(self._pairs)
                )
                found[f"{variant}: {metric.value}"] = {"stated": share, "found": hits / self._pairs}
        return {"pairs": self._pairs, "cells": found}

    def _stated(self) -> dict[tuple[str, Metric], float]:
        sizes: dict[tuple[str, Metric], list[float]] = {}
        for _ in range(min(STATED_BY, self._pairs)):
            for cell in two_runs.compare(self._simulated(), self._simulated()):
                if cell.metric in METRICS and math.isfinite(cell.could_show):
                    sizes.setdefault((cell.variant, cell.metric), []).append(cell.could_show)
        return {place: statistics.median(each) for place, each in sizes.items()}

    def _simulated(self, change: tuple[str, Metric, float] | None = None) -> Report:
        """A run, with one variant changed by a share if that is given: of the baseline's mean, or of its calls."""
        drawn = self._generator.integers(0, len(self._deviations), self._repetitions)
        values = self._mean + self._deviations[drawn]
        own = self._generator.normal(0, two_runs.SHARED * self._level, len(self._names))
        own[self._names.index(self._like.baseline)] = 0.0
        values[:, :, 0] += own
        if change is not None:
            variant, metric, share = change
            place = self._names.index(variant)
            if metric is Metric.SAVED:
                values[:, place, 0] += share * self._level
            else:
                values[:, place, 1] += share * self._mean[place, 1]
        variants = tuple(
            dataclasses.replace(
                one,
                repetitions=tuple(
                    _figures(one.repetitions[0], number, *values[number, place]) for number in range(self._repetitions)
                ),
            )
            for place, one in enumerate(self._like.variants)
        )
        return dataclasses.replace(self._like, variants=variants)


def _pair(figures: RepetitionFigures) -> tuple[float, float]:
    return figures.mean_ms, (figures.calls or 0.0) / figures.ran


def _figures(like: RepetitionFigures, number: int, mean_ms: float, calls: float) -> RepetitionFigures:
    return like._replace(repetition=number, latency_ms=mean_ms * like.answers, calls=calls * like.ran)


def _of(cells: Sequence[Cell], variant: str, metric: Metric) -> bool:
    return any(cell.is_different for cell in cells if cell.variant == variant and cell.metric is metric)


def rows(folder: Path) -> Result:
    """A row for each metric."""
    for simulated in kept_in(folder, "power.json"):
        return Result([row for metric in METRICS if (row := _row(simulated, metric))], simulated)
    return Result()


def _row(simulated: dict[str, Any], metric: Metric) -> Row | None:
    cells = [cell for name, cell in simulated["cells"].items() if name.endswith(f": {metric.value}")]
    if not cells:
        return None
    found, stated = (statistics.fmean(cell[name] for cell in cells) for name in ("found", "stated"))
    return Row(
        claim=f"default run: a change of the size that `lab compare` states as its power, simulated, in {metric.value}",
        bar=f"found in {percent(LEAST)} to {percent(MOST)}",
        found=f"{percent(found, 1)} of {simulated['pairs']:,} pairs for each of {len(cells)} variants; the stated size"
        f" is {percent(stated)} on average",
        met=LEAST <= found <= MOST,
    )
