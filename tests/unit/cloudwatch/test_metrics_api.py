"""CloudWatch's operations by parameters as the model gives them.

Source: Amazon CloudWatch API reference, one page an operation. Messages are as public issue threads and AWS's answers
in LocalStack's validated tests quote them.
"""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.errors import CloudWatchError
from cloudwatch.metrics_api import MetricsApi
from cloudwatch.store import Store

NOW = datetime.datetime(2026, 11, 21, 12, 30, 17, tzinfo=datetime.UTC).timestamp()
MINUTE = NOW - 17


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def cloudwatch(store: Store) -> MetricsApi:
    return MetricsApi(store, clock=lambda: NOW)


def put(cloudwatch: MetricsApi, name: str = "Time", **datum: Any) -> None:
    cloudwatch.put_metric_data({"Namespace": "Shop", "MetricData": [{"MetricName": name, **datum}]})


def get(cloudwatch: MetricsApi, **changes: Any) -> list[dict[str, Any]]:
    parameters = {
        "Namespace": "Shop",
        "MetricName": "Time",
        "StartTime": MINUTE - 600,
        "EndTime": MINUTE + 600,
        "Period": 60,
        "Statistics": ["Sum"],
    }
    points: list[dict[str, Any]] = cloudwatch.get_metric_statistics(parameters | changes)["Datapoints"]
    return points


def query(identifier: str, name: str = "Time", stat: str = "Sum", **changes: Any) -> dict[str, Any]:
    metric = {"Namespace": "Shop", "MetricName": name}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}} | changes


def data(cloudwatch: MetricsApi, *queries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    window = {"StartTime": MINUTE - 600, "EndTime": MINUTE + 600}
    return cloudwatch.get_metric_data({"MetricDataQueries": list(queries)} | window | changes)


def refusal(of: Any, *arguments: Any, **keywords: Any) -> tuple[str, str]:
    with pytest.raises(CloudWatchError) as caught:
        of(*arguments, **keywords)
    return caught.value.code, str(caught.value)


def test_a_value_is_put_now_where_no_time_is_given(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, Value=2.0)
    assert get(cloudwatch) == [{"Timestamp": MINUTE, "Sum": 2.0, "Unit": "None"}]


def test_values_with_counts_are_values_that_often(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, Values=[1.0, 4.0, 9.0], Counts=[7.0, 2.0, 1.0], Unit="Seconds")
    (point,) = get(
        cloudwatch,
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
        ExtendedStatistics=["p50", "p90", "p100", "tm90"],
    )
    assert point == {
        "Timestamp": MINUTE,
        "Unit": "Seconds",
        "SampleCount": 10.0,
        "Sum": 24.0,
        "Average": 2.4,
        "Minimum": 1.0,
        "Maximum": 9.0,
        "ExtendedStatistics": {"p50": 1.0, "p90": 4.0, "p100": 9.0, "tm90": pytest.approx(15 / 9)},
    }


def test_a_value_that_was_seen_no_time_is_none(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, Values=[1.0, 4.0], Counts=[0.0, 2.0])
    assert get(cloudwatch, Statistics=["Minimum"])[0]["Minimum"] == 4.0


def test_values_without_counts_count_once(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, Values=[1.0, 1.0, 4.0])
    assert get(cloudwatch, Statistics=["SampleCount"])[0]["SampleCount"] == 3.0


def test_a_statistic_set_adds_up_with_values(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, StatisticValues={"SampleCount": 3.0, "Sum": 9.0, "Minimum": 1.0, "Maximum": 5.0})
    put(cloudwatch, Value=7.0)
    (point,) = get(cloudwatch, Statistics=["Average", "Maximum"], ExtendedStatistics=["p50"])
    assert (point["Average"], point["Maximum"], point["ExtendedStatistics"]) == (4.0, 7.0, {})


def test_each_unit_has_data_points_of_its_own(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, Value=2.0, Unit="Seconds")
    put(cloudwatch, Value=3.0, Unit="Count")
    assert {(point["Unit"], point["Sum"]) for point in get(cloudwatch)} == {("Seconds", 2.0), ("Count", 3.0)}
    assert [point["Sum"] for point in get(cloudwatch, Unit="Count")] == [3.0]


def test_a_metric_is_found_by_all_of_its_dimensions_only(cloudwatch: MetricsApi) -> None:
    """ "You must specify … the same dimensions that were used when the metrics were created.""" ""
    a, b = {"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}
    put(cloudwatch, Value=2.0, Dimensions=[a, b])
    assert len(get(cloudwatch, Dimensions=[b, a])) == 1
    assert get(cloudwatch, Dimensions=[a]) == []
    assert get(cloudwatch) == []


def test_periods_begin_with_the_start_rounded_down_to_the_minute(cloudwatch: MetricsApi) -> None:
    for second in (-121, -120, 59, 60):
        put(cloudwatch, Value=1.0, Timestamp=MINUTE + second)
    points = get(cloudwatch, StartTime=MINUTE - 120 + 34, EndTime=MINUTE + 61, Period=180)
    assert [(point["Timestamp"] - MINUTE, point["Sum"]) for point in points] == [(-120, 2.0), (60, 1.0)]


def test_a_short_period_rounds_the_start_to_its_own_length(cloudwatch: MetricsApi) -> None:
    """ "… at (HH:mm:ss) 01:05:23 for the previous 10-second period, … you receive data from 01:05:10 to 01:05:20.""" ""
    for second in (9, 10, 19, 20):
        put(cloudwatch, Value=1.0, Timestamp=MINUTE + second)
    points = get(cloudwatch, StartTime=MINUTE + 13, EndTime=MINUTE + 23, Period=10)
    assert [(point["Timestamp"] - MINUTE, point["Sum"]) for point in points] == [(10, 2.0), (20, 1.0)]


def test_more_than_1440_data_points_are_refused(cloudwatch: MetricsApi) -> None:
    assert refusal(get, cloudwatch, StartTime=MINUTE - 1441 * 60, EndTime=MINUTE) == (
        "InvalidParameterCombination",
        "You have requested up to 1441 datapoints, which exceeds the limit of 1440. You may reduce the datapoints "
        "requested by increasing Period, or decreasing the time range.",
    )
    assert get(cloudwatch, StartTime=MINUTE - 1440 * 60, EndTime=MINUTE) == []


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"Statistics": []}, "InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics."),
        (
            {"Statistics": ["Sum", "Mean"]},
            "InvalidParameterValue",
            "The parameter Statistics.member.2 must be a value in the set "
            "[ SampleCount, Average, Sum, Minimum, Maximum ].",
        ),
        (
            {"ExtendedStatistics": ["p101"]},
            "InvalidParameterValue",
            "The value p101 for parameter ExtendedStatistics.member.1 is not supported.",
        ),
        (
            {"StartTime": MINUTE + 601},
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        ),
        (
            {"StartTime": MINUTE + 600},
            "InvalidParameterValue",
            "The parameter StartTime must not equal parameter EndTime.",
        ),
        (
            {"Period": 90},
            "InvalidParameterValue",
            "The parameter Period must be a value in the set [1, 5, 10, 20, 30] or a multiple of 60.",
        ),
    ],
)
def test_a_request_for_statistics_that_is_not_valid(
    cloudwatch: MetricsApi, changes: dict[str, Any], code: str, message: str
) -> None:
    assert refusal(get, cloudwatch, **changes) == (code, message)


@pytest.mark.parametrize(
    ("datum", "code", "message"),
    [
        ({}, "MissingParameter", "One of the parameters MetricData.member.1.Value, "),
        (
            {"Value": 1.0, "Values": [1.0]},
            "InvalidParameterCombination",
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you "
            "have specified both.",
        ),
        (
            {"Values": [1.0, 2.0], "Counts": [1.0]},
            "InvalidParameterValue",
            "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
        ),
        ({"Values": [1.0] * 151}, "InvalidParameterValue", "The collection MetricData.member.1.Values must not have"),
        ({"Value": float("nan")}, "InvalidParameterValue", "The value nan for parameter MetricData.member.1.Value is"),
        (
            {"Value": 1e300},
            "InvalidParameterValue",
            "The value 1e+300 for parameter MetricData.member.1.Value is invalid.",
        ),
        (
            {"Value": 1.0, "Timestamp": NOW - 15 * 86_400},
            "InvalidParameterValue",
            "The parameter MetricData.member.1.Time",
        ),
        (
            {"Value": 1.0, "Timestamp": NOW + 3 * 3600},
            "InvalidParameterValue",
            "The parameter MetricData.member.1.Time",
        ),
        (
            {"StatisticValues": {"SampleCount": 1.0, "Sum": 1.0, "Minimum": 2.0, "Maximum": 1.0}},
            "InvalidParameterValue",
            "The parameter MetricData.member.1.StatisticValues.Maximum must be greater than",
        ),
        (
            {"StatisticValues": {"SampleCount": 0.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}},
            "InvalidParameterValue",
            "The parameter MetricData.member.1.StatisticValues.SampleCount must be greater than 0.",
        ),
    ],
)
def test_a_datum_that_is_not_valid(cloudwatch: MetricsApi, datum: dict[str, Any], code: str, message: str) -> None:
    found_code, found_message = refusal(put, cloudwatch, **datum)
    assert found_code == code
    assert found_message.startswith(message)


def test_of_a_request_with_an_invalid_datum_nothing_is_put(cloudwatch: MetricsApi) -> None:
    data = [{"MetricName": "Time", "Value": 1.0}, {"MetricName": "Time"}]
    refusal(cloudwatch.put_metric_data, {"Namespace": "Shop", "MetricData": data})
    assert get(cloudwatch) == []


def test_awss_own_namespaces_are_reserved(cloudwatch: MetricsApi) -> None:
    put_lambda = {"Namespace": "AWS/Lambda", "MetricData": [{"MetricName": "Errors", "Value": 1.0}]}
    assert refusal(cloudwatch.put_metric_data, put_lambda)[0] == "InvalidParameterValue"


def test_metrics_are_listed_once_whatever_their_units_and_filtered(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, Value=1.0, Unit="Seconds")
    put(cloudwatch, Value=1.0, Unit="Count")
    put(cloudwatch, "Hits", Value=1.0, Dimensions=[{"Name": "A", "Value": "1"}])
    assert [metric["MetricName"] for metric in cloudwatch.list_metrics({})["Metrics"]] == ["Time", "Hits"]
    filters: list[tuple[dict[str, Any], list[str]]] = [
        ({"MetricName": "Hits"}, ["Hits"]),
        ({"Namespace": "Till"}, []),
        ({"Dimensions": [{"Name": "A"}]}, ["Hits"]),
        ({"Dimensions": [{"Name": "A", "Value": "2"}]}, []),
    ]
    for wanted, names in filters:
        assert [metric["MetricName"] for metric in cloudwatch.list_metrics(wanted)["Metrics"]] == names


def test_recently_active_metrics_had_a_value_within_three_hours(cloudwatch: MetricsApi) -> None:
    put(cloudwatch, "Old", Value=1.0, Timestamp=NOW - 3 * 3600 - 60)
    put(cloudwatch, "New", Value=1.0, Timestamp=NOW - 3 * 3600 + 60)
    assert [m["MetricName"] for m in cloudwatch.list_metrics({"RecentlyActive": "PT3H"})["Metrics"]] == ["New"]


def test_metrics_are_listed_500_at_a_time(cloudwatch: MetricsApi) -> None:
    for n in range(501):
        put(cloudwatch, f"m{n}", Value=1.0)
    first = cloudwatch.list_metrics({})
    second = cloudwatch.list_metrics({"NextToken": first["NextToken"]})
    assert (len(first["Metrics"]), len(second["Metrics"]), "NextToken" in second) == (500, 1, False)
    assert refusal(cloudwatch.list_metrics, {"NextToken": "?"})[0] == "InvalidNextToken"


def test_metric_data_comes_newest_first_unless_asked_otherwise(cloudwatch: MetricsApi) -> None:
    for minute in range(3):
        put(cloudwatch, Value=float(minute), Timestamp=MINUTE + 60 * minute)
    (newest_first,) = data(cloudwatch, query("a"))["MetricDataResults"]
    (oldest_first,) = data(cloudwatch, query("a"), ScanBy="TimestampAscending")["MetricDataResults"]
    assert newest_first == {
        "Id": "a",
        "Label": "Time",
        "Timestamps": [MINUTE + 120, MINUTE + 60, MINUTE],
        "Values": [2.0, 1.0, 0.0],
        "StatusCode": "Complete",
    }
    assert oldest_first["Values"] == [0.0, 1.0, 2.0]


def test_metric_math_is_computed_over_other_queries(cloudwatch: MetricsApi) -> None:
    """The expression of the lab's dashboards: calls per 1,000 invocations."""
    put(cloudwatch, "Calls", Values=[1.0, 0.0], Counts=[3.0, 5.0])
    put(cloudwatch, "Invocations", Values=[1.0], Counts=[8.0])
    put(cloudwatch, "Calls", Value=1.0, Timestamp=MINUTE - 60)
    rate = {"Id": "rate", "Expression": "1000 * calls / invocations", "Label": "per 1,000"}
    results = data(
        cloudwatch,
        rate,
        query("calls", "Calls", ReturnData=False),
        query("invocations", "Invocations", ReturnData=False),
        {"Id": "twice", "Expression": "rate * 2"},
        {"Id": "second", "Expression": "calls / PERIOD(calls)"},
    )["MetricDataResults"]
    assert [(of["Id"], of["Label"], of["Timestamps"], of["Values"]) for of in results] == [
        ("rate", "per 1,000", [MINUTE], [375.0]),
        ("twice", "twice", [MINUTE], [750.0]),
        ("second", "second", [MINUTE, MINUTE - 60], [3 / 60, 1 / 60]),
    ]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (
            [query("a", stat="p101")],
            "The value p101 for parameter MetricDataQueries.member.1.MetricStat.Stat is not a valid statistic.",
        ),
        ([query("a"), query("a")], "The values for parameter id in MetricDataQueries must be unique."),
        (
            [{"Id": "a"}],
            "Exactly one of MetricDataQueries.member.1.MetricStat and MetricDataQueries.member.1.Expression must",
        ),
        ([query("a", Expression="a")], "Exactly one of"),
        ([{"Id": "e", "Expression": "b + 1"}], "Error in expression 'e': there is no query with the id 'b'"),
        ([{"Id": "e", "Expression": "e + 1"}], "Error in expression 'e': it refers to itself"),
        (
            [{"Id": "e", "Expression": "FILL(a, 0)"}, query("a")],
            "Error in expression 'e': the function FILL is not supported here",
        ),
        (
            [query(f"q{n}") for n in range(501)],
            "The collection MetricDataQueries must not have a size greater than 500.",
        ),
    ],
)
def test_queries_that_are_not_valid(cloudwatch: MetricsApi, queries: list[dict[str, Any]], message: str) -> None:
    code, found = refusal(data, cloudwatch, *queries)
    assert code == "ValidationError"
    assert found.startswith(message)


def test_metric_data_is_cut_into_pages_over_all_results(cloudwatch: MetricsApi) -> None:
    for minute in range(3):
        for name in ("A", "B"):
            put(cloudwatch, name, Value=float(minute), Timestamp=MINUTE + 60 * minute)
    pages: list[list[list[float]]] = []
    statuses: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = data(cloudwatch, query("a", "A"), query("b", "B"), MaxDatapoints=2, **token)
        pages.append([result["Values"] for result in answer["MetricDataResults"]])
        statuses.append([result["StatusCode"] for result in answer["MetricDataResults"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert pages == [[[2.0, 1.0], []], [[0.0], [2.0]], [[], [1.0, 0.0]]]
    assert statuses[0] == ["PartialData", "PartialData"]
    assert statuses[-1] == ["Complete", "Complete"]
