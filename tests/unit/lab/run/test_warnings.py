"""Warnings at the end of a run: when, and with which next step."""

from typing import Any

import pytest

from facts.warnings import WarningCode
from lab.drive.tally import Tally
from lab.records.run_file import RunWarning
from lab.run.warnings import endpoint_warnings, update_warnings, warning


def test_no_warning_has_an_accounts_number() -> None:
    refusal = "User: arn:aws:iam::111122223333:user/lab is not authorized; 1234567890123 is no account"

    assert warning(WarningCode.NOT_AWS, refusal, "b").message == (
        "User: arn:aws:iam::<account>:user/lab is not authorized; 1234567890123 is no account"
    )


def test_updates_failed() -> None:
    counted = Tally(("a",))
    assert update_warnings(counted) == []
    counted.updates_written, counted.updates_failed = 38, 2

    (found,) = update_warnings(counted)
    assert found.code == "updates_failed"
    assert "2 of 40" in found.message
    assert found.advice


def test_the_endpoints_warnings_are_kept_but_for_what_the_report_derives() -> None:
    given = {"code": "snapshot_unusable", "message": "m", "advice": "a"}

    assert endpoint_warnings({"warnings": [given, given | {"code": "interpreter_differs"}]}, 0) == [RunWarning(**given)]


@pytest.mark.parametrize("info", [None, {}, {"warnings": [], "starts_delayed": {"count": 3, "at_a_time": 2}}])
def test_an_endpoint_without_fault_gives_none(info: dict[str, Any] | None) -> None:
    assert endpoint_warnings(info, 3) == []


def test_environments_that_waited_to_start_in_this_window() -> None:
    (found,) = endpoint_warnings({"starts_delayed": {"count": 7, "at_a_time": 2}}, 3)

    assert found.code == "starts_delayed"
    assert found.message.startswith("4 environments")
    assert found.advice
