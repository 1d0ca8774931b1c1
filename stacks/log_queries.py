"""What the dashboards ask of the functions' logs by CloudWatch Logs Insights: figures that are no metric.

Lambda tells init, restore and billed duration in the last line of an invocation alone: REPORT in the text format,
`platform.report` in JSON. Insights finds the fields of both by itself, but for the restore of the text format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html
"""

from collections.abc import Sequence
from typing import NamedTuple

from stacks import names, prices
from stacks.settings import Settings

Query = Sequence[str]
"""The commands of a query, without those that name the log groups."""

VARIANT = rf"parse @log /{names.PROJECT}-(?<variant>\w+)/"


class _Report(NamedTuple):
    """How one log format tells an invocation's figures: the commands that find them, and their names."""

    commands: tuple[str, ...]
    duration: str
    init: str
    restore: str
    billed: str


_REPORTS = {
    "text": _Report(
        commands=('filter @type = "REPORT"', r"parse @message /Restore Duration: (?<restoreMs>[\d.]+) ms/"),
        duration="@duration",
        init="@initDuration",
        restore="restoreMs",
        billed="@billedDuration",
    ),
    "json": _Report(
        commands=('filter type = "platform.report"',),
        duration="record.metrics.durationMs",
        init="record.metrics.initDurationMs",
        restore="record.metrics.restoreDurationMs",
        billed="record.metrics.billedDurationMs",
    ),
}


def latency_by_start(settings: Settings) -> Query:
    """Percentiles of duration, init and restore together, ms: a row each for warm invocations and cold starts."""
    report = _REPORTS[settings.log_format]
    whole = f"{report.duration} + coalesce({report.init}, 0) + coalesce({report.restore}, 0)"
    return [
        *_of_reports(report),
        f"stats count(*) as invocations, pct({whole}, 50) as p50, pct({whole}, 90) as p90, "
        f"pct({whole}, 99) as p99, max({whole}) as longest "
        f"by variant, (ispresent({report.init}) or ispresent({report.restore})) as coldStart",
        "sort variant asc, coldStart asc",
    ]


def starts(settings: Settings) -> Query:
    """How many inits and restores there were, and how long they took, ms."""
    report = _REPORTS[settings.log_format]
    return [
        *_of_reports(report),
        f"stats count({report.init}) as inits, pct({report.init}, 50) as initP50, max({report.init}) as initLongest, "
        f"count({report.restore}) as restores, pct({report.restore}, 50) as restoreP50, "
        f"max({report.restore}) as restoreLongest by variant",
        "sort variant asc",
    ]


def billed(settings: Settings) -> Query:
    """The mean billed duration, ms, and what Lambda charges for a million invocations, US dollars."""
    report = _REPORTS[settings.log_format]
    compute = prices.compute_per_ms(memory_mb=settings.memory_mb, architecture=settings.architecture)
    restore = prices.restore_per_million(memory_mb=settings.memory_mb)
    return [
        *_of_reports(report),
        f"stats count(*) as invocations, avg({report.billed}) as billedMs, count({report.restore}) as restores, "
        f"{prices.requests_per_million():.10g} + {compute:.10f} * billedMs "
        f"+ {restore:.10g} * restores / invocations as lambdaUsdPerMillion by variant",
        "sort variant asc",
    ]


def _of_reports(report: _Report) -> Query:
    first, *rest = report.commands
    return [first, VARIANT, *rest]
