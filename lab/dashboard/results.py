"""What every widget of a dashboard shows of a range: computed here, drawn by the page.

All metrics of a dashboard are computed by one pass over the records, its totals by a second one.
"""

# ruff: noqa: S608 -- every value is a parameter of the query; names are ours
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from lab.dashboard.measures import CONCURRENCY, EXPRESSIONS, LAMBDA, Metric, aggregate
from lab.dashboard.ranges import Range
from lab.dashboard.record_store import RecordStore
from lab.dashboard.widgets import Content, Dashboard, Graph, Line, Numbers, Refused, Table, Text, Widget
from lab.metric_math import MathError, Points, evaluate
from lab.report.words import NOT_MEASURED, figure, shown, whole
from warmcache import metrics as emitted

Json = dict[str, Any]

LONGEST: Final = 200
"""Characters that are shown of a text."""

_RUNNING: Final = (LAMBDA, CONCURRENCY)
_ERRORS: Final = emitted.DOWNSTREAM_ERRORS.name

Found = Mapping[Metric, Points]


class Wire(NamedTuple):
    """What the wire saw of downstream errors in the whole run, by variant; empty until the run has ended."""

    errors: Mapping[str, int]

    def without(self) -> list[str]:
        """The variants of which it is known that they had none."""
        return [variant for variant, count in self.errors.items() if count == 0]


def results(dashboard: Dashboard, store: RecordStore, shown_range: Range, wire: Wire) -> list[Json]:
    """What each widget shows, in the order of the body."""
    return _Drawing(dashboard, store, shown_range, wire).results()


class _Drawing:
    """One dashboard, of one range."""

    def __init__(self, dashboard: Dashboard, store: RecordStore, shown_range: Range, wire: Wire) -> None:
        self._widgets = dashboard.widgets
        self._store = store
        self._range = shown_range
        self._length = shown_range.end - shown_range.start
        self._wire = wire
        values = _Values(store, shown_range, wire)
        self._over_time = values.of(self._metrics(Graph), shown_range.period)
        self._in_total = values.of(self._metrics(Numbers), self._length)

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
                    return _table(query.columns, self._store.rows(query.text, {**query.values, **bounds}))
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
    if any(metric.name == _ERRORS for metric in metrics):
        why = _without_errors(wire)
    return {"kind": "nothing", "why": why}


def _without_errors(wire: Wire) -> str:
    counts = ", ".join(f"{shown(variant, 30)} {whole(count)}" for variant, count in wire.errors.items() if count)
    if counts:
        return f"No data: records do not tell when a downstream call failed. On the wire, in the whole run: {counts}."
    return "No data: records do not tell of downstream errors; what the wire saw is known when a local run has ended."


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Json:
    if not rows:
        return {"kind": "nothing", "why": "No data: no record in this range has Lambda's REPORT."}
    return {
        "kind": "table",
        "columns": [shown(column, LONGEST) for column in columns],
        "rows": [[_cell(value) for value in row] for row in rows],
        "numeric": [
            all(isinstance(row[place], int | float) or row[place] is None for row in rows)
            for place in range(len(columns))
        ],
    }


def _cell(value: Any) -> str:
    match value:
        case None:
            return NOT_MEASURED
        case int() | float():
            return whole(value) if float(value).is_integer() else figure(value)
    return shown(value, LONGEST)


class _Values:
    """Statistics of metrics by period."""

    def __init__(self, store: RecordStore, shown_range: Range, wire: Wire) -> None:
        self._store = store
        self._range = shown_range
        self._wire = wire

    def of(self, metrics: Iterable[Metric], period: float) -> Found:
        """The values of each, by the number of the period in the range."""
        apart: dict[bool, list[Metric]] = {False: [], True: []}
        for metric in metrics:
            apart[(metric.namespace, metric.name) == _RUNNING].append(metric)
        if apart[True]:
            self._store.know_concurrency()
        return self._from("records", apart[False], period) | self._from("concurrency", apart[True], period)

    def _from(self, table: str, metrics: Sequence[Metric], period: float) -> dict[Metric, Points]:
        if not metrics:
            return {}
        kinds = sorted({(metric.namespace, metric.name, metric.statistic) for metric in metrics})
        columns = ", ".join(aggregate(statistic, self._expression(space, name)) for space, name, statistic in kinds)
        sql = (
            f"SELECT variant, CAST(floor((moment - $start) / $period) AS BIGINT) AS place, {columns} FROM {table} "
            "WHERE variant IN $variants AND moment >= $start AND moment < $end GROUP BY ALL"
        )
        values = {
            "start": self._range.start,
            "end": self._range.end,
            "period": period,
            "variants": sorted({metric.variant for metric in metrics}),
        }
        if "$clean" in sql:
            values["clean"] = self._wire.without()
        found: dict[Metric, Points] = {metric: {} for metric in metrics}
        for variant, place, *row in self._store.rows(sql, values):
            for (space, name, statistic), value in zip(kinds, row, strict=True):
                points = found.get(Metric(space, name, variant, statistic))
                if points is not None and value is not None:
                    points[place] = value
        return found

    @staticmethod
    def _expression(namespace: str, name: str) -> str:
        return f"({EXPRESSIONS[namespace, name]})"
