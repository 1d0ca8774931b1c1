"""CloudWatch's operations on metrics: PutMetricData, ListMetrics, GetMetricStatistics, GetMetricData.

Source: Amazon CloudWatch API reference. Unlike there, a period below a minute shows the seconds of every metric, be
it of high resolution or not: a run of the lab lasts a minute.
"""

import base64
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from cloudwatch import statistics
from cloudwatch.metric_data import Queries
from cloudwatch.metric_store import MetricStore
from cloudwatch.periods import periods, window
from cloudwatch.protocol import CloudWatchError
from cloudwatch.put_metric_data import puts
from cloudwatch.series import Series, dimensions_of
from cloudwatch.statistics import Period

MOST_POINTS: Final = 1440
MOST_QUERIES: Final = 500
MOST_DATA_POINTS: Final = 100_800
LISTED: Final = 500
RECENT_S: Final = 3 * 3600

Parameters = dict[str, Any]
Result = dict[str, Any]


class CloudWatch:
    """The operations, over one store. Each raises `CloudWatchError` for what is not valid."""

    def __init__(self, store: MetricStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self.operations: dict[str, Callable[[Parameters], Result]] = {
            "PutMetricData": self.put_metric_data,
            "ListMetrics": self.list_metrics,
            "GetMetricStatistics": self.get_metric_statistics,
            "GetMetricData": self.get_metric_data,
        }

    def put_metric_data(self, parameters: Parameters) -> Result:
        """PutMetricData: all of it, or an error and nothing."""
        for put in puts(parameters, self._clock()):
            number = self._store.number(put.series)
            if number is None:
                continue
            for value, count in put.values:
                self._store.add(put.second, number, value, count)
            if put.statistic_set is not None:
                self._store.add_set(number, put.statistic_set)
        self._store.spill()
        return {}

    def list_metrics(self, parameters: Parameters) -> Result:
        """ListMetrics, 500 at a time."""
        recent = self._clock() - RECENT_S if "RecentlyActive" in parameters else -math.inf
        found = {
            (series.namespace, series.name, series.dimensions): None
            for number, series in enumerate(self._store.all_series)
            if _listed(series, parameters) and self._store.last_second(number) >= recent
        }
        begin = _offset(parameters)
        end = begin + LISTED
        metrics = [
            {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions]}
            for namespace, name, dimensions in list(found)[begin:end]
        ]
        return {"Metrics": metrics} | (_next(end) if end < len(found) else {})

    def get_metric_statistics(self, parameters: Parameters) -> Result:
        """GetMetricStatistics, a data point a period and unit."""
        simple, extended = parameters.get("Statistics", []), parameters.get("ExtendedStatistics", [])
        _check_statistics(simple, extended)
        period = parameters["Period"]
        start, end = window(parameters, period, "InvalidParameterValue")
        asked = math.ceil((end - start) / period)
        if asked > MOST_POINTS:
            raise CloudWatchError(
                "InvalidParameterCombination",
                f"You have requested up to {asked} datapoints, which exceeds the limit of {MOST_POINTS}. You may "
                "reduce the datapoints requested by increasing Period, or decreasing the time range.",
            )
        name = parameters["MetricName"]
        by_unit = self._store.find(parameters["Namespace"], name, dimensions_of(parameters), parameters.get("Unit"))
        points = [
            _datapoint(of, simple, extended) | {"Timestamp": at, "Unit": unit}
            for unit, number in by_unit.items()
            for at, of in periods(self._store.parts([number], start, end), start, period).items()
        ]
        return {"Label": name, "Datapoints": points}

    def get_metric_data(self, parameters: Parameters) -> Result:
        """GetMetricData: statistics of metrics, and metric math over them."""
        queries = parameters["MetricDataQueries"]
        if len(queries) > MOST_QUERIES:
            message = f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}."
            raise CloudWatchError("ValidationError", message)
        data = Queries(self._store, queries, parameters)
        descending = parameters.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = [
            _query_result(query, sorted(data.points(query["Id"]).items(), reverse=descending))
            for query in queries
            if query.get("ReturnData", True)
        ]
        return {"MetricDataResults": results, "Messages": []} | _cut(results, parameters)


def _listed(series: Series, parameters: Parameters) -> bool:
    dimensions = dict(series.dimensions)
    return (
        parameters.get("Namespace") in (None, series.namespace)
        and parameters.get("MetricName") in (None, series.name)
        and all(
            wanted["Name"] in dimensions and wanted.get("Value") in (None, dimensions[wanted["Name"]])
            for wanted in parameters.get("Dimensions", [])
        )
    )


def _check_statistics(simple: Sequence[str], extended: Sequence[str]) -> None:
    if not simple and not extended:
        raise CloudWatchError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics.")
    for number, name in enumerate(simple, 1):
        if name not in statistics.SIMPLE:
            allowed = ", ".join(statistics.SIMPLE)
            message = f"The parameter Statistics.member.{number} must be a value in the set [ {allowed} ]."
            raise CloudWatchError("InvalidParameterValue", message)
    for number, name in enumerate(extended, 1):
        if statistics.EXTENDED.fullmatch(name) is None:
            message = f"The value {name} for parameter ExtendedStatistics.member.{number} is not supported."
            raise CloudWatchError("InvalidParameterValue", message)


def _datapoint(period: Period, simple: Sequence[str], extended: Sequence[str]) -> Result:
    point: Result = {name: statistics.statistic(name)(period) for name in simple}
    if extended:
        values = {name: statistics.statistic(name)(period) for name in extended}
        point["ExtendedStatistics"] = {name: value for name, value in values.items() if value is not None}
    return point


def _query_result(query: dict[str, Any], points: Sequence[tuple[int, float]]) -> Result:
    metric = query.get("MetricStat", {}).get("Metric", {})
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric.get("MetricName") or query["Id"],
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


def _cut(results: Sequence[Result], parameters: Parameters) -> Result:
    """Cut results to what one answer holds. The token tells how many points came before, over all results."""
    begin = _offset(parameters)
    end = begin + min(parameters.get("MaxDatapoints") or MOST_DATA_POINTS, MOST_DATA_POINTS)
    passed = 0
    for result in results:
        kept = slice(max(0, begin - passed), max(0, end - passed))
        passed += len(result["Values"])
        if passed > end:
            result["StatusCode"] = "PartialData"
        result["Timestamps"], result["Values"] = result["Timestamps"][kept], result["Values"][kept]
    return _next(end) if passed > end else {}


def _next(offset: int) -> Result:
    return {"NextToken": base64.b64encode(str(offset).encode()).decode()}


def _offset(parameters: Parameters) -> int:
    token = parameters.get("NextToken")
    try:
        offset = 0 if token is None else int(base64.b64decode(token, validate=True))
    except ValueError:
        offset = -1
    if offset < 0:
        raise CloudWatchError("InvalidNextToken", f"Invalid NextToken: {token}")
    return offset
