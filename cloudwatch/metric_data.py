"""The queries of GetMetricData: statistics of metrics, and metric math over them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cloudwatch import metric_math, statistics
from cloudwatch.metric_math import MathError, Points
from cloudwatch.metric_store import MetricStore
from cloudwatch.periods import periods, window
from cloudwatch.protocol import CloudWatchError
from cloudwatch.series import dimensions_of
from cloudwatch.statistics import Period


class Queries:
    """The queries of one call, each computed once, however many refer to it.

    Raises:
        CloudWatchError: two have the same id.
    """

    def __init__(self, store: MetricStore, queries: Sequence[dict[str, Any]], parameters: Mapping[str, Any]) -> None:
        self._store = store
        self._parameters = parameters
        self._queries = {query["Id"]: query for query in queries}
        if len(self._queries) < len(queries):
            raise _invalid("The values for parameter id in MetricDataQueries must be unique.")
        self._where = {query["Id"]: f"MetricDataQueries.member.{n}" for n, query in enumerate(queries, 1)}
        self._lengths = {query["Id"]: query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}
        self._points: dict[str, Points] = {}
        self._under_way: set[str] = set()
        self._periods: dict[object, dict[int, Period]] = {}

    def points(self, identifier: str) -> Points:
        """A query's values by time.

        Raises:
            CloudWatchError: the query, or one that it refers to, is not valid.
        """
        if identifier not in self._points:
            if identifier in self._under_way:
                raise _invalid(f"Error in expression '{identifier}': it refers to itself")
            self._under_way.add(identifier)
            self._points[identifier] = self._compute(identifier)
        return self._points[identifier]

    def _compute(self, identifier: str) -> Points:
        query = self._queries[identifier]
        if ("MetricStat" in query) == ("Expression" in query):
            where = self._where[identifier]
            raise _invalid(f"Exactly one of {where}.MetricStat and {where}.Expression must be specified.")
        if "MetricStat" in query:
            return self._statistic(query["MetricStat"], self._where[identifier])
        try:
            names = metric_math.names(query["Expression"])
            operands = {name: self.points(name) for name in names if name in self._queries}
            return metric_math.evaluate(query["Expression"], operands, self._lengths)
        except MathError as error:
            raise _invalid(f"Error in expression '{identifier}': {error}") from None

    def _statistic(self, wanted: dict[str, Any], where: str) -> Points:
        try:
            compute = statistics.statistic(wanted["Stat"])
        except ValueError:
            name = f"{where}.MetricStat.Stat"
            raise _invalid(f"The value {wanted['Stat']} for parameter {name} is not a valid statistic.") from None
        metric, period = wanted["Metric"], wanted["Period"]
        start, end = window(self._parameters, period, "ValidationError")
        name_of = (metric.get("Namespace", ""), metric.get("MetricName", ""), dimensions_of(metric), wanted.get("Unit"))
        found = self._periods.get((name_of, period))
        if found is None:
            parts = self._store.parts(self._store.find(*name_of).values(), start, end)
            found = self._periods[name_of, period] = periods(parts, start, period)
        values = ((at, compute(of)) for at, of in found.items())
        return {at: value for at, value in values if value is not None}


def _invalid(message: str) -> CloudWatchError:
    return CloudWatchError("ValidationError", message)
