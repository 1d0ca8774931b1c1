"""The warnings that a run's records and its `run.json` give cause for, each with its next step.

The run itself stores only what cannot be seen afterwards (`lab.run`). The codes are in `facts.warnings`.
"""

from collections import Counter
from collections.abc import Iterator

from facts.quotas import READ_QUOTAS
from facts.warnings import WarningCode
from lab.analysis.advice import LEAST_REPETITIONS, MOST_LATE, was_saturated
from lab.analysis.columns import Columns
from lab.analysis.model import Report, VariantSummary
from lab.analysis.wording import LEAST_FOR_P99, figure, has_p99, listed, percent, shown, whole
from lab.records.run_file import LATE_MS, MOST_BAD, Repetition, RunFile, RunWarning
from lab.records.table import Damage


def find_warnings(report: Report, columns: Columns, lateness: tuple[float, float]) -> list[RunWarning]:
    """The warnings for a run, the gravest first.

    Args:
        report: without warnings.
        columns: its records.
        lateness: the share of the measured invocations that were late, and the latest, ms.
    """
    return [
        *_not_finished(report, columns),
        *_damaged(columns.damage),
        *_run_file_damaged(report.file),
        *_failures(report),
        *_throttled(report),
        *_bound_broken(report),
        *_no_baseline(report),
        *_repetitions(report),
        *_saturated(report.file),
        *_late(*lateness),
        *_too_few(report),
        *_ages(report.file),
        *_interpreter(report),
        *_counts(report),
        *_unreported(report),
    ]


def _damaged(damage: Damage | None) -> Iterator[RunWarning]:
    if damage is not None:
        lines = "1 line is not a record" if damage.lines == 1 else f"{damage.lines:,} lines are not records"
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
            "look up each one's error_type in records.jsonl; percentiles count them as slower than every answer",
        )


def _throttled(report: Report) -> Iterator[RunWarning]:
    found = [one for one in report.variants if one.throttled_calls]
    if found:
        source = report.file.run.source or ""
        quota = next((each for name, each in READ_QUOTAS.items() if name == source), None)
        reached = quota.name if quota else "a quota of the source"
        counts = ", ".join(
            f"{shown(one.variant, 30)} {one.throttled_calls:,} of {whole(one.downstream_calls)}" for one in found
        )
        yield RunWarning(
            WarningCode.SOURCE_THROTTLED,
            f"the source throttled downstream calls: {counts}; they reached {reached}. Retries and their pauses are"
            " part of the latency, so it shows the quota and not the speed of the source",
            "lower --rate" + (f", or {quota.remedy}" if quota else ""),
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
    if few and _answered(report):
        yield RunWarning(
            WarningCode.TOO_FEW_SAMPLES,
            f"fewer than {LEAST_FOR_P99} warm invocations were answered by {listed(few)}: no p99 is shown for them",
            "collect a longer span: give an earlier --since" if report.from_logs else "raise --duration or --rate",
        )


def _late(share: float, latest: float) -> Iterator[RunWarning]:
    if share > MOST_LATE:
        yield RunWarning(
            WarningCode.GENERATOR_LATE,
            f"{percent(share)} of the measured invocations were sent more than {LATE_MS:.0f} ms after their planned "
            f"start, the latest {figure(latest)} ms after it",
            "lower --rate, or stop other programs; latency includes the delay, service time does not",
        )


def _bound_broken(report: Report) -> Iterator[RunWarning]:
    broken = [one for one in report.variants if one.bound_broken]
    if broken:
        seen = ", ".join(
            f"{shown(one.variant, 30)} {figure(one.stalest_s)} s, by design at most {figure(one.bound_s)} s"
            for one in broken
        )
        yield RunWarning(
            WarningCode.BOUND_BROKEN,
            f"answers were more out of date than the design allows: {seen}",
            "do not rely on the TTL of these variants; look for their stalest answers in records.jsonl",
        )


def _repetitions(report: Report) -> Iterator[RunWarning]:
    run, bad = report.file, [one for one in report.file.repetitions if one.problem is not None]
    if bad:
        effect = "the run cannot judge" if len(bad) > MOST_BAD else "it is not used"
        was = "was" if len(bad) == 1 else "were"
        problems = "; ".join(f"repetition {one.number}: {shown(one.problem, 120)}" for one in bad[:3])
        yield RunWarning(
            WarningCode.REPETITIONS_BAD,
            f"{len(bad)} of {len(run.repetitions)} repetitions {was} disturbed, so {effect} ({problems})",
            "stop other programs, or lower --rate, and run again",
        )
    used = sum(one.complete and one.problem is None for one in run.repetitions)
    if used < LEAST_REPETITIONS and len(bad) <= MOST_BAD and not report.from_logs and _answered(report):
        yield RunWarning(
            WarningCode.FEW_REPETITIONS,
            f"the run has {used or 'no'} complete repetition{'s' if used != 1 else ''}, and a recommendation needs "
            f"{LEAST_REPETITIONS}",
            "run again with --fresh-environments" if report.target == "aws" else "run again with --repeat 5",
        )


def _answered(report: Report) -> bool:
    return any(one.ok for one in report.variants)


def _ages(run: RunFile) -> Iterator[RunWarning]:
    """Caches that did not expire as they do in use."""
    ttl_s, local = run.settings.ttl_s, run.local
    spans = [span for one in run.repetitions for span in (_settled_s(one), _measured_s(one)) if span is not None]
    if ttl_s is not None and spans and ttl_s > min(spans):
        yield RunWarning(
            WarningCode.TTL_TOO_LONG,
            f"the TTL of {ttl_s:g} s is longer than the {figure(min(spans))} s in which a repetition settles or "
            "measures, so reads after the TTL are partly missing",
            "raise --duration, or lower the TTL: `-c ttl_s=…`",
        )
    age_s = local.snapshot_age_s if local else None
    if ttl_s is not None and age_s is not None and age_s < ttl_s:
        yield RunWarning(
            WarningCode.SNAPSHOT_YOUNG,
            f"the snapshot was {figure(age_s)} s old when the measured time began, and the TTL is {ttl_s:g} s: a "
            "restore found values that it need not read again",
            "run again on the same endpoint, or lower the TTL",
        )


def _settled_s(repetition: Repetition) -> float | None:
    began, start_s, measured = repetition.began_at, repetition.start_s, repetition.measured_from
    return None if began is None or start_s is None or measured is None else measured - began - start_s


def _measured_s(repetition: Repetition) -> float | None:
    began, ended = repetition.measured_from, repetition.measured_until
    return None if began is None or ended is None else ended - began


def _saturated(run: RunFile) -> Iterator[RunWarning]:
    if was_saturated(run) and run.cpu is not None:
        yield RunWarning(
            WarningCode.MACHINE_SATURATED,
            f"the CPUs were full in {run.cpu.full_seconds} of {run.cpu.seconds} seconds",
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
    failed = reads.functions_errors or 0
    counts = f"the functions report {reads.functions_calls:,} reads, CloudWatch has {reads.cloudwatch_calls:,}"
    if failed:
        counts = f"{counts} ({failed:,} attempts failed, and CloudWatch counts the successful ones)"
    if not reads.cloudwatch_whole:
        yield RunWarning(
            WarningCode.DOWNSTREAM_COUNT_LATE,
            f"{counts} so far: its metrics were not complete in time",
            "run again with a longer --metrics-wait to compare the two",
        )
    elif not reads.functions_calls - failed <= reads.cloudwatch_calls <= reads.functions_calls:
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
