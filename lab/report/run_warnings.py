"""The warnings that a run's records give cause for, each with its next step.

Codes: ``run_not_finished``, ``nothing_answered``, ``errors_present``, ``no_baseline``, ``too_few_samples``,
``generator_late``, ``machine_saturated``, ``interpreter_differs``, ``downstream_count_differs``. Those that
the driver gives too have its codes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from lab import stats
from lab.records import Record
from lab.report.model import Report, RunWarning, Start, VariantSummary, start_of
from lab.report.values import mapping, number
from lab.report.words import LEAST_FOR_P99, TIMES, figure, has_p99, interval, listed, percent, shown, whole

LATE_MS: Final = 10.0
LATE_SHARE: Final = 0.01
SATURATED_RATIO: Final = 1.5
"""How much slower the second half of a run must be for certain, at its median, to be called saturated."""


def find_warnings(report: Report, records: Sequence[Record]) -> list[RunWarning]:
    """The warnings for a run, the gravest first. The records are in order of their planned starts."""
    return [
        *_not_finished(report, records),
        *_failures(report),
        *_no_baseline(report),
        *_too_few(report),
        *_late(records),
        *_saturated(report, records),
        *_interpreter(report),
        *_counts(report),
    ]


def _not_finished(report: Report, records: Sequence[Record]) -> Iterator[RunWarning]:
    if not report.finished:
        yield RunWarning(
            "run_not_finished",
            f"the run did not end by itself; {len(records):,} invocations were recorded until then",
            "run it again to the end before comparing it with another run",
        )


def _failures(report: Report) -> Iterator[RunWarning]:
    if not any(summary.ok for summary in report.variants):
        yield RunWarning(
            "nothing_answered",
            "no invocation was answered",
            "check that the functions are deployed (lab deploy) and what error_type the records hold, if any",
        )
    failing = [summary for summary in report.variants if summary.failed]
    if failing:
        kinds = Counter[str]()
        for summary in failing:
            kinds.update(summary.error_types)
        told = ", ".join(f"{count:,} {shown(kind, 40)}" for kind, count in kinds.most_common(3))
        by_variant = ", ".join(
            f"{shown(summary.variant, 30)} {summary.failed:,} of {summary.invocations:,}" for summary in failing
        )
        yield RunWarning(
            "errors_present",
            f"invocations failed: {by_variant} ({told})",
            "read the counts beside the percentiles, which are of answered invocations only; records.jsonl has each "
            "one's error_type",
        )


def _no_baseline(report: Report) -> Iterator[RunWarning]:
    baseline = report.find(report.baseline)
    if baseline is None:
        yield RunWarning(
            "no_baseline",
            f"the baseline {report.baseline} was not run, so nothing is compared to it",
            f"run it too: add --variant {report.baseline}, or give no --variant at all",
        )


def _too_few(report: Report) -> Iterator[RunWarning]:
    few = [summary.variant for summary in report.variants if not has_p99(summary)]
    if few and any(summary.ok for summary in report.variants):
        yield RunWarning(
            "too_few_samples",
            f"fewer than {LEAST_FOR_P99} warm invocations were answered by {listed(few)}: no p99 is shown for them",
            "raise --duration or --rate",
        )


def _late(records: Sequence[Record]) -> Iterator[RunWarning]:
    pairs = [(number(record.sent_at), number(record.planned_at)) for record in records]
    late_ms = np.array([(sent - planned) * 1000 for sent, planned in pairs if sent is not None and planned is not None])
    share = float((late_ms > LATE_MS).mean()) if late_ms.size else 0.0
    if share > LATE_SHARE:
        yield RunWarning(
            "generator_late",
            f"{percent(share)} of the invocations were sent more than {LATE_MS:.0f} ms after their planned start, the "
            f"last of them {figure(float(late_ms.max()))} ms after",
            "lower --rate, or close what else the machine does; latency has the delay in it, service time has not",
        )


def _saturated(report: Report, records: Sequence[Record]) -> Iterator[RunWarning]:
    if report.target != "local":
        return
    slower = {}
    for summary in report.variants:
        warm = [
            value
            for record in records
            if str(record.variant) == summary.variant and record.status == "ok" and start_of(record) is Start.WARM
            if (value := number(record.service_ms)) is not None
        ]
        rise = _rise(warm)
        if rise is not None and rise.low > SATURATED_RATIO:
            slower[summary.variant] = rise
    if slower:
        told = ", ".join(
            f"{shown(name, 30)} {figure(rise.value)}{TIMES} ({interval(rise)})" for name, rise in slower.items()
        )
        yield RunWarning(
            "machine_saturated",
            f"the second half of the run was slower than the first, at the median of the service time: {told}",
            "lower --rate or drive fewer variants: the machine could not keep up, and the numbers tell its limit",
        )


def _rise(values: Sequence[float]) -> stats.Estimate | None:
    half = len(values) // 2
    if half < stats.LEAST_BLOCKED:
        return None
    first, second = (stats.percentile(stats.sample(part), 0.5) for part in (values[:half], values[half:]))
    return stats.ratio(second, first)


def _interpreter(report: Report) -> Iterator[RunWarning]:
    ran, deployed = mapping(report.local).get("interpreter"), report.run["runtime"]
    if ran is None or deployed is None:
        return
    version = ".".join(str(ran).split(".")[:2])
    if str(deployed) != f"python{version}":
        yield RunWarning(
            "interpreter_differs",
            f"the functions are deployed for {shown(deployed)} and ran here on Python {shown(ran)}",
            f"install {shown(deployed)} and run again, or read the numbers as those of Python {shown(version)}",
        )


def _counts(report: Report) -> Iterator[RunWarning]:
    differing = [summary for summary in report.variants if not _wire_explained(summary)]
    if differing:
        told = ", ".join(
            f"{shown(summary.variant, 30)} {whole(summary.downstream_calls)} and {whole(summary.wire_calls)}"
            for summary in differing
        )
        yield RunWarning(
            "downstream_count_differs",
            f"functions and wire count downstream calls differently: {told}",
            "trust neither count until the difference is explained: was something else using the endpoint?",
        )


def _wire_explained(summary: VariantSummary) -> bool:
    """Whether the wire's count fits that of the records.

    It can be greater: a failed invocation tells of none.
    """
    if summary.wire_calls is None:
        return True
    more = summary.wire_calls - (summary.downstream_calls or 0)
    return more == 0 or (more > 0 and bool(summary.failed))
