"""How values are worded, alike in every format: figures, intervals, where the numbers come from, the answer."""

import math
from collections.abc import Sequence

from lab.analysis.model import Report, Start, VariantSummary
from lab.analysis.statistics import Estimate
from lab.records.json_values import Json
from lab.records.run_file import RunWarning

DASH = "\u2013"
NOT_MEASURED = DASH
NOT_ANSWERED = "not answered"
LEAST_FOR_P99 = 100
"""Warm answered invocations below which no p99 is shown: it would be the slowest one, or the next to it."""

_TARGETS = {"local": "local", "aws": "AWS", "simulated": "simulated"}


def shown(value: Json, most: int = 60) -> str:
    """A value from a file as plain text of at most that many characters.

    Nothing in it can control a terminal or turn the direction of what follows.
    """
    text = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(value)
    )
    return text if len(text) <= most else text[: most - 1] + "…"


def figure(value: float | None) -> str:
    """A number to about three digits. What is infinite was requested and not answered (see `VariantSummary`)."""
    if value == math.inf:
        return NOT_ANSWERED
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    size = abs(float(f"{value:.3g}"))
    if size == 0 or size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.1 else f"{value:.2g}"


def whole(value: float | None) -> str:
    """A count."""
    return NOT_MEASURED if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share of 0 to 1."""
    return NOT_MEASURED if share is None else f"{share * 100:.1f} %"


def signed(value: float) -> str:
    """A change, with its sign."""
    return f"+{figure(value)}" if value > 0 else figure(value)


def interval(estimate: Estimate | None) -> str:
    """The ends of an interval."""
    if estimate is None or not estimate.bounded:
        return NOT_MEASURED
    low, high = figure(estimate.low), figure(estimate.high)
    if low == high:
        return low
    return f"{low} to {high}" if "-" in low + high else f"{low}{DASH}{high}"


def where(report: Report) -> str:
    """Where the numbers come from: said at every table."""
    target = _TARGETS.get(report.target, shown(report.target, 20))
    if report.profile is None:
        return target
    return f"{target}, downstream profile {shown(report.profile, 24)}"


def has_p99(summary: VariantSummary) -> bool:
    """Whether there are invocations enough to speak of a p99."""
    return summary.starts[Start.WARM].count >= LEAST_FOR_P99


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    names = [shown(name, 30) for name in names]
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def advised(warning: RunWarning) -> str:
    """A warning with its next step."""
    return f"{shown(warning.message, 600)} ({shown(warning.code, 40)}). Next step: {next_step(warning)}"


def next_step(warning: RunWarning) -> str:
    """A warning's advice as a sentence: with the end that it has, or else a full stop."""
    advice = shown(warning.advice, 300)
    return advice if advice.endswith((".", "?", "!")) else f"{advice}."
