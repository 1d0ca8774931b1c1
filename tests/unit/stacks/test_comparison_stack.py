import re
from typing import Any, NamedTuple

import pytest

from functions.registry import VARIANTS
from tests.snapshot.synthesis import Assembly, dashboard_body
from warmcache import metrics

# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
LAMBDA_METRICS = {"Invocations", "Errors", "Throttles", "Duration"}
COLORS = [variant.color for variant in VARIANTS]


class Line(NamedTuple):
    """One entry of a widget's metrics: a metric, or an expression over others of the same widget."""

    metric: list[str]
    options: dict[str, Any]


@pytest.fixture(scope="module")
def widgets(assembly: Assembly) -> list[dict[str, Any]]:
    body = dashboard_body(assembly.templates["CacheLab-comparison"])
    found: list[dict[str, Any]] = body["widgets"]
    return found


@pytest.fixture(scope="module")
def drawn(widgets: list[dict[str, Any]]) -> dict[str, list[Line]]:
    """The entries of each widget that draws metrics, by its kind and title."""
    return {
        f"{widget['properties']['view']}: {widget['properties']['title']}": [
            Line([part for part in entry if isinstance(part, str)], entry[-1])
            for entry in widget["properties"]["metrics"]
        ]
        for widget in widgets
        if widget["type"] == "metric"
    }


def test_every_metric_is_one_that_functions_emit_or_lambda_measures(drawn: dict[str, list[Line]]) -> None:
    emitted = {metric.name for metric in metrics.METRICS}
    names = {variant.name for variant in VARIANTS}
    asked = [line.metric for lines in drawn.values() for line in lines if line.metric]
    assert asked
    for namespace, name, *dimensions in asked:
        if namespace == "AWS/Lambda":
            assert name in LAMBDA_METRICS
            assert dimensions[::2] == ["FunctionName", "Resource"]
            assert dimensions[1].removeprefix("cache-lab-") in names
            assert dimensions[3] == f"{dimensions[1]}:live"
        else:
            assert namespace == metrics.NAMESPACE
            assert name in emitted
            assert dimensions[::2] == [metrics.DIMENSION]
            assert dimensions[1] in names


def test_an_expression_names_metrics_of_its_widget_and_its_variant(drawn: dict[str, list[Line]]) -> None:
    expressions = 0
    for title, lines in drawn.items():
        colors = {line.options["id"]: line.options["color"] for line in lines if "id" in line.options}
        for line in lines:
            if not line.metric:
                operands = re.findall(r"[a-z]\w*", line.options["expression"])
                assert operands, title
                assert {colors[operand] for operand in operands} == {line.options["color"]}, title
                expressions += 1
    assert expressions


def test_every_widget_draws_each_variant_once_in_its_colour_the_baseline_first(drawn: dict[str, list[Line]]) -> None:
    for title, lines in drawn.items():
        visible = [line.options for line in lines if line.options.get("visible", True)]
        assert [options["color"] for options in visible] == COLORS, title
        assert [options["label"] for options in visible] == [variant.title for variant in VARIANTS], title


@pytest.mark.parametrize("statistic", ["p50", "p90", "p99", "Maximum"])
def test_latency_is_there_by_percentile(statistic: str, drawn: dict[str, list[Line]]) -> None:
    assert any(
        line.metric[:2] == ["AWS/Lambda", "Duration"] and line.options["stat"] == statistic
        for title, lines in drawn.items()
        if title.startswith("timeSeries")
        for line in lines
    )


@pytest.mark.parametrize(
    "name", ["DownstreamCalls", "DownstreamErrors", "ColdStarts", "ValueAge", "Hits", "Errors", "Throttles"]
)
def test_what_the_caches_cost_is_there(name: str, drawn: dict[str, list[Line]]) -> None:
    assert any(line.metric[1:2] == [name] for lines in drawn.values() for line in lines)


def test_the_text_says_when_to_choose_which(widgets: list[dict[str, Any]]) -> None:
    first = widgets[0]
    assert first["type"] == "text"
    for variant in VARIANTS:
        assert variant.title in first["properties"]["markdown"]
        assert variant.choose_when in first["properties"]["markdown"]


def test_the_body_keeps_the_rules_that_no_validation_checks(widgets: list[dict[str, Any]]) -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    assert len(widgets) <= 500
    for widget in widgets:
        assert 0 <= widget["x"] < widget["x"] + widget["width"] <= 24
        assert 1 <= widget["height"] <= 1000
        if widget["type"] == "metric":
            assert widget["properties"]["region"] == "${AWS::Region}"
            assert len(widget["properties"]["metrics"]) <= 500
            assert all(entry[-1]["period"] % 60 == 0 for entry in widget["properties"]["metrics"])


def test_no_widget_covers_another(widgets: list[dict[str, Any]]) -> None:
    cells = [
        (widget["x"] + column, widget["y"] + row)
        for widget in widgets
        for column in range(widget["width"])
        for row in range(widget["height"])
    ]
    assert len(set(cells)) == len(cells)
