"""What a PutMetricData request holds, if it is valid.

Source: Amazon CloudWatch API reference, "PutMetricData" and "MetricDatum".
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from cloudwatch.metric_store import Part
from cloudwatch.protocol import CloudWatchError
from cloudwatch.series import RESERVED_NAMESPACE, Series, dimensions_of, in_time, usable

MOST_VALUES: Final = 150
KINDS: Final = ("Value", "Values", "StatisticValues")


class Put(NamedTuple):
    """Values of one series in one second: each with its count, or a statistic set."""

    series: Series
    second: int
    values: list[tuple[float, float]]
    statistic_set: Part | None


def puts(parameters: Mapping[str, Any], now: float) -> list[Put]:
    """What a request puts.

    Raises:
        CloudWatchError: some of it is not valid, so that none of it counts.
    """
    namespace = parameters["Namespace"]
    if namespace.startswith(RESERVED_NAMESPACE):
        raise _invalid(f"The value {RESERVED_NAMESPACE} for parameter Namespace is invalid.")
    return [_put(namespace, datum, where, now) for where, datum in _data(parameters)]


def _data(parameters: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, datum in enumerate(parameters.get("MetricData", []), 1):
        yield f"MetricData.member.{number}", datum
    for group, entity in enumerate(parameters.get("EntityMetricData", []), 1):
        for number, datum in enumerate(entity.get("MetricData", []), 1):
            yield f"EntityMetricData.member.{group}.MetricData.member.{number}", datum


def _put(namespace: str, datum: dict[str, Any], where: str, now: float) -> Put:
    at = datum.get("Timestamp", now)
    if not in_time(at, now):
        raise _invalid(f"The parameter {where}.Timestamp must specify a time from two weeks ago to two hours ahead.")
    series = Series(namespace, datum["MetricName"], dimensions_of(datum), datum.get("Unit", "None"))
    second = math.floor(at)
    kind = _kind(datum, where)
    if kind == "StatisticValues":
        return Put(series, second, [], _statistic_set(datum[kind], second, where))
    return Put(series, second, _values(datum, kind, where), None)


def _kind(datum: dict[str, Any], where: str) -> str:
    given = [kind for kind in KINDS if kind in datum]
    if len(given) > 1:
        both = f"{where}.{given[0]} and {where}.{given[1]}"
        message = f"The parameters {both} are mutually exclusive and you have specified both."
        raise CloudWatchError("InvalidParameterCombination", message)
    if not given:
        names = ", ".join(f"{where}.{kind}" for kind in KINDS)
        raise CloudWatchError("MissingParameter", f"One of the parameters {names} must be specified.")
    return given[0]


def _values(datum: dict[str, Any], kind: str, where: str) -> list[tuple[float, float]]:
    values = datum["Values"] if kind == "Values" else [datum["Value"]]
    counts = datum.get("Counts", [1.0] * len(values))
    if len(counts) != len(values):
        raise _invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if len(values) > MOST_VALUES:
        raise _invalid(f"The collection {where}.Values must not have a size greater than {MOST_VALUES}.")
    for value in [*values, *counts]:
        _check_usable(f"{where}.{kind}", value)
    return [(value, count) for value, count in zip(values, counts, strict=True) if count > 0]


def _statistic_set(given: dict[str, float], second: int, where: str) -> Part:
    for name, value in given.items():
        _check_usable(f"{where}.StatisticValues.{name}", value)
    prefix = f"{where}.StatisticValues"
    if given["Maximum"] < given["Minimum"]:
        raise _invalid(f"The parameter {prefix}.Maximum must be greater than {prefix}.Minimum.")
    if given["SampleCount"] <= 0:
        raise _invalid(f"The parameter {prefix}.SampleCount must be greater than 0.")
    return Part(second, given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"], None)


def _check_usable(name: str, value: float) -> None:
    if not usable(value):
        raise _invalid(f"The value {value} for parameter {name} is invalid.")


def _invalid(message: str) -> CloudWatchError:
    return CloudWatchError("InvalidParameterValue", message)
