"""The warnings that a run's records and its `run.json` give cause for, each with its next step.

The run itself stores only what cannot be seen afterwards (`lab.run`). The codes are in `facts.warnings`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from facts.warnings import WarningCode
from lab.analysis import statistics as stats
from lab.analysis.columns import Columns, VariantColumns
from lab.analysis.model import Report, Start, VariantSummary
from lab.analysis.wording import LEAST_FOR_P99, TIMES, figure, has_p99, interval, listed, percent, shown, whole
from lab.records.run_file import RunFile, RunWarning
from lab.records.table import Damage

LATE_MS: Final = 10.0
LATE_SHARE: Final = 0.01
SATURATED_RATIO: Final = 1.5
"""How much slower the second half of a run must be for certain, at its median, to be called saturated."""
SATURATED_TIME: Final = 0.25
"""Share of the seconds with full CPUs above which a run is called saturated."""


def find_warnings(report: Report, columns: Columns, rises: Mapping[str, stats.Estimate | None]) -> list[RunWarning]:
    """The warnings for a run, the gravest first.

    Args:
        report: without warnings.
        columns: its records.
        rises: `warm_rise` of every variant.
    """
    return [
        *_not_finished(report, columns),
        *_damaged(columns.damage),
        *_run_file_damaged(report.file),
        *_failures(report),
        *_no_baseline(report),
        *_too_few(report),
        *_late(columns),
        *_saturated(report, rises),
        *_interpreter(report),
        *_counts(report),
        *_unreported(report),
    ]


def warm_rise(records: VariantColumns) -> stats.Estimate | None:
    """The median service time of the second half of the warm invocations, as a ratio to that of the first."""
    service = records.measured("service_ms")
    warm = service[records.ok & (records.start == Start.WARM.code) & ~np.isnan(service)]
    half = warm.size // 2
    if half < stats.LEAST_BLOCKED:
        return None
    first, second = (stats.percentile(stats.sample(part), 0.5) for part in (warm[:half], warm[half:]))
    return stats.ratio(second, first)


def _damaged(damage: Damage | None) -> Iterator[RunWarning]:
    if damage is not None:
        lines = "1 line is no record" if damage.lines == 1 else f"{damage.lines:,} lines are no records"
        yield RunWarning(
            WarningCode.RECORDS_DAMAGED,
            f"{lines} and not in the numbers; the first is {shown(damage.first, 80)}",
            "look at that line: was the disk full, or has something else written to the file?",
        )


def _run_file_damaged(run: RunFile) -> Iterator[RunWarning]:
    if run.damaged:
        yield RunWarning(
            WarningCode.RUN_FILE_DAMAGED,
            f"in run.json these values cannot be read and are taken as not known: {listed(run.damaged)}; without the "
            "TTL no cache can be recommended, without the architecture there is no cost",
            "correct run.json, or run again",
        )


def _not_finished(report: Report, columns: Columns) -> Iterator[RunWarning]:
    if not report.file.finished:
        yield RunWarning(
            WarningCode.RUN_NOT_FINISHED,
            f"the run did not end by itself; {columns.count:,} invocations were recorded until then",
            "run it again to the end before comparing it with another run",
        )


def _failures(report: Report) -> Iterator[RunWarning]:
    if not any(summary.ok for summary in report.variants):
        yield RunWarning(
            WarningCode.NOTHING_ANSWERED,
            "no invocation was answered",
            "check that the functions are deployed (lab deploy) and what error_type the records hold, if any",
        )
    failing = [summary for summary in report.variants if summary.failed]
    if failing:
        kinds = Counter[str]()
        for summary in failing:
            kinds.update(summary.error_types)
        counts = ", ".join(f"{count:,} {shown(kind, 40)}" for kind, count in kinds.most_common(3))
        by_variant = ", ".join(
            f"{shown(summary.variant, 30)} {summary.failed:,} of {summary.invocations:,}" for summary in failing
        )
        yield RunWarning(
            WarningCode.ERRORS_PRESENT,
            f"invocations failed: {by_variant} ({counts})",
            "read the counts beside the percentiles, which are of answered invocations only; records.jsonl has each "
            "one's error_type",
        )


def _no_baseline(report: Report) -> Iterator[RunWarning]:
    baseline = report.find(report.baseline)
    if baseline is None:
        yield RunWarning(
            WarningCode.NO_BASELINE,
            f"the baseline {report.baseline} was not run, so nothing is compared to it",
            f"run it too: add --variant {report.baseline}, or give no --variant at all",
        )


def _too_few(report: Report) -> Iterator[RunWarning]:
    few = [summary.variant for summary in report.variants if not has_p99(summary)]
    if few and any(summary.ok for summary in report.variants):
        yield RunWarning(
            WarningCode.TOO_FEW_SAMPLES,
            f"fewer than {LEAST_FOR_P99} warm invocations were answered by {listed(few)}: no p99 is shown for them",
            "collect a longer span: give an earlier --since" if report.from_logs else "raise --duration or --rate",
        )


def _late(columns: Columns) -> Iterator[RunWarning]:
    share, latest = columns.lateness(LATE_MS)
    if share > LATE_SHARE:
        yield RunWarning(
            WarningCode.GENERATOR_LATE,
            f"{percent(share)} of the invocations were sent more than {LATE_MS:.0f} ms after their planned start, the "
            f"last of them {figure(latest)} ms after",
            "lower --rate, or close what else the machine does; latency has the delay in it, service time has not",
        )


def _saturated(report: Report, rises: Mapping[str, stats.Estimate | None]) -> Iterator[RunWarning]:
    reasons = []
    cpu = report.file.cpu
    if cpu is not None and cpu.full_seconds > SATURATED_TIME * cpu.seconds:
        reasons.append(f"the CPUs were full in {cpu.full_seconds} of {cpu.seconds} seconds")
    slower = {name: rise for name, rise in rises.items() if rise is not None and rise.low > SATURATED_RATIO}
    if slower and report.target == "local":
        ratios = ", ".join(
            f"{shown(name, 30)} {figure(rise.value)}{TIMES} ({interval(rise)})" for name, rise in slower.items()
        )
        reasons.append(
            f"the second half of the run was slower than the first, at the median of the service time: {ratios}"
        )
    if reasons:
        yield RunWarning(
            WarningCode.MACHINE_SATURATED,
            "; ".join(reasons),
            "lower --rate or drive fewer variants: the machine could not keep up, and the numbers show its limit",
        )


def _interpreter(report: Report) -> Iterator[RunWarning]:
    ran, deployed = report.file.local.interpreter if report.file.local else None, report.file.run.runtime
    if ran is None or deployed is None:
        return
    version = ".".join(ran.split(".")[:2])
    if deployed != f"python{version}":
        yield RunWarning(
            WarningCode.INTERPRETER_DIFFERS,
            f"the functions are deployed for {shown(deployed)} and ran here on Python {shown(ran)}",
            f"install {shown(deployed)} and run again, or read the numbers as those of Python {shown(version)}",
        )


def _counts(report: Report) -> Iterator[RunWarning]:
    differing = [summary for summary in report.variants if not _wire_explained(summary)]
    if differing:
        counts = ", ".join(
            f"{shown(summary.variant, 30)} {whole(summary.downstream_calls)} and {whole(summary.wire_calls)}"
            for summary in differing
        )
        yield RunWarning(
            WarningCode.DOWNSTREAM_COUNT_DIFFERS,
            f"functions and wire count downstream calls differently: {counts}",
            "trust neither count until the difference is explained: was something else using the endpoint?",
        )
    yield from _cloudwatch_counts(report)


def _cloudwatch_counts(report: Report) -> Iterator[RunWarning]:
    reads = report.file.aws and report.file.aws.downstream
    if not reads or reads.functions_calls is None or reads.cloudwatch_calls is None:
        return
    counts = f"the functions report {reads.functions_calls:,} reads, CloudWatch has {reads.cloudwatch_calls:,}"
    if not reads.cloudwatch_whole:
        yield RunWarning(
            WarningCode.DOWNSTREAM_COUNT_LATE,
            f"{counts} so far: its metrics were not complete in time",
            "run again with a longer --metrics-wait to compare the two",
        )
    elif reads.cloudwatch_calls != reads.functions_calls:
        yield RunWarning(
            WarningCode.DOWNSTREAM_COUNT_DIFFERS,
            f"{counts}: for the whole minutes that the window touches, with the lab's own reads of the table",
            "trust the functions' count, unless CloudWatch has much more: look then for what else reads the table",
        )
    units, consumed = reads.functions_read_units, reads.cloudwatch_read_units
    if reads.cloudwatch_whole and units is not None and consumed is not None and units != consumed:
        yield RunWarning(
            WarningCode.READ_UNITS_DIFFER,
            f"the functions report {units:,.1f} read units, CloudWatch has {consumed:,.1f}: for the whole minutes that "
            "the window touches, with the lab's own reads of the table",
            "look for what else reads the table; without it, CloudWatch has what AWS bills",
        )


def _unreported(report: Report) -> Iterator[RunWarning]:
    """Failures whose calls are unknown: functions invoked by URL have no log tail, a killed one writes no metrics."""
    silent = [one for one in report.variants if one.unreported]
    on_wire = [one for one in silent if one.wire_calls is not None and one.wire_calls > (one.downstream_calls or 0)]
    unseen = [one for one in silent if one.wire_calls is None and one.downstream_calls]
    for found, effect, advice in (
        (
            on_wire,
            "the wire saw more than they report",
            "use the count on the wire for these variants: calls per 1,000 and cost are at least what is shown",
        ),
        (
            unseen,
            "calls per 1,000 and cost are at least what is shown",
            "read calls and cost as lower bounds; --via invoke shows the functions' logs, which a URL does not",
        ),
    ):
        if found:
            counts = ", ".join(f"{shown(one.variant, 30)} {one.unreported:,} of {one.invocations:,}" for one in found)
            yield RunWarning(
                WarningCode.DOWNSTREAM_CALLS_UNKNOWN,
                f"invocations failed or were lost without reporting their downstream calls: {counts}; {effect}",
                advice,
            )


def _wire_explained(summary: VariantSummary) -> bool:
    """Whether the wire's count fits that of the records.

    It can be greater where an invocation failed or was lost without reporting its own.
    """
    if summary.wire_calls is None:
        return True
    more = summary.wire_calls - (summary.downstream_calls or 0)
    return more == 0 or (more > 0 and bool(summary.unreported))
