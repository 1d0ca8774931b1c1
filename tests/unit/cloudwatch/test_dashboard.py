"""A body as typed widgets. That each rule of AWS is checked: tests/snapshot/test_dashboard_faults.py."""

import json
from typing import Any

import pytest

from cloudwatch.dashboard import Level, Logs, Metrics, Text, Widget, parse_dashboard
from cloudwatch.series import MetricStat

METRIC = ["CacheLab", "Hits", "Variant", "no_cache"]


def graph(**properties: Any) -> dict[str, Any]:
    required = {"view": "timeSeries", "region": "us-east-1", "title": "Hits", "metrics": [METRIC]}
    return {"type": "metric", "properties": required | properties}


def parsed(*widgets: Any) -> list[Widget]:
    return list(parse_dashboard("d", json.dumps({"widgets": widgets})).widgets)


def metrics(**properties: Any) -> Metrics:
    (widget,) = parsed(graph(**properties))
    assert isinstance(widget.content, Metrics)
    assert widget.faults == []
    return widget.content


def test_a_widget_keeps_its_place_and_stays_on_the_grid() -> None:
    kept, moved = parsed(
        graph() | {"x": 6, "y": 3, "width": 12, "height": 4}, graph() | {"x": 20, "y": -1, "width": 99, "height": True}
    )
    assert (kept.place, kept.faults) == ((6, 3, 12, 4), [])
    assert moved.place == (20, 0, 4, 6)
    assert {fault.rule for fault in moved.faults} == {"widget-place"}


def test_metrics_have_cloudwatchs_defaults() -> None:
    metric, expression = metrics(metrics=[[*METRIC, {"id": "m", "visible": False}], [{"expression": "m * 2"}]]).lines
    assert (metric.label, metric.period, metric.visible) == ("Hits", 300, False)
    assert metric.metric == MetricStat("CacheLab", "Hits", (("Variant", "no_cache"),), "Average")
    assert (expression.label, expression.expression, expression.visible) == ("m * 2", "m * 2", True)


def test_a_line_inherits_the_period_and_the_statistic_of_its_widget() -> None:
    own, inherited = metrics(metrics=[[*METRIC, {"stat": "p99", "period": 10}], METRIC], stat="Sum", period=60).lines
    assert [(line.metric and line.metric.statistic, line.period) for line in (own, inherited)] == [
        ("p99", 10),
        ("Sum", 60),
    ]


def test_shorthand_is_written_out() -> None:
    entries = [[*METRIC, {"id": "a"}], [".", "Misses", ".", "."], ["...", "ttl_cache"]]
    found = [line.metric and line.metric[:3] for line in metrics(metrics=entries).lines]
    assert found == [
        ("CacheLab", "Hits", (("Variant", "no_cache"),)),
        ("CacheLab", "Misses", (("Variant", "no_cache"),)),
        ("CacheLab", "Misses", (("Variant", "ttl_cache"),)),
    ]


def test_axes_and_levels_are_read() -> None:
    level = {"value": 10, "label": "TTL"}
    content = metrics(yAxis={"left": {"label": "ms", "min": 0}}, annotations={"horizontal": [level]})
    assert content.axis == ("ms", 0.0, None)
    assert content.levels == [Level(10.0, "TTL")]


def test_a_query_is_apart_from_its_log_groups() -> None:
    query = "SOURCE '/aws/lambda/a' | SOURCE \"/aws/lambda/b\" | fields @message\n| limit 5"
    (widget,) = parsed({"type": "log", "properties": {"query": query, "region": "us-east-1"}})
    assert widget.content == Logs("table", ["/aws/lambda/a", "/aws/lambda/b"], "fields @message\n| limit 5")


@pytest.mark.parametrize(
    ("properties", "other"),
    [
        ({"stacked": True}, "stacked"),
        ({"sparkline": True}, "sparkline"),
        ({"legend": {"position": "right"}}, "legend.position"),
        ({"yAxis": {"right": {"min": 0}}}, "right"),
        ({"annotations": {"vertical": [{"value": "2026-01-01T00:00:00Z"}]}}, "vertical"),
        ({"annotations": {"horizontal": [{"value": 1, "fill": "above"}]}}, "fill"),
        ({"annotations": {"horizontal": [[{"value": 1}, {"value": 2}]]}}, "a band of annotations.horizontal"),
        ({"metrics": [[*METRIC, {"yAxis": "right"}]]}, "yAxis of a metric"),
    ],
)
def test_a_valid_property_without_a_field_is_named(properties: dict[str, Any], other: str) -> None:
    (widget,) = parsed(graph(**properties))
    assert (widget.faults, widget.others) == ([], [other])
    (usual,) = parsed(graph(stacked=False, legend={"position": "bottom"}))
    assert usual.others == []


@pytest.mark.parametrize(
    ("widget", "message"),
    [
        ("no object", "is not an object with properties"),
        ({"type": "explorer", "properties": {}}, "has the type 'explorer', which is none of metric, text and log"),
        (graph(view=["pie"]), "view ['pie'] is none of"),
        (graph(legend="bottom"), "legend is not an object"),
        (graph(yAxis={"left": {"min": "0"}}), "min is not a number"),
        (graph(metrics="Hits"), "draws no metric"),
        (graph(metrics=[["..."]]), "an entry names no metric"),
        (graph(metrics=[[".", "Hits"]]), "an entry is not of strings"),
        (graph(metrics=[[*METRIC, {"period": "60"}]]), "a period of '60' s"),
        (graph(metrics=[[*METRIC, {"expression": "a"}]]), "'a' is beside a metric's name"),
        (graph(annotations={"horizontal": [1]}), "an annotation is not an object"),
        ({"type": "text", "properties": {"markdown": 1}}, "has no markdown"),
    ],
)
def test_a_body_of_any_shape_is_parsed_and_its_fault_named(widget: Any, message: str) -> None:
    before, found = parsed({"type": "text", "properties": {"markdown": "x"}}, widget)
    assert (before.content, before.faults) == (Text("x"), [])
    assert found.name.startswith("widget 2")
    assert any(fault.message.startswith(message) for fault in found.faults), found.faults


@pytest.mark.parametrize("body", ["", "[]", "null", '{"widgets": {}}', "[" * 100_000])
def test_what_is_not_a_body_has_a_fault_and_no_widgets(body: str) -> None:
    dashboard = parse_dashboard("d", body)
    assert dashboard.widgets == []
    assert [fault.rule for fault in dashboard.faults] == ["dashboard-body"]
