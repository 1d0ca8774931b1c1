"""Whether dashboards follow AWS's rules, and draw what exists.

The rules of a body are in `cloudwatch.dashboard`. A query must be one that `cloudwatch.insights` can run, since
`lab dashboard` draws every widget: it knows part of the commands and functions, and refuses all others by name.
"""

import functools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import botocore.session

from cloudwatch.dashboard import Content, Fault, Logs, Metrics, Widget, parse_dashboard
from cloudwatch.errors import UnsupportedError
from cloudwatch.insights import Catalog, Query, compile_query
from facts import metrics as emitted
from facts.lambda_log import REPORT_FIELDS
from facts.variables import VARIANT
from stacks.checks.assembly import Assembly, Finding, Resource, as_text
from stacks.checks.comparison import check_variants
from stacks.checks.monitoring import why_absent

REGION = "${AWS::Region}"
FIELDS = (*(metric.name for metric in emitted.METRICS), emitted.READ_UNITS)
"""What Insights finds in the functions' EMF lines."""


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for resource in assembly.resources("AWS::CloudWatch::Dashboard"):
        body = as_text(resource.properties.get("DashboardBody")) or ""
        dashboard = parse_dashboard(resource.logical_id, body)
        for rule, message in dashboard.faults:
            yield resource.finding(rule, message)
        # A variant's stack has its own dashboard; the one that compares is in a stack without functions.
        functions = assembly.resources("AWS::Lambda::Function", stack=resource.stack)
        own = {found.variables[VARIANT] for found in functions if VARIANT in found.variables}
        compared = check_variants(dashboard.widgets, own or assembly.variants, assembly.variant_of)
        given = json.loads(body)["widgets"] if dashboard.widgets else []
        for number, (widget, differing) in enumerate(zip(dashboard.widgets, compared, strict=True)):
            for rule, message in (*differing, *_of_widget(assembly, resource, widget, given[number])):
                yield resource.finding(rule, message, f"/widgets/{number}")


def _of_widget(assembly: Assembly, resource: Resource, widget: Widget, given: Any) -> Iterator[Fault]:
    yield from widget.faults
    yield from _absent(assembly, widget.content)
    if isinstance(widget.content, Metrics | Logs) and not widget.title:
        yield Fault("widget-title", "has no title")
    for region in _values(given, "region"):
        if region != REGION and region not in _regions():
            yield Fault("widget-region", f"{region!r} is not a region of AWS")
        elif region != REGION:
            yield Fault("widget-region", f"draws {region} wherever the stack is deployed; give the stack's own region")
    alarms = {found.logical_id: found for found in assembly.resources("AWS::CloudWatch::Alarm", stack=resource.stack)}
    names = assembly.names("AWS::CloudWatch::Alarm", "AlarmName")
    for alarm in [each for found in _values(given, "alarms") if isinstance(found, list) for each in found]:
        own = re.fullmatch(r"\$\{(\w+)\.Arn\}", str(alarm))
        if (own[1] not in alarms) if own else (str(alarm).rpartition(":alarm:")[2] not in names):
            yield Fault("alarm-exists", f"no stack makes the alarm {alarm}")


def _absent(assembly: Assembly, content: Content) -> Iterator[Fault]:
    match content:
        case Metrics(lines=lines):
            for line, metric in [(line, line.metric) for line in lines if line.metric is not None]:
                if reason := why_absent(assembly, metric.namespace, metric.name, dict(metric.dimensions)):
                    yield Fault("metric-exists", reason)
                if line.period < 60:
                    yield Fault("metric-period", f"a period of {line.period} s; {metric.name} has one value a minute")
        case Logs(log_groups=groups, query=query):
            for group in sorted(set(groups) - assembly.log_groups):
                yield Fault("log-group", f"no stack makes the log group {group}")
            yield from _query(assembly, groups, query)


def _query(assembly: Assembly, groups: Sequence[str], query: str) -> Iterator[Fault]:
    try:
        numbered = {group: number for number, group in enumerate(groups)}
        compile_query(Query(tuple(groups), query), Catalog(numbered, FIELDS, has_messages=False))
    except UnsupportedError as error:
        yield Fault("log-query", str(error))
    except re.error as error:
        yield Fault("log-query", f"its query has a regular expression that cannot be parsed: {error}")
    for name, report in REPORT_FIELDS.items():
        writing = [
            function
            for function in assembly.resources("AWS::Lambda::Function")
            if (group := assembly.log_group(function)) is not None
            and group.properties.get("LogGroupName") in groups
            and function.properties.get("LoggingConfig", {}).get("LogFormat", "Text").lower() != name
        ]
        if f'{report.type} = "{report.report}"' in query and writing:
            yield Fault("log-format", f"its query reads {name} logs, which {writing[0].logical_id} does not write")


def _values(given: Any, key: str) -> Iterator[Any]:
    """Every value of a key in a widget, however deep."""
    match given:
        case dict():
            for name, value in given.items():
                if name == key:
                    yield value
                yield from _values(value, key)
        case list():
            for value in given:
                yield from _values(value, key)


@functools.cache
def _regions() -> set[str]:
    """The regions of every partition that botocore knows."""
    session = botocore.session.Session()
    return {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("cloudwatch", partition_name=partition)
    }
