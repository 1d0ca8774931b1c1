"""The one store of metrics and log events, in DuckDB: filled by the endpoint as functions run, or from a run's records.

The tables are in memory, as far as the memory limit allows, and spill to files in the store's folder beyond it; nothing
survives the store. Values are kept as they are, so statistics of any period are exact, percentiles included.

Tables of metrics:

- ``samples (series, second, value, count)``: a value that was seen ``count`` times in a Unix second. `Store.series_id`
  gives the number of a series.
- ``statistic_sets (series, second, count, total, minimum, maximum)``: what is known of values that were not given.

The table of log events is described in `cloudwatch.log_events`.
"""

# ruff: noqa: S608 -- every value is a parameter of the query; names are ours
import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, Self

import duckdb
import numpy as np

from cloudwatch.insights import Catalog, Query, QueryResult, compile_query
from cloudwatch.log_events import LogEvents
from cloudwatch.metric_math import Points
from cloudwatch.series import Dimensions, MetricStat, Series
from cloudwatch.statistics import EXTENDED, SIMPLE, check_statistic, percentile_or_trimmed_mean
from cloudwatch.tables import MOST_BYTES, RotatingTable

HELD_VALUES: Final = 200_000
MOST_SERIES: Final = 50_000
"""A function that makes a dimension of a request's id would fill the memory with names of series."""

_SAMPLE_BYTES: Final = 28
_SAMPLES: Final = {"series": "INTEGER", "second": "BIGINT", "value": "DOUBLE", "count": "DOUBLE"}
_SETS: Final = {**_SAMPLES, "total": "DOUBLE", "minimum": "DOUBLE", "maximum": "DOUBLE"}
_PERIOD: Final = "floor((second - $start) / $period)::BIGINT AS period"
_WITHIN: Final = "JOIN wanted USING (series) WHERE second >= $start AND second < $end"


class Store:
    """All metrics and log events, for one thread. A context manager: leaving it removes what is on disk.

    Args:
        folder: where DuckDB spills to beyond ``memory_limit``; made if it does not exist.
        memory_limit: what DuckDB may hold in memory.
        threads: how many threads a query may use.
        fields: names of more columns of log events, each a number (see `cloudwatch.log_events`).
        has_messages: whether log events have their text; if not, queries that need it are refused.
        most_bytes: about what samples may take, and log events, in memory and on disk.
        most_series: series beyond this many are refused; ``refused`` counts their values.
        held_values: values that wait in Python before they are inserted at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        memory_limit: str = "64MiB",
        threads: int = 1,
        fields: Sequence[str] = (),
        has_messages: bool = True,
        most_bytes: int = MOST_BYTES,
        most_series: int = MOST_SERIES,
        held_values: int = HELD_VALUES,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(
            config={
                "threads": threads,
                "memory_limit": memory_limit,
                "temp_directory": str(folder),
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._samples = RotatingTable(self.connection, "samples", _SAMPLES, most_bytes)
        self._statistic_sets = RotatingTable(self.connection, "statistic_sets", _SETS, most_bytes)
        self.logs = LogEvents(self.connection, fields, most_bytes)
        self._fields, self._has_messages = tuple(fields), has_messages
        self._most_series, self._held_values = most_series, held_values
        self.all_series: dict[Series, int] = {}
        self._units: dict[tuple[str, str, Dimensions], dict[str, int]] = defaultdict(dict)
        self._values = array.array("d")
        self._runs: list[tuple[int, int, int, float]] = []
        self._sets: list[tuple[float, ...]] = []
        self.refused = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything, and remove what is on disk."""
        self.connection.close()

    def series_id(self, series: Series, *, same_as: int | None = None, bounded: bool = True) -> int | None:
        """The number of a series, made if it is new; None if there are too many and it is ``bounded``.

        A new series gets the number ``same_as`` of another one that has the same values.
        """
        number = self.all_series.get(series)
        if number is None:
            if bounded and len(self.all_series) >= self._most_series:
                self.refused += 1
                return None
            number = self.all_series[series] = len(self.all_series) if same_as is None else same_as
            self._units[series[:3]][series.unit] = number
        return number

    def units(self, namespace: str, name: str, dimensions: Dimensions) -> Collection[str]:
        """The units in which a metric has values."""
        return self._units.get((namespace, name, dimensions), {}).keys()

    def active_since(self, second: float) -> set[int]:
        """The numbers of the series that have values since then."""
        self._insert_held()
        query = """SELECT series FROM all_samples WHERE second >= $1
                   UNION SELECT series FROM all_statistic_sets WHERE second >= $1"""
        return {number for (number,) in self.connection.execute(query, [second]).fetchall()}

    def add(self, second: int, series: int, values: Iterable[float], count: float = 1.0) -> None:
        """Add values that were each seen ``count`` times in a second; a count of 0 is ignored."""
        if count > 0:
            before = len(self._values)
            self._values.extend(values)
            self._runs.append((series, second, len(self._values) - before, count))

    def add_set(self, second: int, series: int, statistic_set: tuple[float, float, float, float]) -> None:
        """Add a statistic set in place of values: count, sum, minimum and maximum."""
        count, total, minimum, maximum = statistic_set
        if minimum == maximum:
            self.add(second, series, [minimum], count)
        else:
            self._sets.append((series, second, count, total, minimum, maximum))

    def spill(self) -> None:
        """Move what was added from Python into the tables, if it is much; a `duckdb.Error` means that it is lost."""
        if len(self._values) + len(self._sets) >= self._held_values:
            self._insert_held()
        self.logs.spill()

    def statistics(
        self, wanted: Collection[MetricStat], *, start: float, end: float, period: float
    ) -> dict[MetricStat, Points]:
        """Statistics by the beginning of their period. A period without values is absent.

        All times are in seconds. The first period begins with ``start``; ``end`` is not included.

        Raises:
            UnsupportedError: a statistic is not known here.
        """
        for stat in wanted:
            check_statistic(stat.statistic)
        self._insert_held()
        metric_of = {stat: stat._replace(statistic="") for stat in wanted}
        metrics = list(dict.fromkeys(metric_of.values()))
        numbers = {metric: number for number, metric in enumerate(metrics)}
        names = {stat.statistic for stat in wanted}
        with_values = {numbers[metric_of[stat]] for stat in wanted if EXTENDED.fullmatch(stat.statistic)}
        values = {"start": start, "end": end, "period": period}
        found: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)

        simple = [name for name in SIMPLE if name in names]
        no_percentiles = set()
        self._register(metrics, range(len(metrics)))
        rows = self.connection.execute(
            f"""SELECT metric, period, min(minimum) < 0 OR NOT bool_and(is_value),
                       {", ".join(SIMPLE[name] for name in simple) or "NULL"} FROM (
                    SELECT metric, {_PERIOD}, count, count * value AS total, value AS minimum, value AS maximum,
                           true AS is_value
                    FROM all_samples {_WITHIN}
                    UNION ALL SELECT metric, {_PERIOD}, count, total, minimum, maximum, false
                    FROM all_statistic_sets {_WITHIN})
                GROUP BY metric, period""",
            values,
        ).fetchall()
        for metric, number, unordered, *figures in rows:
            for name, figure in zip(simple, figures, strict=False):
                found[name, metric][number] = figure
            # CloudWatch has none with a negative value, and none of a statistic set unless it is of one value (API
            # reference, "GetMetricStatistics").
            if unordered:
                no_percentiles.add((metric, number))

        if with_values:
            self._register(metrics, with_values)
            self._extended(names - SIMPLE.keys(), values, no_percentiles, found)
        self.connection.unregister("wanted")
        return {
            stat: {start + at * period: value for at, value in found[stat.statistic, numbers[metric]].items()}
            for stat, metric in metric_of.items()
        }

    def insights(self, query: Query, *, start: float, end: float) -> QueryResult:
        """The rows of a query over the events from ``start`` up to, not including, ``end``, Unix seconds.

        Raises:
            UnsupportedError: it uses what is not known here.
        """
        groups = {name: self.logs.group_id(name) for name in query.log_groups}
        compiled = compile_query(query, Catalog(groups, self._fields, self._has_messages))
        self.logs.insert_held()
        values = {**compiled.values, "start": int(start * 1000), "end": int(end * 1000)}
        return QueryResult(compiled.columns, self.connection.execute(compiled.text, values).fetchall())

    def _register(self, metrics: Sequence[MetricStat], chosen: Iterable[int]) -> None:
        pairs = [
            (number, series)
            for number in chosen
            for unit, series in self._units.get(metrics[number][:3], {}).items()
            if metrics[number].unit in (None, unit)
        ]
        table = np.array(pairs, dtype=np.int32).reshape(-1, 2)
        self.connection.register("wanted", {"metric": table[:, 0].copy(), "series": table[:, 1].copy()})

    def _extended(
        self,
        names: Iterable[str],
        values: dict[str, float],
        left_out: Collection[tuple[int, int]],
        found: dict[tuple[str, int], dict[int, float]],
    ) -> None:
        """Find the statistics that need the values in order."""
        samples = self.connection.execute(
            f"SELECT metric, {_PERIOD}, value, count FROM all_samples {_WITHIN} ORDER BY metric, period, value", values
        ).fetchnumpy()
        if not samples["period"].size:
            return
        span = int(samples["period"].max()) + 1
        places = samples["metric"].astype(np.int64) * span + samples["period"]
        for name in names:
            columns = percentile_or_trimmed_mean(name, places, samples["value"], samples["count"])
            for place, value in zip(*(column.tolist() for column in columns), strict=True):
                metric, number = divmod(place, span)
                if value == value and (metric, number) not in left_out:  # noqa: PLR0124 - not NaN
                    found[name, metric][number] = value

    def _insert_held(self) -> None:
        runs, self._runs = self._runs, []
        values, self._values = self._values, array.array("d")
        sets, self._sets = self._sets, []
        if runs:
            series, second, times, count = map(np.array, zip(*runs, strict=True))
            batch = {"value": np.frombuffer(values), "series": series.repeat(times)}
            batch |= {"second": second.repeat(times), "count": count.repeat(times)}
            select = "SELECT series, second, value, sum(count) AS count FROM batch GROUP BY ALL"
            if self._samples.insert(select, batch, len(values) * _SAMPLE_BYTES):
                self._samples.rotate()
        if sets:
            names = ("series", "second", "count", "total", "minimum", "maximum")
            batch = dict(zip(names, map(np.array, zip(*sets, strict=True)), strict=True))
            if self._statistic_sets.insert("FROM batch", batch, len(sets) * 2 * _SAMPLE_BYTES):
                self._statistic_sets.rotate()
