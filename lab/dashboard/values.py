"""Statistics of metrics by period. While a run goes on, only the periods that new records have changed are computed."""

# ruff: noqa: S608 -- every value is a parameter of the query; names are ours
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cloudwatch.metric_math import Points
from cloudwatch.ranges import Range
from lab.dashboard.measures import CONCURRENCY, EXPRESSIONS, LAMBDA, Metric, aggregate
from lab.dashboard.record_store import RecordStore

KEPT: Final = 8
"""Of what was asked for: some pages, each with its range."""

_RUNNING: Final = (LAMBDA, CONCURRENCY)

Found = Mapping[Metric, Points]


class _Question(NamedTuple):
    metrics: frozenset[Metric]
    start: float
    period: float
    clean: frozenset[str]


class _Answer(NamedTuple):
    end: float
    version: int
    found: Found


class Values:
    """The statistics that dashboards show of a run's records. For one thread, as the store is.

    Attributes:
        store: the records.
    """

    def __init__(self, store: RecordStore) -> None:
        self.store = store
        self._kept: dict[_Question, _Answer] = {}

    def over_time(self, metrics: Iterable[Metric], shown: Range, clean: Collection[str]) -> Found:
        """The values of each, by the number of the period in the range.

        Args:
            metrics: what is asked for.
            shown: the range and its period.
            clean: the variants of which it is known that no downstream call failed.
        """
        question = _Question(frozenset(metrics), shown.start, shown.period, frozenset(clean))
        kept = self._kept.pop(question, None)
        since = shown.start if kept is None or kept.end > shown.end else self._unchanged(question, kept)
        before = round((since - shown.start) / shown.period)
        found = self._of(question, since, shown.end)
        if kept is not None and before:
            earlier = kept.found
            found = {
                metric: {place: value for place, value in earlier[metric].items() if place < before} | points
                for metric, points in found.items()
            }
        self._kept[question] = _Answer(shown.end, self.store.version, found)
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return found

    def in_total(self, metrics: Iterable[Metric], shown: Range, clean: Collection[str]) -> Found:
        """The values of each over the whole range, as those of its one period, number 0."""
        question = _Question(frozenset(metrics), shown.start, shown.end - shown.start, frozenset(clean))
        return self._of(question, shown.start, shown.end)

    def _unchanged(self, question: _Question, kept: _Answer) -> float:
        """Until when, in whole periods, the kept answer holds."""
        changed = max(question.start, min(self.store.earliest_since(kept.version), kept.end))
        periods = math.floor((changed - question.start) / question.period)
        return question.start + periods * question.period

    def _of(self, question: _Question, since: float, end: float) -> dict[Metric, Points]:
        apart: dict[bool, list[Metric]] = {False: [], True: []}
        for metric in question.metrics:
            apart[(metric.namespace, metric.name) == _RUNNING].append(metric)
        if apart[True]:
            self.store.know_concurrency()
        tables = (("records", apart[False]), ("concurrency", apart[True]))
        found = (self._from(table, metrics, question, since, end) for table, metrics in tables if metrics)
        return {metric: points for part in found for metric, points in part.items()}

    def _from(
        self, table: str, metrics: Sequence[Metric], question: _Question, since: float, end: float
    ) -> dict[Metric, Points]:
        kinds = sorted({(metric.namespace, metric.name, metric.statistic) for metric in metrics})
        columns = ", ".join(aggregate(statistic, f"({EXPRESSIONS[space, name]})") for space, name, statistic in kinds)
        sql = (
            f"SELECT variant, CAST(floor((moment - $start) / $period) AS BIGINT) AS place, {columns} FROM {table} "
            "WHERE variant IN $variants AND moment >= $since AND moment < $end GROUP BY ALL"
        )
        values = {
            "start": question.start,
            "since": since,
            "end": end,
            "period": question.period,
            "variants": sorted({metric.variant for metric in metrics}),
        }
        if "$clean" in sql:
            values["clean"] = sorted(question.clean)
        found: dict[Metric, Points] = {metric: {} for metric in metrics}
        for variant, place, *row in self.store.rows(sql, values):
            for (space, name, statistic), value in zip(kinds, row, strict=True):
                points = found.get(Metric(space, name, variant, statistic))
                if points is not None and value is not None:
                    points[place] = value
        return found
