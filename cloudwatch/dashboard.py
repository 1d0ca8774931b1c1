"""A dashboard body as typed widgets, each with the rules of AWS that it breaks.

`lab dashboard` draws from it, and ``stacks.checks`` reports its faults. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudwatch import metric_math
from cloudwatch.series import MOST_DIMENSIONS, SHORT_PERIODS, MetricStat

GRID: Final = 24
"""The columns of a dashboard."""

MOST_WIDGETS: Final = 500
MOST_METRICS: Final = 500
MOST_HEIGHT: Final = 1_000

STATISTIC: Final = re.compile(
    r"SampleCount|Average|Sum|Minimum|Maximum|IQM"
    r"|(?:p|tm|wm|tc|ts)(?:100|\d{1,2}(?:\.\d{1,10})?)"
    r"|(?:TM|WM|TC|TS|PR)\(\d*(?:\.\d+)?%?:\d*(?:\.\d+)?%?\)"
)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html"""

FUNCTIONS: Final = {
    "ABS", "AVG", "CEIL", "DIFF", "DIFF_TIME", "FILL", "FIRST", "FLOOR", "IF", "LAST", "LOG", "LOG10", "MAX",
    "METRIC_COUNT", "METRICS", "MIN", "MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH", "PERIOD", "RATE",
    "REMOVE_EMPTY", "RUNNING_SUM", "SEARCH", "SERVICE_QUOTA", "SLICE", "SORT", "STDDEV", "SUM", "TIME_SERIES",
    "AND", "OR", "REPEAT", "LINEAR",
}  # fmt: skip
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html"""

_BODY: Final = ("start", "end", "periodOverride", "variables", "widgets")
_WIDGET: Final = ("type", "x", "y", "width", "height", "properties")
_METRIC_VIEWS: Final = ("timeSeries", "singleValue", "gauge", "bar", "pie", "table")
_LOG_VIEWS: Final = ("table", "timeSeries", "bar", "pie")
_LEGENDS: Final = ("bottom", "right", "hidden")
_COLOR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_IDENTIFIER: Final = re.compile(r"[a-z][A-Za-z0-9_]*")
_WORD: Final = re.compile(r"[A-Za-z]\w*")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d|-P(?=\w)(\d+[YMWD])*(T(\d+[HMS])+)?$")
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_SOURCE: Final = re.compile(r"\s*SOURCE\s+(?:'([^']+)'|\"([^\"]+)\")\s*\|?")
_DEFAULTS: Final[Mapping[str, Any]] = {"stacked": False, "sparkline": False, "liveData": False, "visible": True}


class Fault(NamedTuple):
    """One broken rule; ``message`` continues the name of the widget or of the dashboard."""

    rule: str
    message: str


class Place(NamedTuple):
    """The position of a widget on the grid, in its units."""

    x: int
    y: int
    width: int
    height: int


class Axis(NamedTuple):
    """The left axis: its name, and its ends where they are fixed."""

    label: str = ""
    min: float | None = None
    max: float | None = None


class Level(NamedTuple):
    """A horizontal annotation."""

    value: float
    label: str


class Line(NamedTuple):
    """A metric (any shorthand written out) or a metric math expression of a widget; one of the two is None.

    ``identifier`` is the name that expressions use (made up where the body has none), ``color`` is ``#RRGGBB`` or None,
    ``period`` is in seconds.
    """

    identifier: str
    label: str
    color: str | None
    visible: bool
    period: int
    metric: MetricStat | None
    expression: str | None


class Text(NamedTuple):
    """A text widget."""

    markdown: str


class Metrics(NamedTuple):
    """A metric widget: a graph or numbers, by its view."""

    view: str
    lines: Sequence[Line]
    axis: Axis
    levels: Sequence[Level]
    whole_range: bool


class Logs(NamedTuple):
    """A log widget: a Logs Insights query, without the ``SOURCE`` commands that name its log groups."""

    view: str
    log_groups: Sequence[str]
    query: str


Content = Text | Metrics | Logs | None


class Widget(NamedTuple):
    """One widget of a dashboard; ``name`` is its number, from 1, and its title.

    Its place is on the grid, whatever the body has; its content is None if the type is unknown. ``others`` are valid
    properties that this model has no field for, such as "sparkline".
    """

    name: str
    title: str
    place: Place
    content: Content
    faults: Sequence[Fault]
    others: Sequence[str]


class Dashboard(NamedTuple):
    """A dashboard; ``faults`` are those of the body as a whole."""

    name: str
    widgets: Sequence[Widget]
    faults: Sequence[Fault]


def parse_dashboard(name: str, body: str) -> Dashboard:
    """Parse a body: any text. What breaks a rule is in the faults, so nothing is raised."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return Dashboard(name, [], [Fault("dashboard-body", "is not a JSON object")])
    given = content.get("widgets")
    if not isinstance(given, list):
        return Dashboard(name, [], [Fault("dashboard-body", "has no array of widgets")])
    parser = _Parser()
    parser.check_keys("dashboard-body", content, _BODY)
    parser.choice("dashboard-body", content, "periodOverride", ("auto", "inherit"))
    times = [content[key] for key in ("start", "end") if key in content]
    valid = all(isinstance(time, str) and _TIME.match(time) for time in times)
    parser.check(valid, "dashboard-body", "has a start or an end that is neither a time in ISO 8601 nor as -PT1H")
    parser.check("end" not in content or "start" in content, "dashboard-body", "has an end and no start")
    parser.check(len(given) <= MOST_WIDGETS, "dashboard-widgets", f"has {len(given)} widgets; {MOST_WIDGETS} at most")
    widgets = [_widget(number, widget) for number, widget in enumerate(given[:MOST_WIDGETS], 1)]
    return Dashboard(name, widgets, [*parser.faults, *_overlaps(given, widgets)])


def _overlaps(given: Iterable[Any], widgets: Iterable[Widget]) -> Iterable[Fault]:
    taken: set[tuple[int, int]] = set()
    for item, widget in zip(given, widgets, strict=False):
        if not isinstance(item, dict) or "x" not in item or "y" not in item:
            continue  # CloudWatch finds a place for it
        x, y, width, height = widget.place
        cells = {(column, row) for column in range(x, x + width) for row in range(y, y + height)}
        if cells & taken:
            yield Fault("widget-place", f"has {widget.name} on top of another")
        taken |= cells


def _widget(number: int, given: Any) -> Widget:
    parser = _Parser()
    widget = given if isinstance(given, dict) else {}
    whole = isinstance(widget.get("properties"), dict)
    parser.check(whole, "widget-shape", "is not an object with properties")
    properties = widget["properties"] if whole else {}
    title = properties["title"] if isinstance(properties.get("title"), str) else ""
    parser.check_keys("widget-shape", widget, _WIDGET)
    place = parser.place(widget)
    content: Content = None
    match widget.get("type"):
        case "text":
            content = parser.text(properties)
        case "metric":
            content = parser.metrics(properties)
        case "log":
            content = parser.logs(properties)
        case kind:
            parser.check(False, "widget-type", f"has the type {kind!r}, which is none of metric, text and log")
    name = f"widget {number}" + (f" “{title}”" if title else "")
    return Widget(name, title, place, content, parser.faults, parser.others)


class _Parser:
    """Parses one widget; collects its faults, and the properties that the model has no field for."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.others: list[str] = []

    def check(self, valid: bool, rule: str, message: str) -> bool:
        if not valid:
            self.faults.append(Fault(rule, message))
        return valid

    def check_keys(
        self, rule: str, given: Mapping[str, Any], modelled: Collection[str], others: Collection[str] = ()
    ) -> None:
        unknown = sorted(set(given) - {*modelled, *others})
        self.check(not unknown, rule, f"has unknown properties: {', '.join(unknown)}")
        self.others += [key for key in others if key in given and given[key] != _DEFAULTS.get(key)]

    def choice(self, rule: str, given: Mapping[str, Any], key: str, valid: Sequence[str]) -> str:
        value = given.get(key, valid[0])
        return value if self.check(value in valid, rule, f"{key} {value!r} is none of {', '.join(valid)}") else valid[0]

    def mapping(self, given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = given.get(key, {})
        valid = self.check(isinstance(value, dict), "widget-shape", f"{key} is not an object")
        return value if valid else {}

    def items(self, rule: str, given: Mapping[str, Any], key: str) -> Sequence[Any]:
        value = given.get(key, [])
        return value if self.check(isinstance(value, list), rule, f"{key} is not an array") else []

    def place(self, widget: Mapping[str, Any]) -> Place:
        self.check(("x" in widget) == ("y" in widget), "widget-place", "has one of x and y; give both or neither")
        limits = {"x": (0, GRID - 1, 0), "y": (0, 100_000, 0), "width": (1, GRID, 6), "height": (1, MOST_HEIGHT, 6)}
        found = {}
        for key, (least, most, default) in limits.items():
            value = widget.get(key, default)
            message = f"{key} is {value!r}; a whole number from {least} to {most}"
            valid = self.check(type(value) is int and least <= value <= most, "widget-place", message)
            found[key] = value if valid else min(max(value, least), most) if type(value) is int else default
        within = found["x"] + found["width"] <= GRID
        self.check(within, "widget-place", f"reaches past column {GRID}")
        return Place(found["x"], found["y"], min(found["width"], GRID - found["x"]), found["height"])

    def text(self, properties: Mapping[str, Any]) -> Text:
        self.check_keys("text-markdown", properties, ("markdown",), ("background",))
        markdown = properties.get("markdown")
        valid = self.check(isinstance(markdown, str) and bool(markdown), "text-markdown", "has no markdown")
        return Text(str(markdown) if valid else "")

    def logs(self, properties: Mapping[str, Any]) -> Logs:
        others = ("stacked", "accountId", "queryLanguage", "logGroups")
        self.check_keys("log-query", properties, ("query", "region", "title", "view"), others)
        self.check(bool(properties.get("region")), "widget-region", "has no region")
        view = self.choice("log-view", properties, "view", _LOG_VIEWS)
        query, groups = properties.get("query"), []
        rest = query if isinstance(query, str) else ""
        while match := _SOURCE.match(rest):
            groups.append(match[1] or match[2])
            rest = rest[match.end() :]
        self.check(bool(groups), "log-query", "has no query that begins with SOURCE")
        return Logs(view, groups, rest.strip())

    def metrics(self, properties: Mapping[str, Any]) -> Metrics:
        modelled = ("title", "region", "view", "metrics", "yAxis", "annotations", "legend", "period", "stat")
        others = (
            *("accountId", "end", "labels", "liveData", "singleValueFullPrecision", "sparkline", "stacked", "start"),
            *("table", "timezone", "trend"),
        )
        self.check_keys("metric-properties", properties, (*modelled, "setPeriodToTimeRange"), others)
        self.check(bool(properties.get("region")), "widget-region", "has no region")
        view = self.choice("metric-view", properties, "view", _METRIC_VIEWS)
        if self.choice("metric-legend", self.mapping(properties, "legend"), "position", _LEGENDS) != _LEGENDS[0]:
            self.others.append("legend.position")
        axis = self._axes(self.mapping(properties, "yAxis"), view)
        levels = self._levels(self.mapping(properties, "annotations"))
        return Metrics(view, self._lines(properties), axis, levels, properties.get("setPeriodToTimeRange") is True)

    def _axes(self, axes: Mapping[str, Any], view: str) -> Axis:
        self.check_keys("metric-axis", axes, ("left",), ("right",))
        left, _ = (self._axis(side, self.mapping(axes, side)) for side in ("left", "right"))
        needed = view != "gauge" or (left.min is not None and left.max is not None)
        self.check(needed, "metric-axis", "a gauge needs the min and the max of its left axis")
        return left

    def _axis(self, side: str, axis: Mapping[str, Any]) -> Axis:
        self.check_keys("metric-axis", axis, ("label", "min", "max", "showUnits"))
        least, most = (self._number("metric-axis", axis, key) for key in ("min", "max"))
        upright = least is None or most is None or least < most
        self.check(upright, "metric-axis", f"the axis {side} goes from {least} to {most}")
        return Axis(str(axis.get("label", "")), least, most)

    def _number(self, rule: str, given: Mapping[str, Any], key: str) -> float | None:
        value = given.get(key)
        valid = self.check(value is None or type(value) in (int, float), rule, f"{key} is not a number")
        return float(value) if valid and value is not None else None

    def _levels(self, annotations: Mapping[str, Any]) -> list[Level]:
        rule = "metric-annotation"
        self.check_keys(rule, annotations, ("horizontal",), ("vertical", "alarms"))
        self.check(len(self.items(rule, annotations, "alarms")) <= 1, rule, "has more than one alarm")
        for moment in self._annotations(annotations, "vertical"):
            self.check(isinstance(moment.get("value"), str), rule, "a vertical annotation has no time")
        return [self._level(level) for level in self._annotations(annotations, "horizontal")]

    def _annotations(self, annotations: Mapping[str, Any], kind: str) -> Iterable[Mapping[str, Any]]:
        """Each annotation, and each of the two ends of a band."""
        for item in self.items("metric-annotation", annotations, kind):
            if isinstance(item, list):
                self.others.append(f"a band of annotations.{kind}")
            for annotation in item if isinstance(item, list) else [item]:
                if self.check(isinstance(annotation, dict), "metric-annotation", "an annotation is not an object"):
                    yield annotation

    def _level(self, level: Mapping[str, Any]) -> Level:
        self.check_keys("metric-annotation", level, ("value", "label", "yAxis"), ("color", "fill", "visible"))
        if self.choice("metric-annotation", level, "yAxis", ("left", "right")) == "right":
            self.others.append("yAxis of an annotation")
        self._color(level)
        value = self._number("metric-annotation", level, "value")
        self.check(value is not None, "metric-annotation", "a horizontal annotation has no number")
        return Level(value or 0.0, str(level.get("label", "")))

    def _color(self, given: Mapping[str, Any]) -> str | None:
        color = given.get("color")
        valid = color is None or (isinstance(color, str) and bool(_COLOR.fullmatch(color)))
        return color if self.check(valid, "metric-color", f"{color!r} is not a colour such as #RRGGBB") else None

    def _lines(self, properties: Mapping[str, Any]) -> list[Line]:
        listed = properties.get("metrics")
        if not isinstance(listed, list) or not listed:
            alarms = "alarms" in self.mapping(properties, "annotations")
            self.check(alarms, "metric-array", "draws no metric")
            return []
        self.check(len(listed) <= MOST_METRICS, "metric-array", f"has {len(listed)} metrics; {MOST_METRICS} at most")
        lines: list[Line] = []
        above: list[str] = []
        for number, item in enumerate(listed[:MOST_METRICS], 1):
            options = item[-1] if isinstance(item, list) and item and isinstance(item[-1], dict) else {}
            names = _written_out(item[:-1] if options else item, above) if isinstance(item, list) else None
            if not self.check(names is not None, "metric-array", "an entry is not of strings and an object at its end"):
                return lines
            lines.append(self._line(number, names or [], {**properties, **options}, options))
            above = names or above
        self._expressions(lines)
        return lines

    def _line(self, number: int, names: list[str], inherited: Mapping[str, Any], options: Mapping[str, Any]) -> Line:
        modelled = ("color", "expression", "id", "label", "period", "stat", "visible", "yAxis")
        self.check_keys("metric-options", options, modelled, ("accountId", "region"))
        if self.choice("metric-options", options, "yAxis", ("left", "right")) == "right":
            self.others.append("yAxis of a metric")
        expression = options.get("expression")
        if self.check(expression is None or isinstance(expression, str), "metric-expression", "is not a text"):
            self.check(not (names and expression), "metric-expression", f"{expression!r} is beside a metric's name")
        else:
            expression = None
        period = inherited.get("period", 300)
        valid = type(period) is int and period > 0 and (period in SHORT_PERIODS or period % 60 == 0)
        self.check(valid, "metric-period", f"a period of {period!r} s; give a multiple of 60")
        statistic = str(inherited.get("stat", "Average"))
        self.check(bool(STATISTIC.fullmatch(statistic)), "metric-statistic", f"{statistic!r} is not a statistic")
        identifier = options.get("id", f"line {number}")
        named = "id" not in options or (isinstance(identifier, str) and bool(_IDENTIFIER.fullmatch(identifier)))
        self.check(named, "metric-id", f"id {identifier!r} is not a small letter and then letters, digits or _")
        metric = None if expression is not None else self._metric(names, statistic)
        return Line(
            identifier=str(identifier),
            label=str(options.get("label") or expression or (metric.name if metric else "")),
            color=self._color(options),
            visible=options.get("visible") is not False,
            period=period if valid else 60,
            metric=metric,
            expression=expression,
        )

    def _metric(self, names: Sequence[str], statistic: str) -> MetricStat | None:
        if not self.check(len(names) >= 2, "metric-array", "an entry names no metric"):
            return None
        namespace, name, *rest = names
        whole = len(rest) % 2 == 0 and len(rest) <= 2 * MOST_DIMENSIONS
        message = f"{namespace} {name} has a dimension without a value, or too many"
        if not self.check(whole, "metric-array", message):
            return None
        return MetricStat(namespace, name, tuple(sorted(zip(rest[::2], rest[1::2], strict=True))), statistic)

    def _expressions(self, lines: Sequence[Line]) -> None:
        identifiers = [line.identifier for line in lines]
        for twice in sorted({found for found in identifiers if identifiers.count(found) > 1}):
            self.check(False, "metric-id", f"id {twice!r} is given twice")
        known = FUNCTIONS.union(identifiers)
        for expression in [line.expression for line in lines if line.expression is not None]:
            closed = expression.count("(") == expression.count(")")
            self.check(closed, "metric-expression", f"a parenthesis is missing in {expression!r}")
            for word in _WORD.findall(_QUOTED.sub("", expression)):
                message = f"{word} in {expression!r} is not an id of this widget or a function"
                self.check(word in known, "metric-expression", message)
            if closed and metric_math.names(expression) <= {*identifiers, "PERIOD"}:
                self._evaluate(expression, lines)

    def _evaluate(self, expression: str, lines: Sequence[Line]) -> None:
        """Evaluate an expression that calls no other function than PERIOD: its form is wrong if that fails."""
        operands = {line.identifier: {0.0: 1.0} for line in lines}
        periods = {line.identifier: 60.0 for line in lines if line.metric is not None}
        try:
            metric_math.evaluate(expression, operands, periods)
        except metric_math.MathError as error:
            self.check(False, "metric-expression", f"{expression!r}: {error}")


def _written_out(names: Sequence[Any], above: Sequence[str]) -> list[str] | None:
    """The names of an entry with "." (as above) and "..." (as above, up to the last) replaced; None if not possible."""
    if not all(isinstance(name, str) and name for name in names):
        return None
    whole = [*above[: len(above) - len(names) + 1], *names[1:]] if names and names[0] == "..." else list(names)
    if any(name == "." and place >= len(above) for place, name in enumerate(whole)):
        return None
    return [above[place] if name == "." else name for place, name in enumerate(whole)]
