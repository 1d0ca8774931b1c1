"""Dashboard bodies against AWS's rules, and what they draw against what exists.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from stacks.checks import graphs
from stacks.checks.assembly import Assembly, Finding, Resource, as_text

Widget = dict[str, Any]
Fault = tuple[str, str]
"""A rule and what is wrong."""

COLUMNS = 24
MOST_WIDGETS = 500
MOST_HEIGHT = 1_000
BODY_KEYS = {"start", "end", "periodOverride", "variables", "widgets"}
WIDGET_KEYS = {"type", "x", "y", "width", "height", "properties"}
TEXT_KEYS = {"markdown", "background"}
LOG_KEYS = {"query", "region", "title", "view", "stacked", "accountId", "queryLanguage", "logGroups"}
LOG_VIEWS = {"table", "timeSeries", "bar", "pie"}
SOURCE = re.compile(r"SOURCE\s+'([^']+)'")


def check(assembly: Assembly) -> Iterator[Finding]:
    """See the module."""
    for dashboard in assembly.resources("AWS::CloudWatch::Dashboard"):
        body = _body(dashboard)
        if body is None:
            yield dashboard.finding("dashboard-body", "is no JSON object")
            continue
        for rule, message in _whole(body):
            yield dashboard.finding(rule, message)
        widgets = body["widgets"] if isinstance(body.get("widgets"), list) else []
        for number, widget in enumerate(widgets):
            for rule, message in _faults(assembly, widget):
                yield dashboard.finding(rule, message, f"/widgets/{number}")


def _body(dashboard: Resource) -> dict[str, Any] | None:
    text = as_text(dashboard.properties.get("DashboardBody"))
    try:
        body = json.loads(text or "")
    except json.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _whole(body: dict[str, Any]) -> Iterator[Fault]:
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        yield "dashboard-body", "has no array of widgets"
        return
    if unknown := set(body) - BODY_KEYS:
        yield "dashboard-body", f"has unknown keys: {', '.join(sorted(unknown))}"
    if len(widgets) > MOST_WIDGETS:
        yield "dashboard-widgets", f"{len(widgets)} widgets; {MOST_WIDGETS} at most"
    if body.get("periodOverride", "auto") not in ("auto", "inherit"):
        yield "dashboard-body", "periodOverride is neither auto nor inherit"
    if "end" in body and "start" not in body:
        yield "dashboard-body", "has an end and no start"
    yield from _overlaps(widgets)


def _overlaps(widgets: list[Widget]) -> Iterator[Fault]:
    cells: set[tuple[int, int]] = set()
    for number, widget in enumerate(widgets):
        if not _placed(widget):
            continue
        own = {
            (widget["x"] + column, widget["y"] + row)
            for column in range(widget["width"])
            for row in range(min(widget["height"], MOST_HEIGHT))
        }
        if own & cells:
            yield "widget-place", f"widget {number} covers another"
        cells |= own


def _placed(widget: Widget) -> bool:
    return all(isinstance(widget.get(key), int) for key in ("x", "y", "width", "height"))


def _faults(assembly: Assembly, widget: Any) -> Iterator[Fault]:
    if not isinstance(widget, dict) or not isinstance(widget.get("properties"), dict):
        yield "widget-shape", "is no object with properties"
        return
    if unknown := set(widget) - WIDGET_KEYS:
        yield "widget-shape", f"has unknown keys: {', '.join(sorted(unknown))}"
    yield from _place(widget)
    kind = KINDS.get(widget.get("type", ""))
    if kind is None:
        yield "widget-type", f"type {widget.get('type')!r} is none of {', '.join(KINDS)}"
    else:
        yield from kind(assembly, widget["properties"])


def _place(widget: Widget) -> Iterator[Fault]:
    if ("x" in widget) != ("y" in widget):
        yield "widget-place", "has one of x and y; give both or neither"
    for key, least, most in (("x", 0, COLUMNS - 1), ("y", 0, None), ("width", 1, COLUMNS), ("height", 1, MOST_HEIGHT)):
        value = widget.get(key, least)
        if not isinstance(value, int) or value < least or (most is not None and value > most):
            yield "widget-place", f"{key} is {value!r}; a whole number from {least}{f' to {most}' if most else ''}"
            return
    if widget.get("x", 0) + widget.get("width", 6) > COLUMNS:
        yield "widget-place", f"reaches past column {COLUMNS}"


def _text(assembly: Assembly, properties: Widget) -> Iterator[Fault]:  # noqa: ARG001 -- as the others
    if not isinstance(properties.get("markdown"), str) or not properties["markdown"]:
        yield "text-markdown", "has no markdown"
    if unknown := set(properties) - TEXT_KEYS:
        yield "text-markdown", f"has unknown properties: {', '.join(sorted(unknown))}"


def _log(assembly: Assembly, properties: Widget) -> Iterator[Fault]:
    query = properties.get("query")
    if not isinstance(query, str) or not query.startswith("SOURCE "):
        yield "log-query", "has no query that begins with SOURCE"
        return
    for group in SOURCE.findall(query):
        if group not in assembly.log_groups:
            yield "log-group", f"no stack makes the log group {group}"
    if not properties.get("region"):
        yield "widget-region", "has no region"
    if properties.get("view", "table") not in LOG_VIEWS:
        yield "log-view", f"view {properties['view']!r} is none of {', '.join(sorted(LOG_VIEWS))}"
    if unknown := set(properties) - LOG_KEYS:
        yield "log-query", f"has unknown properties: {', '.join(sorted(unknown))}"


def _metric(assembly: Assembly, properties: Widget) -> Iterator[Fault]:
    yield from graphs.faults(assembly, properties)


KINDS: dict[str, Callable[[Assembly, Widget], Iterator[Fault]]] = {"metric": _metric, "text": _text, "log": _log}
"""The types of widget in use. CloudWatch knows more (alarm, explorer, custom), with rules of their own."""
