"""What every widget of a dashboard shows of a range of time: computed here, drawn by the page.

The metrics of all graphs are one question to the source, those of all numbers a second one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cloudwatch.dashboard import Dashboard, Line, Logs, Metrics, Text, Widget
from cloudwatch.errors import UnsupportedError
from cloudwatch.insights import QueryResult
from cloudwatch.metric_math import MathError, Points, evaluate, names
from cloudwatch.ranges import Range
from cloudwatch.series import MetricStat
from lab.analysis.wording import NOT_MEASURED, figure, shown, whole
from lab.dashboard.sources import Source

Json = dict[str, Any]

LONGEST: Final = 200
"""Characters that are shown of a text."""

_DRAWN_ANYWAY: Final = ("widget-place", "widget-region")
"""Rules of AWS that do not matter here: the place is corrected, and there is one region."""

_MONEY_TITLE: Final = ", $"
"""How the title of a table of money ends."""

_MONEY: Final = "{:.3f}"
"""As in the report's table of cost: see `lab.report.tables`."""

_VIEWS: Final = {Text: (), Metrics: ("timeSeries", "singleValue"), Logs: ("table",)}


def is_graph(content: object) -> bool:
    """Whether it is drawn as lines over time."""
    return isinstance(content, Metrics) and content.view == "timeSeries"


def check_drawable(widget: Widget) -> None:
    """Raise `UnsupportedError` for a widget that this lab cannot draw as CloudWatch does."""
    fault = next((fault for fault in widget.faults if fault.rule not in _DRAWN_ANYWAY), None)
    if fault is not None:
        raise UnsupportedError(f"it {fault.message}")
    if widget.others:
        raise UnsupportedError(f"the property {widget.others[0]!r} is not known here")
    content = widget.content
    if isinstance(content, Metrics | Logs) and content.view not in (views := _VIEWS[type(content)]):
        raise UnsupportedError(f"the view {content.view!r} is not known here, only {' and '.join(views)}")
    if isinstance(content, Metrics) and content.view == "singleValue" and not content.whole_range:
        raise UnsupportedError("a number is drawn for the whole range only, with setPeriodToTimeRange")


def _stats(lines: Sequence[Line]) -> list[MetricStat]:
    return [line.metric for line in lines if line.metric is not None]


class _Drawing:
    """One dashboard, of one range."""

    def __init__(self, dashboard: Dashboard, source: Source, shown_range: Range) -> None:
        self._source, self._range = source, shown_range
        self._refused: dict[str, str] = {}
        graphs: set[MetricStat] = set()
        numbers: set[MetricStat] = set()
        for widget in dashboard.widgets:
            try:
                check_drawable(widget)
                if isinstance(widget.content, Metrics):
                    stats = _stats(widget.content.lines)
                    for stat in stats:
                        source.check_metric(stat)
                    (graphs if is_graph(widget.content) else numbers).update(stats)
            except UnsupportedError as error:
                self._refused[widget.name] = str(error)
        self._over_time = self._statistics(graphs, shown_range.period)
        self._in_total = self._statistics(numbers, shown_range.end - shown_range.start)

    def _statistics(self, wanted: set[MetricStat], period: float) -> Mapping[MetricStat, Points]:
        if not wanted:
            return {}
        return self._source.statistics(wanted, start=self._range.start, end=self._range.end, period=period)

    def data(self, widget: Widget) -> Json:
        reason = self._refused.get(widget.name)
        try:
            match widget.content:
                case _ if reason is not None:
                    pass
                case Text():
                    return {"kind": "text"}
                case Metrics(lines=lines):
                    return self._graph(lines) if is_graph(widget.content) else self._numbers(lines)
                case Logs() as logs:
                    result = self._source.query(logs, start=self._range.start, end=self._range.end)
                    return _table(result, _MONEY.format if widget.title.endswith(_MONEY_TITLE) else _number)
        except (MathError, UnsupportedError) as error:
            reason = str(error)
        return {"kind": "refused", "why": f"{shown(widget.name, LONGEST)} is not drawn: {reason}."}

    def _graph(self, lines: Sequence[Line]) -> Json:
        drawn = _drawn(lines, self._over_time, self._range.period)
        if not any(drawn):
            return self._nothing(lines)
        starts = range(int(self._range.start), int(self._range.end), self._range.period)
        series = [[points.get(start) for start in starts] for points in drawn]
        # A sum is a count for each period, which a shorter period makes smaller.
        sums = any(line.visible and line.metric is not None and line.metric.statistic == "Sum" for line in lines)
        return {"kind": "graph", "series": series, "sums": sums}

    def _numbers(self, lines: Sequence[Line]) -> Json:
        drawn = _drawn(lines, self._in_total, self._range.end - self._range.start)
        if not any(drawn):
            return self._nothing(lines)
        values = [points.get(self._range.start) for points in drawn]
        return {"kind": "numbers", "values": values, "texts": [figure(value) for value in values]}

    def _nothing(self, lines: Sequence[Line]) -> Json:
        return {"kind": "nothing", "why": f"No data: {self._source.missing(_stats(lines))}"}


def widget_data(dashboard: Dashboard, source: Source, shown_range: Range) -> list[Json]:
    """What each widget shows, in the order of the body."""
    drawing = _Drawing(dashboard, source, shown_range)
    return [drawing.data(widget) for widget in dashboard.widgets]


def _drawn(lines: Sequence[Line], found: Mapping[MetricStat, Points], period: float) -> list[Points]:
    """The values of the visible lines."""
    operands = {line.identifier: found.get(line.metric, {}) for line in lines if line.metric is not None}
    periods = dict.fromkeys(operands, period)
    waiting = {line.identifier: line.expression for line in lines if line.expression is not None}
    while waiting:
        ready = [identifier for identifier, expression in waiting.items() if not names(expression) & waiting.keys()]
        if not ready:
            raise MathError(f"the expressions {' and '.join(waiting)} refer to each other")
        for identifier in ready:
            operands[identifier] = evaluate(waiting.pop(identifier), operands, periods)
    return [operands[line.identifier] for line in lines if line.visible]


def _table(result: QueryResult, worded: Callable[[float], str]) -> Json:
    columns, rows = result
    if not rows:
        return {"kind": "nothing", "why": "No data: the query finds no row in this range."}
    return {
        "kind": "table",
        "columns": [shown(column, LONGEST) for column in columns],
        "rows": [[_cell(value, worded) for value in row] for row in rows],
        "numeric": [not any(isinstance(value, str) for value in column) for column in zip(*rows, strict=True)],
    }


def _cell(value: Any, worded: Callable[[float], str]) -> str:
    match value:
        case None:
            return NOT_MEASURED
        case int() | float():
            return worded(value)
    return shown(value, LONGEST)


def _number(value: float) -> str:
    return whole(value) if float(value).is_integer() else figure(value)
