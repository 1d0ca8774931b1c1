"""What the dashboards ask of the functions' logs by CloudWatch Logs Insights: figures that are no metric.

Lambda tells init, restore and billed duration in the last line of an invocation alone: REPORT in the text format,
`platform.report` in JSON. Insights finds the fields of both by itself, but for the restore of the text format, and
those of the functions' own EMF lines, which are JSON in both:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from facts import metrics, prices
from facts.lambda_log import REPORT_FIELDS, VARIANT_PATTERN, ReportFields
from stacks.settings import ApplicationSettings

VARIANT = f"parse @log /{VARIANT_PATTERN}/"


class Column(NamedTuple):
    """An expression and its name."""

    expression: str
    name: str

    def __str__(self) -> str:
        return f"{self.expression} as {self.name}"


class Table(NamedTuple):
    """A table with a row for each variant, or for each group of its invocations.

    Attributes:
        reading: the commands that choose the lines and find what is no field by itself.
        figures: aggregates, or arithmetic of those that stand before.
        shown: the names of the figures that are shown.
        groups: what a variant's invocations are told apart by, in the order of its rows.
    """

    reading: tuple[str, ...]
    figures: tuple[Column, ...]
    shown: tuple[str, ...]
    groups: tuple[Column, ...] = ()

    def commands(self, variants: Sequence[str]) -> list[str]:
        """Its query, without the commands that name the log groups. Rows are in the order of ``variants``."""
        # Insights sorts by value: a hidden column has each variant's place, where there is more than one.
        place = [Column(_place(variants), "place")] if len(variants) > 1 else []
        fields = [*place, *self.groups]
        groups = [*(column.name for column in place), "variant", *(column.name for column in self.groups)]
        first, *rest = self.reading
        return [
            first,
            VARIANT,
            *rest,
            *([f"fields {_listed(fields)}"] if fields else []),
            f"stats {_listed(self.figures)} by {', '.join(groups)}",
            *([f"sort {', '.join(f'{column.name} asc' for column in fields)}"] if fields else []),
            f"display {', '.join(['variant', *(column.name for column in self.groups), *self.shown])}",
        ]


def _place(variants: Sequence[str]) -> str:
    return " + ".join(f'{place} * strcontains(variant, "{name}")' for place, name in enumerate(variants) if place)


def _listed(columns: Sequence[Column]) -> str:
    return ", ".join(map(str, columns))


def _lines(report: ReportFields) -> str:
    return f'{report.type} = "{report.report}"'


def _parse(report: ReportFields) -> list[str]:
    return [f"parse @message /{report.parse}/"] if report.parse else []


def duration_by_start(settings: ApplicationSettings) -> Table:
    """Percentiles of duration, init and restore together, ms: warm invocations, cold starts and restores apart."""
    report = REPORT_FIELDS[settings.log_format]
    whole = f"{report.duration} + coalesce({report.init}, 0) + coalesce({report.restore}, 0)"
    figures = (
        Column("count(*)", "invocations"),
        *(Column(f"pct({whole}, {percent})", f"p{percent}") for percent in (50, 90, 99)),
        Column(f"max({whole})", "longest"),
    )
    groups = (Column(f"ispresent({report.init})", "coldStart"), Column(f"ispresent({report.restore})", "restored"))
    return Table(_of_reports(report), figures, _names(figures), groups)


def starts(settings: ApplicationSettings) -> Table:
    """How many inits and restores there were, how long they took, and the mean billed duration, ms."""
    report = REPORT_FIELDS[settings.log_format]
    figures = (
        Column(f"count({report.init})", "inits"),
        Column(f"pct({report.init}, 50)", "initP50"),
        Column(f"max({report.init})", "initLongest"),
        Column(f"count({report.restore})", "restores"),
        Column(f"pct({report.restore}, 50)", "restoreP50"),
        Column(f"max({report.restore})", "restoreLongest"),
        Column(f"avg({report.billed})", "billedMean"),
    )
    return Table(_of_reports(report), figures, _names(figures))


def cost(settings: ApplicationSettings) -> Table:
    """What a million invocations cost, US dollars, by part: as billed, and the downstream calls of the EMF lines.

    In the report's order of operations (`facts.prices`), so that what lies between two last digits is rounded alike.
    """
    report = REPORT_FIELDS[settings.log_format]
    calls = metrics.DOWNSTREAM_CALLS.name
    gigabytes = _decimal(settings.memory_mb / 1024)
    requests = f"1000000 * {_decimal(prices.LAMBDA_REQUEST.usd)}"
    gb_second = _decimal(prices.LAMBDA_GB_SECOND[settings.architecture].usd)
    compute = f"1000000 * billedMean / 1000 * {gigabytes} * {gb_second}"
    restores = f"1000000 * (restored / invocations) * {gigabytes} * {_decimal(prices.SNAPSTART_RESTORE.usd)}"
    reads = f"1000000 * (calls / invocations) * {_decimal(prices.READ[settings.source].usd)}"
    parts = (
        # `stats` takes no constant alone.
        Column(f"{requests} * invocations / invocations", "requests"),
        Column(compute, "compute"),
        Column(restores, "restores"),
        Column(reads, "downstreamReads"),
        Column(f"{requests} + {compute} + {restores} + {reads}", "total"),
    )
    measured = (
        Column(f"count({report.billed})", "invocations"),
        Column(f"avg({report.billed})", "billedMean"),
        Column(f"count({report.restore})", "restored"),
        Column(f"sum({calls})", "calls"),
    )
    reading = (f"filter {_lines(report)} or ispresent({calls})", *_parse(report))
    return Table(reading, (*measured, *parts), _names(parts))


def _decimal(number: float) -> str:
    """A number as Insights reads it: without an exponent."""
    return f"{Decimal(repr(number)):f}"


def _of_reports(report: ReportFields) -> tuple[str, ...]:
    return f"filter {_lines(report)}", *_parse(report)


def _names(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)
