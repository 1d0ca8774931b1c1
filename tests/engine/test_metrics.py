"""What CloudWatch's clients see of functions at the endpoint: the same figures as in the logs of the functions.

Sources: AWS Lambda Developer Guide, "Types of metrics for Lambda functions"; Amazon CloudWatch User Guide,
"Specification: Embedded metric format".
"""

import base64
import datetime
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.analysis.statistics import describe, sample
from tests.engine.endpoint import Endpoint

WORKS = """
import time
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    if event.get("fail"): raise RuntimeError("no luck")
"""
MEASURES = """
import json, time
def handler(event, context):
    directive = {"Namespace": "Shop", "Dimensions": [["Function"]], "Metrics": [{"Name": "Items", "Unit": "Count"}]}
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    print(json.dumps({"_aws": metadata, "Function": context.function_name, "Items": event["items"]}))
"""
PUTS = """
import boto3
def handler(event, context):
    data = [{"MetricName": "Put", "Value": 7, "Dimensions": [{"Name": "Function", "Value": context.function_name}]}]
    boto3.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=data)
"""
DURATION = re.compile(r"REPORT .*\tDuration: ([\d.]+) ms")


def statistics(endpoint: Endpoint, metric: str, *names: str, **changes: Any) -> dict[str, float]:
    """Statistics of the last ten minutes, by boto3; empty where there is no data."""
    now = datetime.datetime.now(datetime.UTC)
    arguments = {
        "Namespace": "AWS/Lambda",
        "MetricName": metric,
        "StartTime": now - datetime.timedelta(minutes=10),
        "EndTime": now + datetime.timedelta(minutes=1),
        "Period": 3600,
    }
    extended = [name for name in names if name[0] in "pt"]
    simple = [name for name in names if name not in extended]
    wanted = {"Statistics": simple} | ({"ExtendedStatistics": extended} if extended else {})
    points = endpoint.client("cloudwatch").get_metric_statistics(**(arguments | wanted | changes))["Datapoints"]
    if not points:
        return {}
    (point,) = points
    values: dict[str, float] = {name: point[name] for name in simple}
    values |= point.get("ExtendedStatistics", {})
    return values


def of(name: str, resource: str | None = None) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": name}]
    return {"Dimensions": dimensions + ([{"Name": "Resource", "Value": resource}] if resource else [])}


def reported_ms(endpoint: Endpoint, name: str, event: bytes = b"{}") -> float:
    """Invoke; the duration of the REPORT line."""
    answer = endpoint.aws_lambda.invoke(FunctionName=name, Payload=event, LogType="Tail")
    match = DURATION.search(base64.b64decode(answer["LogResult"]).decode())
    assert match is not None
    return float(match[1])


def test_invocations_errors_and_durations_are_those_that_callers_saw(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WORKS)
    durations = [reported_ms(endpoint, name, b'{"sleep": 0.0%d}' % (n % 5)) for n in range(20)]
    durations += [reported_ms(endpoint, name, b'{"fail": true}') for _ in range(3)]
    assert statistics(endpoint, "Invocations", "Sum", **of(name)) == {"Sum": 23}
    assert statistics(endpoint, "Errors", "Sum", "SampleCount", **of(name)) == {"Sum": 3, "SampleCount": 23}
    assert statistics(endpoint, "Throttles", "Sum", **of(name)) == {"Sum": 0}
    found = statistics(
        endpoint, "Duration", "SampleCount", "Minimum", "Maximum", "Sum", "p50", "p90", "p99", **of(name)
    )
    expected = describe(sample(durations))
    assert expected is not None
    assert found["SampleCount"] == 23
    assert (found["Minimum"], found["Maximum"]) == (min(durations), max(durations))
    assert abs(found["Sum"] - sum(durations)) < 1e-6
    assert (found["p50"], found["p90"], found["p99"]) == (expected.p50.value, expected.p90, expected.p99.value)


def test_an_alias_has_metrics_of_its_own(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WORKS)
    endpoint.aws_lambda.publish_version(FunctionName=name)
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ("live", "live", "1"):
        endpoint.invoke(name, Qualifier=qualifier)
    endpoint.invoke(name)
    assert statistics(endpoint, "Invocations", "Sum", **of(name)) == {"Sum": 4}
    assert statistics(endpoint, "Invocations", "Sum", **of(name, f"{name}:live")) == {"Sum": 2}
    assert statistics(endpoint, "Invocations", "Sum", **of(name, f"{name}:1")) == {"Sum": 1}
    assert statistics(endpoint, "Invocations", "Sum", **of(name, name)) == {"Sum": 1}
    dimensions = [*of(name, f"{name}:live")["Dimensions"], {"Name": "ExecutedVersion", "Value": "1"}]
    assert statistics(endpoint, "Invocations", "Sum", Dimensions=dimensions) == {"Sum": 2}


def test_a_throttled_request_is_a_throttle_and_nothing_else(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WORKS)
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    for _ in range(2):
        with pytest.raises(ClientError, match="TooManyRequestsException"):
            endpoint.invoke(name)
    assert statistics(endpoint, "Throttles", "Sum", **of(name)) == {"Sum": 2}
    assert statistics(endpoint, "Invocations", "Sum", **of(name)) == {}


def test_concurrency_is_how_many_ran_at_the_same_time(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WORKS)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: endpoint.invoke(name, {"sleep": 1.0}), range(3)))
    endpoint.invoke(name)
    found = statistics(endpoint, "ConcurrentExecutions", "Maximum", "Minimum", **of(name))
    assert found == {"Maximum": 3, "Minimum": 1}


def test_what_a_function_prints_in_the_embedded_metric_format_is_a_metric(endpoint: Endpoint) -> None:
    name = endpoint.new_function(MEASURES)
    for items in (1, 2, [3, 4]):
        endpoint.invoke(name, {"items": items})
    dimensions = [{"Name": "Function", "Value": name}]
    found = statistics(endpoint, "Items", "Sum", "SampleCount", "p50", Namespace="Shop", Dimensions=dimensions)
    assert found == {"Sum": 10, "SampleCount": 4, "p50": 2}
    listed = endpoint.client("cloudwatch").list_metrics(Namespace="Shop", Dimensions=dimensions)["Metrics"]
    assert listed == [{"Namespace": "Shop", "MetricName": "Items", "Dimensions": dimensions}]


def test_what_a_function_puts_and_what_a_client_puts_is_one_metric(endpoint: Endpoint) -> None:
    name = endpoint.new_function(PUTS)
    assert endpoint.invoke(name).function_error is None
    dimensions = [{"Name": "Function", "Value": name}]
    datum = {"MetricName": "Put", "Values": [1.0, 2.0], "Counts": [1.0, 2.0], "Dimensions": dimensions}
    endpoint.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=[datum])
    found = statistics(endpoint, "Put", "Sum", "SampleCount", Namespace="Shop", Dimensions=dimensions)
    assert found == {"Sum": 12, "SampleCount": 4}


def test_metric_math_of_the_dashboards_is_computed(endpoint: Endpoint) -> None:
    name = endpoint.new_function(MEASURES)
    for items in (1, 0, 0, 0):
        endpoint.invoke(name, {"items": items})

    def query(identifier: str, namespace: str, metric: str, dimension: str) -> dict[str, Any]:
        dimensions = [{"Name": dimension, "Value": name}]
        wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
        return {"Id": identifier, "MetricStat": {"Metric": wanted, "Period": 3600, "Stat": "Sum"}, "ReturnData": False}

    now = datetime.datetime.now(datetime.UTC)
    queries = [
        {"Id": "rate", "Expression": "1000 * calls / invocations"},
        query("calls", "Shop", "Items", "Function"),
        query("invocations", "AWS/Lambda", "Invocations", "FunctionName"),
    ]
    window = {"StartTime": now - datetime.timedelta(minutes=10), "EndTime": now + datetime.timedelta(minutes=1)}
    (result,) = endpoint.client("cloudwatch").get_metric_data(MetricDataQueries=queries, **window)["MetricDataResults"]
    assert (result["Id"], result["Values"]) == ("rate", [250.0])


def test_a_bad_request_is_refused_as_aws_refuses_it(endpoint: Endpoint) -> None:
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with pytest.raises(ClientError, match="which exceeds the limit of 1440") as caught:
        statistics(endpoint, "Duration", "Sum", Period=1, StartTime=start)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterCombination"


def test_dashboards_and_alarms_are_still_the_emulators(endpoint: Endpoint) -> None:
    cloudwatch = endpoint.client("cloudwatch")
    cloudwatch.put_dashboard(DashboardName="shop", DashboardBody='{"widgets": []}')
    assert cloudwatch.get_dashboard(DashboardName="shop")["DashboardBody"] == '{"widgets": []}'
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
