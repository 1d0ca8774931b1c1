"""What every widget of a dashboard shows of a range: computed here, drawn by the page.

All metrics of a dashboard are computed by one pass over the records, its totals by a second one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cloudwatch.dashboard import Content, Dashboard, Graph, Line, Numbers, Refused, Table, Text, Widget
from cloudwatch.metric_math import MathError, Points, evaluate
from cloudwatch.ranges import Range
from facts import metrics as emitted
from lab.analysis.wording import NOT_MEASURED, figure, shown, whole
from lab.dashboard.measures import Metric
from lab.dashboard.values import Found, Values

Json = dict[str, Any]

LONGEST: Final = 200
"""Characters that are shown of a text."""

_MONEY: Final = ", $"
"""How the title of a table of sums of money ends."""

_ERRORS: Final = emitted.DOWNSTREAM_ERRORS.name


class Wire(NamedTuple):
    """What the wire saw of downstream errors in the whole run, by variant; empty until the run has ended."""

    errors: Mapping[str, int]

    def without(self) -> list[str]:
        """The variants of which it is known that they had none."""
        return [variant for variant, count in self.errors.items() if count == 0]


def results(dashboard: Dashboard, values: Values, shown_range: Range, wire: Wire) -> list[Json]:
    """What each widget shows, in the order of the body."""
    return _Drawing(dashboard, values, shown_range, wire).results()


class _Drawing:
    """One dashboard, of one range."""

    def __init__(self, dashboard: Dashboard, values: Values, shown_range: Range, wire: Wire) -> None:
        self._widgets = dashboard.widgets
        self._store = values.store
        self._range = shown_range
        self._length = shown_range.end - shown_range.start
        self._wire = wire
        self._over_time = values.over_time(self._metrics(Graph), shown_range, wire.without())
        self._in_total = values.in_total(self._metrics(Numbers), shown_range, wire.without())

    def results(self) -> list[Json]:
        return [self._result(widget) for widget in self._widgets]

    def _metrics(self, kind: type[Graph] | type[Numbers]) -> set[Metric]:
        contents = (widget.content for widget in self._widgets if isinstance(widget.content, kind))
        return {line.metric for content in contents for line in content.lines if line.metric is not None}

    def _result(self, widget: Widget) -> Json:
        content: Content = widget.content
        try:
            match content:
                case Text():
                    return {"kind": "text"}
                case Refused(reason):
                    return {"kind": "refused", "why": reason}
                case Graph(lines):
                    return self._graph(lines)
                case Numbers(lines):
                    return self._numbers(lines)
                case Table(query):
                    bounds = {"start": self._range.start, "end": self._range.end}
                    rows = self._store.rows(query.text, {**query.values, **bounds})
                    return _table(query.columns, rows, _money if widget.title.endswith(_MONEY) else _number)
        except MathError as error:
            return {"kind": "refused", "why": f"{widget.name} is not drawn: {error}."}

    def _graph(self, lines: Sequence[Line]) -> Json:
        drawn = _drawn(lines, self._over_time, self._range.period)
        if not any(drawn):
            return _nothing(lines, self._wire)
        count = round(self._length / self._range.period)
        series = [[points.get(place) for place in range(count)] for points in drawn]
        return {"kind": "graph", "series": series, "sums": _sums(lines)}

    def _numbers(self, lines: Sequence[Line]) -> Json:
        drawn = _drawn(lines, self._in_total, self._length)
        if not any(drawn):
            return _nothing(lines, self._wire)
        values = [points.get(0) for points in drawn]
        return {"kind": "numbers", "values": values, "texts": [figure(value) for value in values]}


def _drawn(lines: Sequence[Line], found: Found, period: float) -> list[Points]:
    """The values of the visible lines, by the number of the period."""
    operands: dict[str, Points] = {line.identifier: found.get(line.metric, {}) for line in lines if line.metric}
    periods = dict.fromkeys(operands, period)
    for line in lines:
        if line.expression is not None:
            operands[line.identifier] = evaluate(line.expression, operands, periods)
    return [operands[line.identifier] for line in lines if line.visible]


def _sums(lines: Sequence[Line]) -> bool:
    """Whether a line is a count for each period, which a shorter period makes smaller."""
    return any(line.visible and line.metric is not None and line.metric.statistic == "Sum" for line in lines)


def _nothing(lines: Sequence[Line], wire: Wire) -> Json:
    metrics = [line.metric for line in lines if line.metric is not None]
    names = " and ".join(dict.fromkeys(f"{metric.namespace} {metric.name}" for metric in metrics))
    why = f"No data: no record in this range has {names}."
    counts = ", ".join(f"{shown(variant, 30)} {whole(count)}" for variant, count in wire.errors.items() if count)
    if counts and any(metric.name == _ERRORS for metric in metrics):
        why += f" On the wire, in the whole run: {counts}."
    return {"kind": "nothing", "why": why}


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], worded: Callable[[float], str]) -> Json:
    if not rows:
        return {"kind": "nothing", "why": "No data: no record in this range has Lambda's REPORT."}
    return {
        "kind": "table",
        "columns": [shown(column, LONGEST) for column in columns],
        "rows": [[_cell(value, worded) for value in row] for row in rows],
        "numeric": [
            all(isinstance(row[place], int | float) or row[place] is None for row in rows)
            for place in range(len(columns))
        ],
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


def _money(value: float) -> str:
    """As the report's table of cost has it: see `lab.report.tables`."""
    return f"{value:.3f}"
