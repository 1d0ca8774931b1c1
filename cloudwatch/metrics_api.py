"""CloudWatch's operations on metrics: PutMetricData, ListMetrics, GetMetricStatistics, GetMetricData.

Source: Amazon CloudWatch API reference, a page for each operation. Unlike there, a period below a minute shows the
seconds of every metric, not only of those of high resolution: a run of the lab lasts a minute.
"""

import base64
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from cloudwatch import metric_math
from cloudwatch.errors import CloudWatchError
from cloudwatch.metric_math import MathError, Points
from cloudwatch.series import RESERVED_NAMESPACE, SHORT_PERIODS, MetricStat, Series, dimensions_of, in_time, usable
from cloudwatch.statistics import EXTENDED, SIMPLE, is_statistic
from cloudwatch.store import Store

MOST_VALUES: Final = 150
MOST_POINTS: Final = 1440
MOST_QUERIES: Final = 500
MOST_DATA_POINTS: Final = 100_800
LISTED: Final = 500
RECENT_S: Final = 3 * 3600
KINDS: Final = ("Value", "Values", "StatisticValues")

Parameters = Mapping[str, Any]
StatisticSet = tuple[float, float, float, float]
Result = dict[str, Any]


class MetricsApi:
    """The operations, over one store. Each raises `CloudWatchError` for what is not valid."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self.operations: dict[str, Callable[[Parameters], Result]] = {
            "PutMetricData": self.put_metric_data,
            "ListMetrics": self.list_metrics,
            "GetMetricStatistics": self.get_metric_statistics,
            "GetMetricData": self.get_metric_data,
        }

    def put_metric_data(self, parameters: Parameters) -> Result:
        """PutMetricData: all of it, or an error and nothing."""
        namespace, now = parameters["Namespace"], self._clock()
        if namespace.startswith(RESERVED_NAMESPACE):
            raise _invalid(f"The value {RESERVED_NAMESPACE} for parameter Namespace is invalid.")
        for series, second, values in [_put(namespace, datum, where, now) for where, datum in _data(parameters)]:
            number = self._store.series_id(series)
            if number is None:
                continue
            if isinstance(values, tuple):
                self._store.add_set(second, number, values)
                continue
            for value, count in values:
                self._store.add(second, number, [value], count)
        self._store.spill()
        return {}

    def list_metrics(self, parameters: Parameters) -> Result:
        """ListMetrics, 500 at a time."""
        numbers = self._store.all_series
        if "RecentlyActive" in parameters:
            active = self._store.active_since(self._clock() - RECENT_S)
            numbers = {series: number for series, number in numbers.items() if number in active}
        found = list(dict.fromkeys(series[:3] for series in numbers if _listed(series, parameters)))
        begin = _offset(parameters)
        end = begin + LISTED
        metrics = [
            {"Namespace": namespace, "MetricName": name, "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions]}
            for namespace, name, dimensions in found[begin:end]
        ]
        return {"Metrics": metrics} | (_next(end) if end < len(found) else {})

    def get_metric_statistics(self, parameters: Parameters) -> Result:
        """GetMetricStatistics, a data point for each period and unit."""
        names, extended = parameters.get("Statistics", []), parameters.get("ExtendedStatistics", [])
        _check_statistics(names, extended)
        period = parameters["Period"]
        start, end = _window(parameters, period, "InvalidParameterValue")
        asked = math.ceil((end - start) / period)
        if asked > MOST_POINTS:
            raise CloudWatchError(
                "InvalidParameterCombination",
                f"You have requested up to {asked} datapoints, which exceeds the limit of {MOST_POINTS}. You may "
                "reduce the datapoints requested by increasing Period, or decreasing the time range.",
            )
        metric = (parameters["Namespace"], parameters["MetricName"], dimensions_of(parameters))
        units = [unit for unit in self._store.units(*metric) if parameters.get("Unit") in (None, unit)]
        wanted = [MetricStat(*metric, name, unit) for unit in units for name in ("SampleCount", *names, *extended)]
        found = self._store.statistics(wanted, start=start, end=end, period=period)

        def values(unit: str, at: float, chosen: Sequence[str]) -> dict[str, float]:
            points = {name: found[MetricStat(*metric, name, unit)] for name in chosen}
            return {name: of[at] for name, of in points.items() if at in of}

        points = [
            {"Timestamp": at, "Unit": unit, **values(unit, at, names)}
            | ({"ExtendedStatistics": values(unit, at, extended)} if extended else {})
            for unit in units
            for at in found[MetricStat(*metric, "SampleCount", unit)]
        ]
        return {"Label": metric[1], "Datapoints": points}

    def get_metric_data(self, parameters: Parameters) -> Result:
        """GetMetricData: statistics of metrics, and metric math over them."""
        queries = parameters["MetricDataQueries"]
        if len(queries) > MOST_QUERIES:
            raise _bad_query(f"The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}.")
        data = _Queries(self._store, queries, parameters)
        descending = parameters.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results = [
            _query_result(query, sorted(data.points(query["Id"]).items(), reverse=descending))
            for query in queries
            if query.get("ReturnData", True)
        ]
        return {"MetricDataResults": results, "Messages": []} | _cut(results, parameters)


class _Queries:
    """The queries of one GetMetricData, each computed once, however many refer to it."""

    def __init__(self, store: Store, queries: Sequence[Parameters], parameters: Parameters) -> None:
        self._queries = {query["Id"]: query for query in queries}
        if len(self._queries) < len(queries):
            raise _bad_query("The values for parameter id in MetricDataQueries must be unique.")
        self._lengths: dict[str, int] = {}
        self._points: dict[str, Points] = {}
        self._under_way: set[str] = set()
        by_period: dict[int, dict[str, MetricStat]] = {}
        for number, query in enumerate(queries, 1):
            where = f"MetricDataQueries.member.{number}"
            if ("MetricStat" in query) == ("Expression" in query):
                raise _bad_query(f"Exactly one of {where}.MetricStat and {where}.Expression must be specified.")
            if "MetricStat" in query:
                self._lengths[query["Id"]] = period = query["MetricStat"]["Period"]
                by_period.setdefault(period, {})[query["Id"]] = _metric_stat(query["MetricStat"], where)
        for period, stats in by_period.items():
            start, end = _window(parameters, period, "ValidationError")
            found = store.statistics(set(stats.values()), start=start, end=end, period=period)
            self._points |= {identifier: found[stat] for identifier, stat in stats.items()}

    def points(self, identifier: str) -> Points:
        """A query's values by time."""
        if identifier not in self._points:
            if identifier in self._under_way:
                raise _bad_query(f"Error in expression '{identifier}': it refers to itself")
            self._under_way.add(identifier)
            expression = self._queries[identifier]["Expression"]
            operands = {name: self.points(name) for name in metric_math.names(expression) if name in self._queries}
            try:
                self._points[identifier] = metric_math.evaluate(expression, operands, self._lengths)
            except MathError as error:
                raise _bad_query(f"Error in expression '{identifier}': {error}") from None
        return self._points[identifier]


def _metric_stat(given: Parameters, where: str) -> MetricStat:
    if not is_statistic(given["Stat"]):
        raise _bad_query(f"The value {given['Stat']} for parameter {where}.MetricStat.Stat is not a valid statistic.")
    metric = given["Metric"]
    names = metric.get("Namespace", ""), metric.get("MetricName", "")
    return MetricStat(*names, dimensions_of(metric), given["Stat"], given.get("Unit"))


def _data(parameters: Parameters) -> Iterator[tuple[str, Parameters]]:
    for number, datum in enumerate(parameters.get("MetricData", []), 1):
        yield f"MetricData.member.{number}", datum
    for group, entity in enumerate(parameters.get("EntityMetricData", []), 1):
        for number, datum in enumerate(entity.get("MetricData", []), 1):
            yield f"EntityMetricData.member.{group}.MetricData.member.{number}", datum


def _put(
    namespace: str, datum: Parameters, where: str, now: float
) -> tuple[Series, int, list[tuple[float, float]] | StatisticSet]:
    """The series and the second of a datum, and its values with their counts or its statistic set."""
    at = datum.get("Timestamp", now)
    if not in_time(at, now):
        raise _invalid(f"The parameter {where}.Timestamp must specify a time from two weeks ago to two hours ahead.")
    series = Series(namespace, datum["MetricName"], dimensions_of(datum), datum.get("Unit", "None"))
    given = [kind for kind in KINDS if kind in datum]
    if len(given) > 1:
        both = f"{where}.{given[0]} and {where}.{given[1]}"
        message = f"The parameters {both} are mutually exclusive and you have specified both."
        raise CloudWatchError("InvalidParameterCombination", message)
    if not given:
        names = ", ".join(f"{where}.{kind}" for kind in KINDS)
        raise CloudWatchError("MissingParameter", f"One of the parameters {names} must be specified.")
    if given == ["StatisticValues"]:
        return series, math.floor(at), _statistic_set(datum["StatisticValues"], f"{where}.StatisticValues")
    return series, math.floor(at), _values(datum, given[0], where)


def _values(datum: Parameters, kind: str, where: str) -> list[tuple[float, float]]:
    values = datum["Values"] if kind == "Values" else [datum["Value"]]
    counts = datum.get("Counts", [1.0] * len(values))
    if len(counts) != len(values):
        raise _invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if len(values) > MOST_VALUES:
        raise _invalid(f"The collection {where}.Values must not have a size greater than {MOST_VALUES}.")
    for value in [*values, *counts]:
        _check_usable(f"{where}.{kind}", value)
    return list(zip(values, counts, strict=True))


def _statistic_set(given: Mapping[str, float], where: str) -> StatisticSet:
    for name, value in given.items():
        _check_usable(f"{where}.{name}", value)
    if given["Maximum"] < given["Minimum"]:
        raise _invalid(f"The parameter {where}.Maximum must be greater than {where}.Minimum.")
    if given["SampleCount"] <= 0:
        raise _invalid(f"The parameter {where}.SampleCount must be greater than 0.")
    return given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"]


def _check_usable(name: str, value: float) -> None:
    if not usable(value):
        raise _invalid(f"The value {value} for parameter {name} is invalid.")


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


def _check_statistics(names: Sequence[str], extended: Sequence[str]) -> None:
    if not names and not extended:
        raise CloudWatchError("InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics.")
    for number, name in enumerate(names, 1):
        if name not in SIMPLE:
            allowed = ", ".join(SIMPLE)
            raise _invalid(f"The parameter Statistics.member.{number} must be a value in the set [ {allowed} ].")
    for number, name in enumerate(extended, 1):
        if EXTENDED.fullmatch(name) is None:
            raise _invalid(f"The value {name} for parameter ExtendedStatistics.member.{number} is not supported.")


def _window(parameters: Parameters, period: int, code: str) -> tuple[int, int]:
    """The seconds of a request, from (included) and to (not included).

    The start is rounded down to a minute, or to a shorter period (API reference, "GetMetricStatistics").
    """
    start, end = parameters["StartTime"], parameters["EndTime"]
    if start >= end:
        relation = "not equal parameter" if start == end else "be less than the parameter"
        raise CloudWatchError(code, f"The parameter StartTime must {relation} EndTime.")
    if period not in SHORT_PERIODS and period % 60:
        message = "The parameter Period must be a value in the set [1, 5, 10, 20, 30] or a multiple of 60."
        raise CloudWatchError(code, message)
    step = min(period, 60)
    return math.floor(start / step) * step, math.ceil(end)


def _query_result(query: Parameters, points: Sequence[tuple[float, float]]) -> Result:
    metric = query.get("MetricStat", {}).get("Metric", {})
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric.get("MetricName") or query["Id"],
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


def _cut(results: Sequence[Result], parameters: Parameters) -> Result:
    """Cut results to what one answer holds. The token says how many points came before, over all results."""
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


def _invalid(message: str) -> CloudWatchError:
    return CloudWatchError("InvalidParameterValue", message)


def _bad_query(message: str) -> CloudWatchError:
    return CloudWatchError("ValidationError", message)
