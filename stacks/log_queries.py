"""What the dashboards query in the functions' logs with CloudWatch Logs Insights: figures that are no metric.

Lambda reports init, restore and billed duration only in the last log line of an invocation: see ``facts.lambda_log``.
Insights also discovers the fields of the functions' EMF lines, which are JSON in both log formats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from facts import metrics, prices
from facts.lambda_log import REPORT_FIELDS, ReportFields
from facts.names import VARIANT_FIELD, Names
from functions.registry import VARIANTS
from stacks.settings import ApplicationSettings

Columns = Mapping[str, str]
"""Expressions by the name of their column."""


@dataclass(frozen=True)
class LogQuery:
    """A table with a row for each variant, or for each group of its invocations.

    Attributes:
        lines: the condition that selects log lines.
        report: where the figures of a report line are.
        figures: aggregates, or arithmetic of earlier ones.
        groups: what separates a variant's invocations, in the order of its rows.
        hidden: figures that are not shown.
    """

    lines: str
    report: ReportFields
    figures: Columns
    groups: Columns = field(default_factory=dict)
    hidden: Columns = field(default_factory=dict)

    def commands(self, variants: Sequence[str], names: Names) -> list[str]:
        """Return the query without the commands that name the log groups. Rows are in the order of ``variants``."""
        # Insights sorts by value: a hidden column has the place of each variant.
        places = [f'{place} * strcontains({VARIANT_FIELD}, "{name}")' for place, name in enumerate(variants) if place]
        fields = {**({"place": " + ".join(places)} if places else {}), **self.groups}
        parse = [f"parse @message /{self.report.parse}/"] if self.report.parse else []
        by = [*(["place"] if places else []), VARIANT_FIELD, *self.groups]
        return [
            f"filter {self.lines}",
            f"parse @log /{names.variant_pattern}/",
            *parse,
            *([f"fields {_listed(fields)}"] if fields else []),
            f"stats {_listed({**self.hidden, **self.figures})} by {', '.join(by)}",
            *([f"sort {', '.join(f'{name} asc' for name in fields)}"] if fields else []),
            f"display {', '.join([VARIANT_FIELD, *self.groups, *self.figures])}",
        ]


def _listed(columns: Columns) -> str:
    return ", ".join(f"{expression} as {name}" for name, expression in columns.items())


def _reports(report: ReportFields) -> str:
    return f'{report.type} = "{report.report}"'


def duration_by_start(settings: ApplicationSettings) -> LogQuery:
    """Percentiles of duration, init and restore together, ms: warm invocations, cold starts and restores apart."""
    report = REPORT_FIELDS[settings.log_format]
    whole = f"{report.duration} + coalesce({report.init}, 0) + coalesce({report.restore}, 0)"
    percentiles = {f"p{percent}": f"pct({whole}, {percent})" for percent in (50, 90, 99)}
    return LogQuery(
        _reports(report),
        report,
        {"invocations": "count(*)", **percentiles, "longest": f"max({whole})"},
        groups={"coldStart": f"ispresent({report.init})", "restored": f"ispresent({report.restore})"},
    )


def starts(settings: ApplicationSettings) -> LogQuery:
    """The number of inits and restores, their durations, and the mean billed duration, ms."""
    report = REPORT_FIELDS[settings.log_format]
    figures = {
        "inits": f"count({report.init})",
        "initP50": f"pct({report.init}, 50)",
        "initLongest": f"max({report.init})",
        "restores": f"count({report.restore})",
        "restoreP50": f"pct({report.restore}, 50)",
        "restoreLongest": f"max({report.restore})",
        "billedMean": f"avg({report.billed})",
    }
    return LogQuery(_reports(report), report, figures)


def cost(settings: ApplicationSettings) -> LogQuery:
    """What a million invocations cost, US dollars, by part: as billed, and the downstream reads of the EMF lines.

    In the same order of operations as ``facts.prices``, so that both round alike.
    """
    report = REPORT_FIELDS[settings.log_format]
    read = metrics.READ_UNITS if settings.source == "dynamodb" else metrics.DOWNSTREAM_CALLS.name
    gigabytes = _decimal(settings.memory_mb / 1024)
    requests = f"1000000 * {_decimal(prices.LAMBDA_REQUEST.usd)}"
    gb_second, ready = _gb_second(settings)
    compute = f"1000000 * billedMean / 1000 * {gigabytes} * {gb_second}"
    restores = f"1000000 * (restored / invocations) * {gigabytes} * {_decimal(prices.SNAPSTART_RESTORE.usd)}"
    reads = f"1000000 * (reads / invocations) * {_decimal(prices.READ[settings.source].usd)}"
    return LogQuery(
        f"{_reports(report)} or ispresent({read})",
        report,
        {
            # `stats` does not take a constant alone.
            "requests": f"{requests} * invocations / invocations",
            "compute": compute,
            "restores": restores,
            "downstreamReads": reads,
            "total": f"{requests} + {compute} + {restores} + {reads}",
        },
        hidden={
            "invocations": f"count({report.billed})",
            "billedMean": f"avg({report.billed})",
            "restored": f"count({report.restore})",
            "reads": f"sum({read})",
            **ready,
        },
    )


def _gb_second(settings: ApplicationSettings) -> tuple[str, Columns]:
    """The price of a GB-second, and a hidden column that it needs: 1 for variants with provisioned concurrency."""
    on_demand = _decimal(prices.LAMBDA_GB_SECOND[settings.architecture].usd)
    kept = [f'strcontains({VARIANT_FIELD}, "{each.name}")' for each in VARIANTS if settings.keeps_ready(each)]
    if not kept:
        return on_demand, {}
    ready = _decimal(prices.PROVISIONED_DURATION_GB_SECOND[settings.architecture].usd)
    return f"(ready * {ready} + (1 - ready) * {on_demand})", {"ready": f"max({' + '.join(kept)})"}


def _decimal(number: float) -> str:
    """Write a number as Insights reads it: without an exponent."""
    return f"{Decimal(repr(number)):f}"
