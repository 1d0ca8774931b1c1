"""Which repetitions are used, and when a run stops repeating."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from lab.drive.load import Scenario
from lab.records.record import Phase, Record
from lab.records.run_file import Repetition
from lab.run.judgement import EnvironmentStarts, find_problem, repeat_until_good

GOOD = Repetition(start_s=2.0, cpu_pressure=0.2, cpu_busy=0.5, unplanned_starts=0, complete=True)


def problem(scenario: Scenario = "steady", quickest_start_s: float | None = 2.0, **changed: Any) -> str | None:
    return find_problem(dataclasses.replace(GOOD, **changed), scenario=scenario, quickest_start_s=quickest_start_s)


def test_a_quiet_repetition_is_used() -> None:
    assert problem() is None
    assert problem(cpu_pressure=0.40, start_s=4.0) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cpu_pressure": 0.41}, "something waited for a processor in 41% of the measured time"),
        ({"cpu_pressure": None, "cpu_busy": 0.61}, "the processors were busy in 61% of the measured time"),
        ({"unplanned_starts": 1}, "1 environment started while no start was planned"),
        ({"unplanned_starts": 2}, "2 environments started while no start was planned"),
        ({"start_s": 4.1}, "its environments took 4.1 s to start, against 2.0 s before"),
    ],
)
def test_a_disturbed_repetition_is_not_used(changed: dict[str, Any], reason: str) -> None:
    assert problem(**changed) == reason


def test_the_busy_share_counts_only_where_the_pressure_is_not_known() -> None:
    assert problem(cpu_busy=0.99) is None
    assert problem(cpu_busy=0.99, cpu_pressure=None) is not None
    assert problem(cpu_busy=None, cpu_pressure=None) is None


@pytest.mark.parametrize("scenario", ["burst", "outage"])
def test_only_a_steady_load_forbids_starts(scenario: Scenario) -> None:
    assert problem(scenario, unplanned_starts=9) is None


def test_the_first_start_phase_has_nothing_to_be_compared_with() -> None:
    assert problem(start_s=99.0, quickest_start_s=None) is None
    assert problem(start_s=None) is None


def record(phase: Phase, environment: str | None, invocation: int | None = None, **more: Any) -> Record:
    return Record(
        run_id="r",
        target="local",
        variant="v",
        sequence=0,
        status="ok" if environment else "function_error",
        phase=phase,
        environment_id=environment,
        invocation=invocation,
        **more,
    )


def starts(*records: Record) -> EnvironmentStarts:
    found = EnvironmentStarts()
    for each in records:
        found.note(each)
    return found


def test_environments_of_the_start_phase_are_planned() -> None:
    found = starts(
        record("start", "a", 1, cold_start=True),
        record("start", "b", 1, restored=True, restore_ms=300.0),
        record("settle", "a", 2, cold_start=False),
        record("steady", "b", 2, restored=True),
    )

    assert (found.unplanned, found.kept) == (0, set())


def test_environments_that_start_later_are_not() -> None:
    found = starts(
        record("start", "a", 1, cold_start=True),
        record("settle", "b", 1, cold_start=True),
        record("steady", "b", 2, cold_start=False),
        record("steady", "c", 2, cold_start=False),  # its first invocation got no answer
        record("steady", None, init_ms=80.0, cold_start=True),
        record("steady", None),
    )

    assert found.unplanned == 3


def test_an_environment_that_failed_its_first_request_is_planned() -> None:
    found = starts(
        record("start", None, init_ms=80.0, cold_start=True),
        record("settle", "a", 2, cold_start=False),
        record("steady", "a", 3, cold_start=False),
        record("steady", "b", 2, cold_start=False),
    )

    assert (found.unplanned, found.kept) == (1, set())


def test_environments_that_had_started_before_are_known() -> None:
    assert starts(record("start", "a", 7), record("start", "b", 3, restored=True)).kept == {"a", "b"}


@pytest.mark.parametrize(
    ("pressures", "used"),
    [
        ([0.2] * 9, [0, 1, 2]),
        ([0.2, 0.9, 0.2, 0.2, 0.2], [0, 2, 3]),
        ([0.9, 0.2, 0.2, 0.9, 0.2], [1, 2]),
        ([0.9, 0.9, 0.2, 0.2, 0.2], []),
    ],
)
async def test_one_bad_repetition_is_repeated_and_two_end_the_run(pressures: Sequence[float], used: list[int]) -> None:
    kept: list[Repetition] = []

    async def drive(number: int) -> Repetition:
        return dataclasses.replace(GOOD, number=number, cpu_pressure=pressures[number])

    await repeat_until_good(3, scenario="steady", drive=drive, keep=kept.append)

    assert [each.number for each in kept if each.problem is None] == used
    assert [each.number for each in kept] == list(range(len(kept)))
    assert sum(each.problem is not None for each in kept) == min(2, sum(p > 0.4 for p in pressures[: len(kept)]))
    assert len(kept) <= 4


async def test_a_slow_start_is_one_beside_the_quickest_before_it() -> None:
    kept: list[Repetition] = []
    seconds = [9.0, 2.0, 3.0, 5.0, 2.0]

    async def drive(number: int) -> Repetition:
        return dataclasses.replace(GOOD, start_s=seconds[number])

    await repeat_until_good(4, scenario="steady", drive=drive, keep=kept.append)

    assert [each.problem is None for each in kept] == [True, True, True, False, True]
