"""Warnings that only the run itself can give; the report derives the others (`lab.analysis.warnings`)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from facts.warnings import WarningCode
from lab.drive.tally import Tally
from lab.records.run_file import RunWarning

ACCOUNT: Final = re.compile(r"\b\d{12}\b")
DERIVED: Final = WarningCode.INTERPRETER_DIFFERS
"""The endpoint's own warning of it is for everything that it ran, and the report has the facts of this run."""

Warnings = list[RunWarning]


def warning(code: WarningCode, message: str, advice: str) -> RunWarning:
    """One warning: its code, what limits the numbers, and the next step.

    An account's number, as AWS's refusals have it in their ARNs, is masked: runs are shown to others.
    """
    return RunWarning(code, ACCOUNT.sub("<account>", message), advice)


def endpoint_warnings(info: Mapping[str, Any] | None, delayed_before: int) -> Warnings:
    """What the local endpoint warns of, and environments that waited to start, as they would not on Lambda.

    Args:
        info: the endpoint's answer to ``GET /_lab/info`` after the window; None on AWS.
        delayed_before: how many environments had waited before the window.
    """
    if info is None:
        return []
    found = [RunWarning(**each) for each in info.get("warnings", []) if each["code"] != DERIVED]
    starts = info.get("starts_delayed", {})
    delayed = int(starts.get("count", 0)) - delayed_before
    if delayed > 0:
        found.append(
            warning(
                WarningCode.STARTS_DELAYED,
                f"{delayed} environments waited to start: this machine starts {starts.get('at_a_time')} at a time",
                "lower --rate, drive fewer variants, or use a machine with more processors",
            )
        )
    return found


def update_warnings(tally: Tally) -> Warnings:
    """Item updates that were not acknowledged."""
    if not tally.updates_failed:
        return []
    return [
        warning(
            WarningCode.UPDATES_FAILED,
            f"{tally.updates_failed} of {tally.updates_failed + tally.updates_written} item updates were not"
            " acknowledged",
            "staleness is a lower bound for those items; lower --updates, or look at the source's own limits",
        )
    ]
