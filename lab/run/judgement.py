"""The judgement of a repetition: whether what it measured is used, and if not, why."""

import collections
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Final

from lab.drive.load import Scenario
from lab.records.record import Record
from lab.records.run_file import MOST_BAD, Repetition

# docs/decisions/0010-repetitions.md says how good and bad repetitions differ.
MOST_PRESSURE: Final = 0.40
MOST_BUSY: Final = 0.60
MOST_START: Final = 2.0
"""Times the quickest start phase of the run so far."""


class EnvironmentStarts:
    """Environments of one repetition, by its records: those that were started first, and those that started later."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._later: set[str] = set()
        self._unnamed = 0
        self._unanswered: collections.Counter[str] = collections.Counter()
        self.kept: set[str] = set()
        """Environments that served in the start phase, and had started before it."""

    @property
    def unplanned(self) -> int:
        """Environments that started in the settled or measured time."""
        return len(self._later) + self._unnamed

    def note(self, record: Record) -> None:
        """Note the environment of a record."""
        environment = record.environment_id
        # `restored` is true of every answer of a restored environment.
        began = bool(record.cold_start) or record.invocation == 1 or record.restore_ms is not None
        if record.phase == "start":
            if environment is None:
                # It may have started an environment all the same, which has a name from its next answer on.
                self._unanswered[record.variant] += record.status != "throttled"
            else:
                self._known.add(environment)
                if not began:
                    self.kept.add(environment)
        elif environment is None:
            self._unnamed += began
        elif environment not in self._known and environment not in self._later:
            if not began and self._unanswered[record.variant]:
                self._unanswered[record.variant] -= 1
                self._known.add(environment)
            else:
                self._later.add(environment)


def find_problem(repetition: Repetition, *, scenario: Scenario, quickest_start_s: float | None) -> str | None:
    """Return why a repetition is not used, in words that follow "because"; None if it is.

    ``quickest_start_s`` is the shortest start phase of the run's earlier repetitions; None if there is none. Only
    `steady` forbids starts in the measured time: a burst needs them, and calls that fail hold environments for long.
    """
    found = repetition
    if found.cpu_pressure is not None:
        if found.cpu_pressure > MOST_PRESSURE:
            return f"something waited for a processor in {found.cpu_pressure:.0%} of the measured time"
    elif found.cpu_busy is not None and found.cpu_busy > MOST_BUSY:
        return f"the processors were busy in {found.cpu_busy:.0%} of the measured time"
    if scenario == "steady" and found.unplanned_starts:
        count = found.unplanned_starts
        return f"{count} environment{'s' if count > 1 else ''} started while no start was planned"
    if found.start_s is not None and quickest_start_s is not None and found.start_s > MOST_START * quickest_start_s:
        return f"its environments took {found.start_s:.1f} s to start, against {quickest_start_s:.1f} s before"
    return None


async def repeat_until_good(
    wanted: int,
    *,
    scenario: Scenario,
    drive: Callable[[int], Awaitable[Repetition]],
    keep: Callable[[Repetition], None],
) -> None:
    """Drive repetitions until so many are good, or one more than `MOST_BAD` are bad; judge and keep each.

    Args:
        wanted: how many good ones.
        scenario: the run's.
        drive: drives the repetition of a number, from 0.
        keep: gets each repetition with its problem, when it is complete.
    """
    bad, number, quickest_s = 0, 0, None
    while number - bad < wanted and bad <= MOST_BAD:
        driven = await drive(number)
        problem = find_problem(driven, scenario=scenario, quickest_start_s=quickest_s)
        keep(dataclasses.replace(driven, problem=problem))
        bad += problem is not None
        number += 1
        if driven.start_s is not None:
            quickest_s = min(driven.start_s, quickest_s or driven.start_s)
