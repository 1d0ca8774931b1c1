"""Warnings at the end of a run: when, and with which next step."""

from typing import Any

import pytest

from lab.drive.tally import Tally
from lab.records.record import Outcome
from lab.run.warnings import cautions, interpreter_cautions, start_cautions, warning


def codes(warnings: list[dict[str, str]]) -> list[str]:
    for each in warnings:
        assert set(each) == {"code", "message", "advice"}
        assert each["message"]
        assert each["advice"]
    return [each["code"] for each in warnings]


def tally(*outcomes: Outcome) -> Tally:
    counted = Tally(("a",))
    for outcome in outcomes:
        counted.count("a", outcome)
    return counted


def wire(calls: int) -> dict[str, dict[str, int]]:
    return {"a": {"downstream_calls": calls, "downstream_errors": 0}}


def test_no_warning_has_an_accounts_number() -> None:
    refusal = "User: arn:aws:iam::111122223333:user/lab is not authorized; 1234567890123 is no account"

    assert warning("a", refusal, "b")["message"] == (
        "User: arn:aws:iam::<account>:user/lab is not authorized; 1234567890123 is no account"
    )


def test_a_good_run_has_none() -> None:
    good = tally(Outcome(status="ok", downstream_calls=1))
    good.lateness_s.extend([0.0001] * 100)
    good.busy_shares.extend([0.5] * 20)
    good.updates_written = 40

    assert cautions(good, wire(1)) == []
    assert cautions(good, None) == []
    assert cautions(Tally(("a",)), wire(0)) == []


def test_late() -> None:
    late = Tally(("a",))
    late.lateness_s.extend([0.0] * 980 + [0.03] * 20)
    once = Tally(("a",))
    once.lateness_s.extend([0.0] * 999 + [5.0])

    (warning,) = cautions(late, None)
    assert warning["code"] == "generator_late"
    assert "30 ms" in warning["message"]
    assert cautions(once, None) == []


@pytest.mark.parametrize(("full", "warned"), [(0, False), (5, False), (6, True), (20, True)])
def test_saturated(full: int, warned: bool) -> None:
    counted = Tally(("a",))
    counted.busy_shares.extend([1.0] * full + [0.3] * (20 - full))

    assert codes(cautions(counted, None)) == ["machine_saturated"] * warned


def test_updates_failed() -> None:
    counted = Tally(("a",))
    counted.updates_written, counted.updates_failed = 38, 2

    (warning,) = cautions(counted, None)
    assert warning["code"] == "updates_failed"
    assert "2 of 40" in warning["message"]


def test_calls_of_init_belong_to_the_functions_sum() -> None:
    counted = tally(
        Outcome(status="ok", downstream_calls=1, init_downstream_calls=3),
        Outcome(status="ok", downstream_calls=0, init_downstream_calls=0),
        Outcome(status="throttled"),
    )

    assert cautions(counted, wire(4)) == []


@pytest.mark.parametrize("on_wire", [0, 1, 3])
def test_counts_that_differ_without_a_reason(on_wire: int) -> None:
    (warning,) = cautions(tally(Outcome(status="ok", downstream_calls=2), Outcome(status="throttled")), wire(on_wire))

    assert warning["code"] == "downstream_count_differs"
    assert f"saw: a 2 and {on_wire}" in warning["message"]
    assert "trust neither" in warning["advice"]


def test_a_failed_invocation_that_told_its_calls_explains_no_difference() -> None:
    counted = tally(Outcome(status="ok", downstream_calls=2), Outcome(status="function_error", downstream_calls=3))

    assert cautions(counted, wire(5)) == []
    (warning,) = cautions(counted, wire(6))
    assert "saw: a 5 and 6" in warning["message"]
    assert "trust neither" in warning["advice"]


def test_calls_of_failures_that_told_nothing_are_on_the_wire_alone() -> None:
    counted = tally(Outcome(status="ok", downstream_calls=2), Outcome(status="function_error"), Outcome(status="lost"))

    (warning,) = cautions(counted, wire(5))
    assert "2 of their invocations failed or were lost" in warning["message"]
    assert "the wire's count is the whole one" in warning["advice"]
    assert "trust neither" in cautions(counted, wire(1))[0]["advice"]
    assert cautions(counted, wire(2)) == []


INEXACT: dict[str, Any] = {"interpreters": {"python3.14": {"interpreter": "3.13.0", "exact": False}}}


def test_an_interpreter_that_is_not_the_deployed_runtimes() -> None:
    (warning,) = interpreter_cautions(INEXACT, "python3.14")

    assert warning["code"] == "interpreter_differs"
    assert "python3.14" in warning["message"]
    assert "3.13.0" in warning["message"]


def test_what_the_endpoint_tells_is_not_told_again() -> None:
    told = {"code": "interpreter_differs", "message": "m", "advice": "a"}

    assert interpreter_cautions({**INEXACT, "warnings": [told]}, "python3.14") == [told]


@pytest.mark.parametrize(
    "info", [None, {}, {"interpreters": {"python3.14": {"interpreter": "3.14.0", "exact": True}}}, {"interpreters": {}}]
)
def test_nothing_to_tell(info: dict[str, Any] | None) -> None:
    assert interpreter_cautions(info, "python3.14") == []


def test_environments_that_waited_to_start_in_this_window() -> None:
    info = {"starts_delayed": {"count": 7, "at_a_time": 2}}

    (warning,) = start_cautions(info, since=3)
    assert codes([warning]) == ["starts_delayed"]
    assert warning["message"].startswith("4 environments")
    assert start_cautions(info, since=7) == []
    assert start_cautions(None, since=0) == []
