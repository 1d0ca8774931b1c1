import json
from typing import Any

import pytest

from cloudwatch.dashboard import Graph, Numbers, Refused, Table, Text, read_dashboard
from cloudwatch.refusal import RefusedError
from tests.unit.lab.dashboard.bodies_of_snapshots import dashboards

METRIC = ["CacheLab", "Hits", "Variant", "no_cache"]


def graph(**properties: Any) -> dict[str, Any]:
    return {"type": "metric", "properties": {"view": "timeSeries", "title": "Hits", "metrics": [METRIC]} | properties}


def read(*widgets: Any) -> list[Any]:
    return [widget.content for widget in read_dashboard("d", json.dumps({"widgets": widgets})).widgets]


def test_every_widget_of_every_dashboard_of_the_application_is_understood() -> None:
    assert len(dashboards()) == 2
    assert next(iter(dashboards())) == "CacheLab-comparison"
    for dashboard in dashboards().values():
        contents = [widget.content for widget in dashboard.widgets]
        assert [content for content in contents if isinstance(content, Refused)] == []
        assert {type(content) for content in contents} == {Text, Graph, Numbers, Table}


def test_a_widget_keeps_its_place_and_stays_on_the_grid() -> None:
    (kept, moved) = read_dashboard(
        "d",
        json.dumps(
            {
                "widgets": [
                    graph() | {"x": 6, "y": 3, "width": 12, "height": 4},
                    graph() | {"x": 20, "y": -1, "width": 99, "height": True},
                ]
            }
        ),
    ).widgets
    assert kept.place == (6, 3, 12, 4)
    assert moved.place == (20, 0, 4, 6)


def test_metrics_have_cloudwatchs_defaults() -> None:
    (content,) = read(graph(metrics=[[*METRIC, {"id": "m", "visible": False}], [{"expression": "m * 2"}]]))
    metric, expression = content.lines
    assert (metric.label, metric.period, metric.visible, metric.metric.statistic) == ("Hits", 300, False, "Average")
    assert (expression.label, expression.expression, expression.visible) == ("m * 2", "m * 2", True)


@pytest.mark.parametrize(
    ("widget", "reason"),
    [
        ({"type": "explorer"}, "its type is 'explorer', and only text, metric and log are known here"),
        (graph(view="pie"), "its view is 'pie'"),
        (graph(view="singleValue"), "for the whole range only, with setPeriodToTimeRange"),
        (graph(stacked=True), "stacked of metric is True"),
        (graph(sparkline=True), "the property 'sparkline' of metric"),
        (graph(legend={"position": "right"}), "position of legend is 'right'"),
        (graph(yAxis={"right": {}}), "the property 'right' of yAxis"),
        (graph(yAxis={"left": {"min": "0"}}), "min is no number"),
        (graph(annotations={"vertical": []}), "the property 'vertical' of annotations"),
        (graph(annotations={"horizontal": [{"label": "x"}]}), "has no value"),
        (graph(annotations={"horizontal": [{"value": 1, "fill": "above"}]}), "the property 'fill' of annotation"),
        (graph(metrics=[]), "it has no metrics"),
        (graph(metrics=[[*METRIC, {"id": "a"}], [*METRIC, {"id": "a"}]]), "the same id"),
        (graph(metrics=[[*METRIC, {"color": "red"}]]), "the colour 'red'"),
        (graph(metrics=[[*METRIC, {"period": "60"}]]), "the period '60'"),
        (graph(metrics=[[*METRIC, {"yAxis": "right"}]]), "the property 'yAxis' of metric"),
        (graph(metrics=[[*METRIC, {"expression": "a"}]]), "neither a name nor an expression, or both"),
        (graph(metrics=[["..."]]), "not namespace, name and pairs"),
        (graph(metrics="Hits"), "it has no metrics"),
        ({"type": "log", "properties": {"view": "bar", "query": ""}}, "view of log is 'bar'"),
        ({"type": "text", "properties": {"markdown": 1}}, "it has no markdown"),
        ("no object", "its type is None"),
    ],
)
def test_a_widget_that_is_not_understood_is_refused_and_named(widget: Any, reason: str) -> None:
    (before, refused) = read({"type": "text", "properties": {"markdown": "x"}}, widget)
    assert isinstance(before, Text)
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("widget 2")
    assert reason in refused.reason


@pytest.mark.parametrize("body", ["", "[]", '{"widgets": {}}'])
def test_what_is_no_dashboard_is_refused(body: str) -> None:
    with pytest.raises(RefusedError):
        read_dashboard("d", body)
