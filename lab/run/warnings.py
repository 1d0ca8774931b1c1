"""Warnings that only the run itself can give, each with its next step; the report adds what it finds in the records."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from lab.drive.tally import Tally
from lab.records.run_file import RunWarning, WireCounts

LATE_MS: Final = 10.0
SATURATED_SHARE: Final = 0.95
SATURATED_TIME: Final = 0.25
ACCOUNT: Final = re.compile(r"\b\d{12}\b")

Warnings = list[RunWarning]


def cautions(tally: Tally, wire: Mapping[str, WireCounts] | None) -> Warnings:
    """The warnings at the end of a window: ``code``, ``message``, ``advice`` each.

    Args:
        tally: what was counted.
        wire: ``downstream_calls`` on the wire during the window by variant; None where nothing sees the wire.
    """
    found = [_generator_late(tally), _machine_saturated(tally), _updates_failed(tally)]
    if wire is not None:
        found += _downstream_counts(tally, wire)
    return [each for each in found if each is not None]


def interpreter_cautions(info: Mapping[str, Any] | None, runtime: str) -> Warnings:
    """What the local endpoint itself warns of, and an interpreter that is not the deployed runtime's.

    Args:
        info: the endpoint's answer to ``GET /_lab/info`` after the window; None on AWS.
        runtime: the deployed runtime, such as `python3.14`.
    """
    if info is None:
        return []
    warnings: Warnings = [RunWarning(**each) for each in info.get("warnings", [])]
    running = info.get("interpreters", {}).get(runtime)
    told = any(each.code == "interpreter_differs" for each in warnings)
    if running is not None and not running.get("exact") and not told:
        warnings.append(
            warning(
                "interpreter_differs",
                f"deployed for {runtime}, run here by Python {running.get('interpreter')}",
                f"install {runtime} to measure the deployed runtime, or compare variants only, not absolute times",
            )
        )
    return warnings


def start_cautions(info: Mapping[str, Any] | None, since: int) -> Warnings:
    """That environments waited for a processor to start on, which they would not on Lambda.

    Args:
        info: the endpoint's answer to ``GET /_lab/info`` after the window; None on AWS.
        since: how many had waited before the window.
    """
    starts = {} if info is None else info.get("starts_delayed", {})
    delayed = int(starts.get("count", 0)) - since
    if delayed <= 0:
        return []
    return [
        warning(
            "starts_delayed",
            f"{delayed} environments waited to start: this machine starts {starts.get('at_a_time')} at a time",
            "lower --rate, drive fewer variants, or use a machine with more processors",
        )
    ]


def warning(code: str, message: str, advice: str) -> RunWarning:
    """One warning: its code, what limits the numbers, and the next step.

    An account's number, as AWS's refusals have it in their ARNs, is masked: runs are shown to others.
    """
    return RunWarning(code, ACCOUNT.sub("<account>", message), advice)


def _generator_late(tally: Tally) -> RunWarning | None:
    if not tally.lateness_s:
        return None
    p99 = float(np.percentile(np.frombuffer(tally.lateness_s), 99)) * 1000.0
    if p99 <= LATE_MS:
        return None
    return warning(
        "generator_late",
        f"1 in 100 requests was sent {p99:.0f} ms or more after its planned start",
        "lower --rate, drive fewer variants, or close what else is running; service_ms is not affected by the wait",
    )


def _machine_saturated(tally: Tally) -> RunWarning | None:
    full = sum(share >= SATURATED_SHARE for share in tally.busy_shares)
    if not full or full <= SATURATED_TIME * len(tally.busy_shares):
        return None
    return warning(
        "machine_saturated",
        f"the CPUs were full in {full} of {len(tally.busy_shares)} seconds, so variants waited for one another",
        "lower --rate, drive fewer variants, or close what else is running",
    )


def _updates_failed(tally: Tally) -> RunWarning | None:
    if not tally.updates_failed:
        return None
    return warning(
        "updates_failed",
        f"{tally.updates_failed} of {tally.updates_failed + tally.updates_written} item updates were not acknowledged",
        "staleness is a lower bound for those items; lower --updates, or look at the source's own limits",
    )


def _downstream_counts(tally: Tally, wire: Mapping[str, WireCounts]) -> Iterator[RunWarning]:
    """Where a failed or lost invocation told of no calls (its log was not seen), the wire may well have seen more."""
    told, untold = [], []
    uncounted = 0
    for variant, counts in tally.variants.items():
        on_wire = wire[variant].downstream_calls or 0
        if counts.downstream_calls == on_wire:
            continue
        line = f"{variant} {counts.downstream_calls:,} and {on_wire:,}"
        if counts.uncounted and on_wire > counts.downstream_calls:
            uncounted += counts.uncounted
            told.append(line)
        else:
            untold.append(line)
    if told:
        yield warning(
            "downstream_count_differs",
            f"downstream calls, as the functions tell and as the wire saw: {', '.join(told)}; {uncounted:,} of their"
            " invocations failed or were lost, and told of none",
            "the wire's count is the whole one: use it for these variants",
        )
    if untold:
        yield warning(
            "downstream_count_differs",
            f"downstream calls, as the functions tell and as the wire saw: {', '.join(untold)}",
            "trust neither count of these until the difference is explained: was something else using the endpoint?",
        )
