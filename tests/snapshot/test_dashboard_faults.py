"""Faults put into a dashboard's body on purpose: our check has to find each.

`docs/results/template-checks.md` lists them: see `tests/snapshot/faults_page.py`.
"""

import copy
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.checks.__main__ import check_assembly
from stacks.checks.assembly import Assembly as CheckedAssembly
from tests.snapshot.synthesis import Assembly, dashboard_body, resource, without_dashboards

STACK = "CacheLab-comparison"
Body = dict[str, Any]
Change = Callable[[Body], None]


def _widget(body: Body, kind: str, **properties: Any) -> dict[str, Any]:
    """The first widget of a type with these properties."""
    return next(
        widget
        for widget in body["widgets"]
        if widget["type"] == kind and properties.items() <= widget["properties"].items()
    )


def _on(kind: str, change: Callable[[dict[str, Any]], Any], **properties: Any) -> Change:
    return lambda body: change(_widget(body, kind, **properties))


def _place(**place: int) -> Change:
    return _on("metric", lambda widget: widget.update(place))


def _drawn(**properties: Any) -> Change:
    return _on("metric", lambda widget: widget["properties"].update(properties), view="timeSeries")


def _entry(change: Callable[[list[Any]], Any], title: str = "Duration p50") -> Change:
    return _on("metric", lambda widget: change(widget["properties"]["metrics"][-1]), title=title, view="timeSeries")


def _option(**options: Any) -> Change:
    return _entry(lambda entry: entry[-1].update(options))


def _named(*names: str) -> Change:
    return _entry(lambda entry: entry.__setitem__(slice(0, -1), names))


def _math(change: Callable[[list[list[Any]]], Any]) -> Change:
    return _on("metric", lambda widget: change(widget["properties"]["metrics"]), title="Hit ratio")


def _query(old: str, new: str) -> Change:
    return _on("log", lambda widget: widget["properties"].update(query=widget["properties"]["query"].replace(old, new)))


def _lines(change: Callable[[list[Any]], Any]) -> Change:
    properties = {"title": "Duration p50", "view": "timeSeries"}
    return _on("metric", lambda widget: change(widget["properties"]["metrics"]), **properties)


def _everywhere_without(*variants: str) -> Change:
    def change(body: Body) -> None:
        for variant, widget in itertools.product(variants, body["widgets"]):
            properties = widget["properties"]
            if "metrics" in properties:
                properties["metrics"] = [entry for entry in properties["metrics"] if variant not in str(entry)]
            if "query" in properties:
                properties["query"] = properties["query"].replace(f"SOURCE '/aws/lambda/cache-lab-{variant}' | ", "")

    return change


def _region(name: str) -> Change:
    return _on("metric", lambda widget: widget["properties"].update(region=name))


ALIAS = "cache-lab-ttl_cache:live"
FAULTS: dict[str, tuple[Change, str]] = {
    "a widget past the last column": (_place(x=24), "widget-place"),
    "a widget wider than the dashboard": (_place(width=25), "widget-place"),
    "a widget that reaches past the last column": (_place(x=20, width=5), "widget-place"),
    "a widget without height": (_place(height=0), "widget-place"),
    "a widget higher than there can be": (_place(height=1001), "widget-place"),
    "a widget on top of another": (_place(x=6), "widget-place"),
    "a place by x alone": (_on("metric", lambda widget: widget.pop("y")), "widget-place"),
    "an unknown type of widget": (_on("text", lambda widget: widget.update(type="markdown")), "widget-type"),
    "more than 500 widgets": (lambda body: body["widgets"].extend(body["widgets"][-1:] * 500), "dashboard-widgets"),
    "an unknown key of the body": (lambda body: body.update(theme="dark"), "dashboard-body"),
    "no array of widgets": (lambda body: body.pop("widgets"), "dashboard-body"),
    "a text without text": (_on("text", lambda widget: widget["properties"].pop("markdown")), "text-markdown"),
    "a graph without a region": (_on("metric", lambda widget: widget["properties"].pop("region")), "widget-region"),
    "a query without a region": (_on("log", lambda widget: widget["properties"].pop("region")), "widget-region"),
    "a query of no log group": (_query("SOURCE", "FROM"), "log-query"),
    "a query of a log group that is not there": (_query("cache-lab-no_cache", "cache-lab-none"), "log-group"),
    "an unknown view of a query": (_on("log", lambda widget: widget["properties"].update(view="list")), "log-view"),
    "an unknown view": (_drawn(view="heatmap"), "metric-view"),
    "an unknown property": (_drawn(metric=[]), "metric-properties"),
    "a gauge without a scale": (_drawn(view="gauge"), "metric-axis"),
    "an axis upside down": (_drawn(yAxis={"left": {"min": 1, "max": 0}}), "metric-axis"),
    "a legend above": (_drawn(legend={"position": "top"}), "metric-legend"),
    "an annotation without a value": (_drawn(annotations={"horizontal": [{"label": "TTL"}]}), "metric-annotation"),
    "no metric": (_drawn(metrics=[]), "metric-array"),
    "more than 500 metrics": (_drawn(metrics=[["CacheLab", "Hits", "Variant", "no_cache"]] * 501), "metric-array"),
    "a dimension without a value": (_named("CacheLab", "Hits", "Variant"), "metric-array"),
    "a metric that no function emits": (_named("CacheLab", "CacheHits", "Variant", "ttl_cache"), "metric-exists"),
    "a variant that is not there": (_named("CacheLab", "Hits", "Variant", "no_such_variant"), "metric-exists"),
    "a dimension that the metric does not have": (_named("CacheLab", "Hits", "Function", "ttl_cache"), "metric-exists"),
    "a metric that Lambda does not have by alias": (
        _named("AWS/Lambda", "ConcurrentExecutions", "FunctionName", "cache-lab-ttl_cache", "Resource", ALIAS),
        "metric-exists",
    ),
    "an alias that is not there": (
        _named("AWS/Lambda", "Duration", "FunctionName", "cache-lab-ttl_cache", "Resource", f"{ALIAS}ly"),
        "metric-exists",
    ),
    "a namespace that nobody writes to": (_named("AWS/Lamda", "Duration"), "metric-exists"),
    "a period of 45 seconds": (_option(period=45), "metric-period"),
    "a percentile past the last": (_option(stat="p101"), "metric-statistic"),
    "an unknown statistic": (_option(stat="Median"), "metric-statistic"),
    "a colour by name": (_option(color="red"), "metric-color"),
    "an unknown option": (_option(statistic="p50"), "metric-options"),
    "an id with a capital": (_option(id="Latency"), "metric-id"),
    "an id given twice": (_math(lambda entries: entries[-1][-1].update(id=entries[-2][-1]["id"])), "metric-id"),
    "an expression of what is not there": (
        _math(lambda entries: entries[0][0].update(expression="100 * hits")),
        "metric-expression",
    ),
    "an expression without an operand": (
        _math(lambda entries: entries[0][0].update(expression="100 * / hits_no_cache")),
        "metric-expression",
    ),
    "a variant left out of a graph": (_lines(list.pop), "variant-left-out"),
    "a variant left out of a figure by metric math": (_math(lambda entries: entries.pop(0)), "variant-left-out"),
    "a variant hidden in a graph": (_option(visible=False), "variant-left-out"),
    "a variant left out of the introduction": (
        _on(
            "text",
            lambda widget: widget["properties"].update(
                markdown=widget["properties"]["markdown"].replace("TTL cache", "")
            ),
        ),
        "variant-left-out",
    ),
    "a variant left out everywhere": (_everywhere_without("ttl_cache"), "variant-left-out"),
    "all variants but the baseline left out everywhere": (
        _everywhere_without("module_cache", "ttl_cache", "tmp_cache", "snapstart"),
        "variant-left-out",
    ),
    "a graph without a title": (_on("metric", lambda widget: widget["properties"].pop("title")), "widget-title"),
    "a period of ten seconds for a metric by the minute": (_option(period=10), "metric-period"),
    "a start that is not a time": (lambda body: body.update(start="1h"), "dashboard-body"),
    "a variant left out of a table": (
        _query("SOURCE '/aws/lambda/cache-lab-ttl_cache' | ", ""),
        "variant-left-out",
    ),
    "a variant by another statistic": (_option(stat="p90"), "variant-figure"),
    "a variant by another metric": (
        _named("AWS/Lambda", "Errors", "FunctionName", "cache-lab-snapstart", "Resource", "cache-lab-snapstart:live"),
        "variant-figure",
    ),
    "a variant twice, and another not at all": (
        _named("AWS/Lambda", "Duration", "FunctionName", "cache-lab-ttl_cache", "Resource", ALIAS),
        "variant-left-out",
    ),
    "a figure that mixes variants": (
        _math(
            lambda entries: entries[0][0].update(
                expression=entries[0][0]["expression"].replace("hits_no_cache", "hits_ttl_cache")
            )
        ),
        "variant-mixed",
    ),
    "a variant in another colour than elsewhere": (_option(color="#123456"), "variant-look"),
    "a variant under another's title": (_option(label="TTL cache"), "variant-look"),
    "an unknown region": (_region("us-east-9"), "widget-region"),
    "a region that is misspelt": (_region("eu-wset-1"), "widget-region"),
    "another region than the stack's": (_region("eu-west-1"), "widget-region"),
    "a line of an unknown region": (_option(region="us-east-9"), "widget-region"),
    "a query in an unknown region": (
        _on("log", lambda widget: widget["properties"].update(region="us-east-9")),
        "widget-region",
    ),
    "an unknown command of Insights": (_query("| filter ", "| fitler "), "log-query"),
    "an unknown function of Insights": (_query("sum(", "total("), "log-query"),
    "an unknown field of Insights": (_query("@billedDuration", "@billedTime"), "log-query"),
    "a query that shows a column that it does not have": (_query("display variant", "display variants"), "log-query"),
    "a query without a closing parenthesis": (_query("avg(@billedDuration)", "avg(@billedDuration"), "log-query"),
    "a query with a broken regular expression": (_query("\\w+)", "\\w+"), "log-query"),
    "a query of the other log format": (_query('@type = "REPORT"', 'type = "platform.report"'), "log-format"),
    "an alarm that is not there": (
        _drawn(annotations={"alarms": ["arn:aws:cloudwatch:us-east-1:111111111111:alarm:cache-lab-none"]}),
        "alarm-exists",
    ),
    "a type of widget for alarms that the lab cannot draw": (
        _on("metric", lambda widget: widget.update(type="alarm")),
        "widget-type",
    ),
    "an expression without its end": (
        _math(lambda entries: entries[0][0].update(expression="100 * (hits_no_cache")),
        "metric-expression",
    ),
}


@pytest.fixture(scope="module")
def undrawn(assembly: Assembly) -> Assembly:
    """The application without its other dashboards, which take most of the time of a check."""
    return without_dashboards(assembly)


@pytest.mark.parametrize("name", FAULTS)
def test_our_check_finds(name: str, assembly: Assembly, undrawn: Assembly) -> None:
    change, rule = FAULTS[name]
    body = dashboard_body(assembly.templates[STACK])
    change(body)
    assert rule in _rules(undrawn, json.dumps(body))


@pytest.mark.parametrize("text", ["", "[]", '{"widgets": [}'])
def test_our_check_sees_what_is_no_body(text: str, undrawn: Assembly) -> None:
    assert _rules(undrawn, text) == {"dashboard-body"}


@pytest.mark.parametrize(
    "entries",
    [
        [["CacheLab", "Hits", "Variant", "no_cache"], [".", "Misses", ".", "."], ["...", "ttl_cache"]],
        [["CacheLab", "Hits", "Variant", "no_cache", {"stat": "TM(2%:98%)"}], ["...", {"stat": "p99.9"}]],
        [["AWS/Lambda", "ConcurrentExecutions"]],
        [["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", "cache-lab-items", "Operation", "GetItem"]],
        [[{"expression": "FILL(m1, 0)", "id": "e1"}], ["CacheLab", "Hits", "Variant", "no_cache", {"id": "m1"}]],
    ],
)
def test_our_check_lets_pass_what_cloudwatch_takes(entries: list[Any], assembly: Assembly, undrawn: Assembly) -> None:
    body = dashboard_body(assembly.templates[STACK])
    _drawn(metrics=entries)(body)
    found = _rules(undrawn, json.dumps(body))
    assert {rule for rule in found if not rule.startswith("variant-")} == set()


def _rules(assembly: Assembly, body: str) -> set[str]:
    template = copy.deepcopy(assembly.templates[STACK])
    resource(template, "AWS::CloudWatch::Dashboard")["DashboardBody"] = body
    templates = {**assembly.templates, STACK: template}
    return {found.rule for found in check_assembly(CheckedAssembly(assembly.folder, templates))}
