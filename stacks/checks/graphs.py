"""The properties of a metric widget: its array of metrics, axes and annotations.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from stacks.checks.assembly import Assembly
from stacks.checks.metrics import STATISTIC, why_absent

Fault = tuple[str, str]
MOST_METRICS = 500
MOST_DIMENSIONS = 30
VIEWS = {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
LEGENDS = {"bottom", "right", "hidden"}
PROPERTIES = {
    "accountId", "annotations", "end", "legend", "liveData", "metrics", "period", "region", "setPeriodToTimeRange",
    "singleValueFullPrecision", "sparkline", "stacked", "start", "stat", "table", "timezone", "title", "trend", "view",
    "yAxis", "labels",
}  # fmt: skip
OPTIONS = {"accountId", "color", "expression", "id", "label", "period", "region", "stat", "visible", "yAxis"}
AXIS_KEYS = {"label", "min", "max", "showUnits"}
COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
IDENTIFIER = re.compile(r"[a-z][A-Za-z0-9_]*")
WORD = re.compile(r"[A-Za-z]\w*")
FUNCTIONS = {
    "ABS", "AVG", "CEIL", "DIFF", "DIFF_TIME", "FILL", "FIRST", "FLOOR", "IF", "LAST", "LOG", "LOG10", "MAX",
    "METRIC_COUNT", "METRICS", "MIN", "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH", "PERIOD", "RATE",
    "REMOVE_EMPTY", "RUNNING_SUM", "SEARCH", "SERVICE_QUOTA", "SLICE", "SORT", "STDDEV", "SUM", "TIME_SERIES",
    "AND", "OR", "REPEAT", "LINEAR",
}  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""


class Entry(NamedTuple):
    """One entry of the array: what names a metric, all shorthand written out, or nothing; and its options."""

    names: list[str]
    options: dict[str, Any]


def faults(assembly: Assembly, properties: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with a metric widget."""
    if unknown := set(properties) - PROPERTIES:
        yield "metric-properties", f"has unknown properties: {', '.join(sorted(unknown))}"
    if not properties.get("region"):
        yield "widget-region", "has no region"
    if properties.get("view", "timeSeries") not in VIEWS:
        yield "metric-view", f"view {properties['view']!r} is none of {', '.join(sorted(VIEWS))}"
    if properties.get("legend", {}).get("position", "bottom") not in LEGENDS:
        yield "metric-legend", f"the legend's position is none of {', '.join(sorted(LEGENDS))}"
    yield from _period_and_statistic(properties)
    yield from _axes(properties)
    yield from _annotations(properties.get("annotations", {}))
    yield from _metrics(assembly, properties)


def _metrics(assembly: Assembly, properties: dict[str, Any]) -> Iterator[Fault]:
    listed = properties.get("metrics")
    if not isinstance(listed, list) or not listed:
        if not properties.get("annotations", {}).get("alarms"):
            yield "metric-array", "draws no metric"
        return
    if len(listed) > MOST_METRICS:
        yield "metric-array", f"{len(listed)} metrics; {MOST_METRICS} at most"
    entries = _written_out(listed)
    if entries is None:
        yield "metric-array", "an entry is not made of strings and one object at its end"
        return
    yield from _expressions(entries)
    for entry in entries:
        yield from _options(entry.options)
        if "expression" not in entry.options:
            yield from _metric(assembly, entry)


def _written_out(listed: Sequence[Any]) -> list[Entry] | None:
    """The entries with "." (as above) and "..." (as above, up to the last) replaced; None if one has another form."""
    entries: list[Entry] = []
    above: list[str] = []
    for item in listed:
        if not isinstance(item, list) or not item:
            return None
        options = item[-1] if isinstance(item[-1], dict) else {}
        names = item[:-1] if isinstance(item[-1], dict) else list(item)
        if not all(isinstance(name, str) and name for name in names):
            return None
        if names and names[0] == "...":
            names = [*above[: len(above) - len(names) + 1], *names[1:]]
        if any(name == "." and place >= len(above) for place, name in enumerate(names)):
            return None
        names = [above[place] if name == "." else name for place, name in enumerate(names)]
        entries.append(Entry(names, options))
        above = names or above
    return entries


def _metric(assembly: Assembly, entry: Entry) -> Iterator[Fault]:
    namespace, name, *dimensions = [*entry.names, "", ""][: max(2, len(entry.names))]
    if not namespace or not name:
        yield "metric-array", "an entry names no metric"
        return
    if len(dimensions) % 2 or len(dimensions) > 2 * MOST_DIMENSIONS:
        yield "metric-array", f"{namespace} {name} has a dimension without a value, or too many"
        return
    by_name = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
    if reason := why_absent(assembly, namespace, name, by_name):
        yield "metric-exists", reason


def _expressions(entries: Sequence[Entry]) -> Iterator[Fault]:
    identifiers = [entry.options["id"] for entry in entries if "id" in entry.options]
    for identifier in identifiers:
        if not isinstance(identifier, str) or not IDENTIFIER.fullmatch(identifier):
            yield "metric-id", f"id {identifier!r} does not begin with a small letter, or has other signs than letters"
    for twice in {found for found in identifiers if identifiers.count(found) > 1}:
        yield "metric-id", f"id {twice!r} is given twice"
    for entry in entries:
        expression = entry.options.get("expression")
        if expression is not None:
            if entry.names:
                yield "metric-expression", f"{expression!r} stands beside a metric's name"
            yield from _expression(expression, set(identifiers))


def _expression(expression: str, identifiers: set[str]) -> Iterator[Fault]:
    if expression.count("(") != expression.count(")"):
        yield "metric-expression", f"a parenthesis is missing in {expression!r}"
    for word in WORD.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", expression)):
        if word not in identifiers and word not in FUNCTIONS:
            yield "metric-expression", f"{word} in {expression!r} is no id of this widget and no function"


def _options(options: dict[str, Any]) -> Iterator[Fault]:
    if unknown := set(options) - OPTIONS:
        yield "metric-options", f"has unknown options: {', '.join(sorted(unknown))}"
    if not COLOR.fullmatch(options.get("color", "#000000")):
        yield "metric-color", f"{options['color']!r} is no colour as #RRGGBB"
    if options.get("yAxis", "left") not in ("left", "right"):
        yield "metric-options", f"yAxis {options['yAxis']!r} is neither left nor right"
    yield from _period_and_statistic(options)


def _period_and_statistic(found: dict[str, Any]) -> Iterator[Fault]:
    period = found.get("period", 60)
    # Shorter ones are for metrics of high resolution, which none here is.
    if not isinstance(period, int) or period < 60 or period % 60:
        yield "metric-period", f"a period of {period!r} s; give a multiple of 60"
    if not STATISTIC.fullmatch(str(found.get("stat", "Average"))):
        yield "metric-statistic", f"{found['stat']!r} is no statistic"


def _axes(properties: dict[str, Any]) -> Iterator[Fault]:
    axes = properties.get("yAxis", {})
    for side, axis in axes.items():
        if side not in ("left", "right") or set(axis) - AXIS_KEYS:
            yield "metric-axis", f"the axis {side} is not left or right, or has unknown properties"
        elif "min" in axis and "max" in axis and axis["min"] >= axis["max"]:
            yield "metric-axis", f"the axis {side} goes from {axis['min']} to {axis['max']}"
    if properties.get("view") == "gauge" and not {"min", "max"} <= set(axes.get("left", {})):
        yield "metric-axis", "a gauge needs the least and the most of its left axis"


def _annotations(annotations: dict[str, Any]) -> Iterator[Fault]:
    if unknown := set(annotations) - {"horizontal", "vertical", "alarms"}:
        yield "metric-annotation", f"has unknown annotations: {', '.join(sorted(unknown))}"
    for annotation in annotations.get("horizontal", []):
        for level in annotation if isinstance(annotation, list) else [annotation]:
            if isinstance(level.get("value"), bool) or not isinstance(level.get("value"), int | float):
                yield "metric-annotation", "a horizontal annotation has no number"
            if not COLOR.fullmatch(level.get("color", "#000000")):
                yield "metric-color", f"{level['color']!r} is no colour as #RRGGBB"
    for annotation in annotations.get("vertical", []):
        for moment in annotation if isinstance(annotation, list) else [annotation]:
            if not isinstance(moment.get("value"), str):
                yield "metric-annotation", "a vertical annotation has no time"
    if len(annotations.get("alarms", [])) > 1:
        yield "metric-annotation", "more than one alarm"
