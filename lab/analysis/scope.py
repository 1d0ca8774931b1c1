"""Which of a variant's records the figures are of: the used repetitions, their phases, and the time of a fault."""

import dataclasses
import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from lab.analysis.columns import Bools, Floats, Measure, VariantColumns
from lab.analysis.model import Start
from lab.analysis.statistics import Sample
from lab.records.run_file import Repetition, RunFile

PARTS: Final = ("before", "during", "after")


def used_repetitions(run: RunFile) -> tuple[Repetition, ...]:
    """The repetitions that figures are of: the complete ones without a problem.

    Without any such, all, so that a report can describe what there is. Empty: the run has none, and its records count
    as one repetition.
    """
    good = tuple(one for one in run.repetitions if one.complete and one.problem is None)
    return good or run.repetitions


@dataclasses.dataclass(frozen=True)
class Scope:
    """A variant's records, and which of them belong to what."""

    records: VariantColumns
    used: tuple[Repetition, ...]

    @property
    def count(self) -> int:
        """How many repetitions there are; a run without any counts as one."""
        return max(1, len(self.used))

    @functools.cached_property
    def place(self) -> npt.NDArray[np.int32]:
        """The place of each record's repetition among the used ones; -1: it is of another."""
        if not self.used:
            return np.zeros(self.records.count, dtype=np.int32)
        repetition = self.records.measured("repetition")
        place = np.full(repetition.size, -1, dtype=np.int32)
        for index, one in enumerate(self.used):
            place[repetition == one.number] = index
        return place

    @functools.cached_property
    def in_use(self) -> Bools:
        """Whether it is of a used repetition."""
        return np.asarray(self.place >= 0, dtype=np.bool_)

    @functools.cached_property
    def measured(self) -> Bools:
        """Whether it was planned in the measured time of a used repetition."""
        return self.in_use & self.records.in_measured_time

    @functools.cached_property
    def part(self) -> npt.NDArray[np.int8]:
        """Before, during or after the fault of its repetition, as a place in `PARTS`; before where there is none.

        An invocation that was under way when the fault began is one during the fault.
        """
        part = np.zeros(self.records.count, dtype=np.int8)
        if any(one.fault_from is not None for one in self.used):
            moment = self.records.measured("moment")
            ended = moment + np.nan_to_num(self.records.measured("latency_ms")) / 1000
            for index, one in enumerate(self.used):
                own = self.place == index
                for number, (at, since) in enumerate(((ended, one.fault_from), (moment, one.fault_until)), start=1):
                    if since is not None:
                        part[own & (at >= since)] = number
        return part

    @functools.cached_property
    def faultless(self) -> Bools:
        """Whether it was planned outside an injected fault."""
        return np.asarray(self.part != PARTS.index("during"), dtype=np.bool_)

    @functools.cached_property
    def warm(self) -> Bools:
        """Whether it found an environment waiting."""
        return np.asarray(self.records.start == Start.WARM.code, dtype=np.bool_)

    def sums(self, values: Floats | Bools, among: Bools) -> Floats:
        """A sum for each used repetition, of the records among which a value is to be counted."""
        chosen = among & self.in_use
        return np.bincount(self.place[chosen], weights=values[chosen], minlength=self.count).astype(np.float64)

    def counts(self, among: Bools) -> Floats:
        """How many such records each used repetition has."""
        return np.bincount(self.place[among & self.in_use], minlength=self.count).astype(np.float64)

    def sample(self, measure: Measure, among: Bools, factor: float = 1.0) -> Sample:
        """What was measured of such records of the used repetitions, times a factor."""
        column = self.records.measured(measure) * factor
        chosen = among & self.in_use & ~np.isnan(column)
        return Sample(column[chosen], self.place[chosen], self.count)

    def requested(self, column: Floats) -> Sample:
        """A column over all that was requested in the measured time: infinite where no right answer came."""
        values = np.where(self.records.ok, column, np.inf)
        chosen = self.measured & ~np.isnan(values)
        return Sample(values[chosen], self.place[chosen], self.count)
