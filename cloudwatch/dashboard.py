"""A dashboard body, read: widgets that can be drawn, and those that are refused, each with its reason.

Source: CloudWatch API reference, "Dashboard body structure and syntax". Understood is what the lab's dashboards use;
anything else is refused, by the widget's name, rather than drawn wrongly.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudwatch.insights import parse_query
from cloudwatch.refusal import RefusedError, only
from lab.dashboard.measures import Metric, metric_of
from lab.dashboard.record_queries import Compiled, compile_query

GRID: Final = 24

_LEFT: Final = "left"


class Place(NamedTuple):
    """Where a widget stands on the grid of 24 columns; CloudWatch's units."""

    x: int
    y: int
    width: int
    height: int


class Axis(NamedTuple):
    """The left axis: its name, and its ends where they are fixed."""

    label: str
    min: float | None
    max: float | None


class Level(NamedTuple):
    """A horizontal annotation."""

    value: float
    label: str


class Line(NamedTuple):
    """A metric or an expression of a widget.

    Attributes:
        identifier: what expressions call it; made up where the body has none.
        label: its name for people.
        color: ``#RRGGBB``, or None.
        visible: whether it is drawn; expressions may use it all the same.
        period: seconds.
        metric: what is asked for, or None for an expression.
        expression: metric math, or None for a metric.
    """

    identifier: str
    label: str
    color: str | None
    visible: bool
    period: int
    metric: Metric | None
    expression: str | None


class Text(NamedTuple):
    """A text widget's Markdown."""

    markdown: str


class Graph(NamedTuple):
    """Lines over time."""

    lines: Sequence[Line]
    axis: Axis
    levels: Sequence[Level]


class Numbers(NamedTuple):
    """A number a line, over the whole range."""

    lines: Sequence[Line]


class Table(NamedTuple):
    """The rows of a Logs Insights query."""

    query: Compiled


class Refused(NamedTuple):
    """What is not drawn, and why."""

    reason: str


Content = Text | Graph | Numbers | Table | Refused


class Widget(NamedTuple):
    """One widget of a dashboard."""

    name: str
    title: str
    place: Place
    content: Content


class Dashboard(NamedTuple):
    """A dashboard that can be drawn."""

    name: str
    widgets: Sequence[Widget]


def read_dashboard(name: str, body: str) -> Dashboard:
    """Read a body. A widget that cannot be drawn is in its place, as `Refused`.

    Raises:
        RefusedError: the body is not a dashboard's.
    """
    try:
        content = json.loads(body)
    except ValueError as error:
        raise RefusedError(f"the body is not JSON ({error})") from None
    widgets = content.get("widgets") if isinstance(content, dict) else None
    if not isinstance(widgets, list):
        raise RefusedError("the body has no list of widgets")
    return Dashboard(name, [_widget(number, widget) for number, widget in enumerate(widgets, 1)])


def _widget(number: int, given: Any) -> Widget:
    widget = given if isinstance(given, dict) else {}
    properties = widget.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    title = properties.get("title")
    title = title if isinstance(title, str) else ""
    name = f"widget {number}" + (f" “{title}”" if title else "")
    try:
        content = _content(widget.get("type"), properties)
    except RefusedError as refusal:
        content = Refused(f"{name} is not drawn: {refusal}.")
    return Widget(name, title, _place(widget), content)


def _place(widget: Mapping[str, Any]) -> Place:
    def within(key: str, least: int, most: int, default: int) -> int:
        value = widget.get(key)
        return min(max(value, least), most) if type(value) is int else default

    x = within("x", 0, GRID - 1, 0)
    return Place(x, within("y", 0, 100_000, 0), within("width", 1, GRID - x, 6), within("height", 1, 1000, 6))


def _content(kind: Any, properties: Mapping[str, Any]) -> Content:
    match kind:
        case "text":
            only(properties, "text", ("markdown",))
            return Text(_string(properties, "markdown"))
        case "log":
            only(properties, "log", ("title", "region", "query", "view"), {"view": ("table",)})
            return Table(compile_query(parse_query(_string(properties, "query"))))
        case "metric":
            return _metric_widget(properties)
    raise RefusedError(f"its type is {kind!r}, and only text, metric and log are known here")


def _metric_widget(properties: Mapping[str, Any]) -> Content:
    view = properties.get("view", "timeSeries")
    common = ("title", "region", "view", "metrics")
    if view == "timeSeries":
        only(properties, "metric", (*common, "yAxis", "legend", "annotations", "stacked"), {"stacked": (False,)})
        only(_object(properties, "legend"), "legend", ("position",), {"position": ("bottom",)})
        return Graph(_lines(properties), _axis(properties), _levels(properties))
    if view == "singleValue":
        only(properties, "metric", (*common, "setPeriodToTimeRange"))
        if properties.get("setPeriodToTimeRange") is not True:
            raise RefusedError("a number is drawn for the whole range only, with setPeriodToTimeRange")
        return Numbers(_lines(properties))
    raise RefusedError(f"its view is {view!r}, and only timeSeries and singleValue are known here")


def _axis(properties: Mapping[str, Any]) -> Axis:
    axes = _object(properties, "yAxis")
    only(axes, "yAxis", (_LEFT,))
    left = _object(axes, _LEFT)
    only(left, "yAxis.left", ("label", "min", "max", "showUnits"), {"showUnits": (False, True)})
    label = left.get("label")
    return Axis(label if isinstance(label, str) else "", _number_or_none(left, "min"), _number_or_none(left, "max"))


def _levels(properties: Mapping[str, Any]) -> list[Level]:
    annotations = _object(properties, "annotations")
    only(annotations, "annotations", ("horizontal",))
    levels = annotations.get("horizontal", [])
    if not isinstance(levels, list):
        raise RefusedError("annotations.horizontal is no list")
    return [_level(level) for level in levels]


def _level(level: Any) -> Level:
    if not isinstance(level, dict):
        raise RefusedError("a horizontal annotation is no object")
    only(level, "annotation", ("value", "label", "yAxis"), {"yAxis": (_LEFT,)})
    value = _number_or_none(level, "value")
    if value is None:
        raise RefusedError("a horizontal annotation has no value")
    return Level(value, str(level.get("label", "")))


def _lines(properties: Mapping[str, Any]) -> list[Line]:
    metrics = properties.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        raise RefusedError("it has no metrics")
    lines = [_line(number, entry) for number, entry in enumerate(metrics, 1)]
    if len({line.identifier for line in lines}) < len(lines):
        raise RefusedError("two of its metrics have the same id")
    return lines


def _line(number: int, entry: Any) -> Line:
    if not isinstance(entry, list) or not entry:
        raise RefusedError("a metric is no list")
    *path, last = entry
    options = last if isinstance(last, dict) else {}
    path = path if isinstance(last, dict) else entry
    only(options, "metric", ("color", "label", "period", "stat", "id", "visible", "expression"))
    expression = options.get("expression")
    if (expression is None) == (not path):
        raise RefusedError("a metric has neither a name nor an expression, or both")
    metric = metric_of(path, options.get("stat", "Average")) if path else None
    label = options.get("label") or (path[1] if path else expression)
    period = options.get("period", 300)
    if type(period) is not int or period < 1:
        raise RefusedError(f"the period {period!r} is no number of seconds")
    return Line(
        identifier=str(options.get("id", f"line {number}")),
        label=str(label),
        color=_color(options.get("color")),
        visible=options.get("visible") is not False,
        period=period,
        metric=metric,
        expression=None if expression is None else str(expression),
    )


def _color(color: Any) -> str | None:
    if color is None:
        return None
    digits = str(color).removeprefix("#")
    if len(digits) != 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        raise RefusedError(f"the colour {color!r} is not of the form #RRGGBB")
    return f"#{digits}"


def _string(properties: Mapping[str, Any], key: str) -> str:
    value = properties.get(key)
    if not isinstance(value, str):
        raise RefusedError(f"it has no {key}")
    return value


def _object(properties: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = properties.get(key, {})
    if not isinstance(value, dict):
        raise RefusedError(f"{key} is no object")
    return value


def _number_or_none(properties: Mapping[str, Any], key: str) -> float | None:
    value = properties.get(key)
    if value is None:
        return None
    if type(value) not in (int, float):
        raise RefusedError(f"{key} is no number")
    return float(value)
