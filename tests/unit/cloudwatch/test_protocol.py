"""What clients of each protocol send is made, and what they get is read, by botocore's own code."""

import datetime
import gzip
import json
import urllib.parse
from typing import Any

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest

from cloudwatch.errors import CloudWatchError
from cloudwatch.protocol import CBOR, JSON, QUERY, Call, Model

AT = datetime.datetime(2026, 11, 21, 12, 30, tzinfo=datetime.UTC)
WIRE = {JSON: "json", CBOR: "smithy-rpc-v2-cbor", QUERY: "query"}
PROTOCOLS = list(WIRE)
SERVICE = botocore.session.Session().get_service_model("cloudwatch")
MODEL = Model()


def call(protocol: str, operation: str, parameters: dict[str, Any]) -> Call:
    """What a client of the protocol sends."""
    serializer: Any = botocore.serialize.create_serializer(WIRE[protocol], include_validation=False)
    request = serializer.serialize_to_request(parameters, SERVICE.operation_model(operation))
    body = request["body"]
    if isinstance(body, dict):
        body = "&".join(f"{name}={_quoted(value)}" for name, value in body.items())
    return Call(operation, protocol, False, body.encode() if isinstance(body, str) else bytes(body))


def _quoted(value: Any) -> str:
    return urllib.parse.quote(str(value), safe="")


def read(answer: Any, protocol: str, operation: str) -> dict[str, Any]:
    """What a client of the protocol makes of an answer."""
    status, headers, body = answer
    response = {"status_code": status, "headers": {n.decode(): v.decode() for n, v in headers}, "body": body}
    parser: Any = botocore.parsers.create_parser(WIRE[protocol])
    parsed: dict[str, Any] = parser.parse(response, SERVICE.operation_model(operation).output_shape)
    return parsed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_parameters_arrive_as_they_were_sent(protocol: str) -> None:
    sent = {
        "Namespace": "Shop & Co",
        "MetricName": "Zeit=é",
        "Dimensions": [{"Name": f"D{n}", "Value": f"{n}&"} for n in range(11)],
        "StartTime": AT,
        "EndTime": AT + datetime.timedelta(hours=1),
        "Period": 300,
        "ExtendedStatistics": ["p99.9", "tm90"],
    }
    found = MODEL.parameters(call(protocol, "GetMetricStatistics", sent))
    assert found == sent | {"StartTime": AT.timestamp(), "EndTime": AT.timestamp() + 3600}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numbers_and_booleans_are_of_their_kind(protocol: str) -> None:
    metric = {"Namespace": "Shop", "MetricName": "Time"}
    stat = {"Metric": metric, "Period": 60, "Stat": "p50"}
    queries = [
        {"Id": "a", "MetricStat": stat, "ReturnData": False},
        {"Id": "e", "Expression": "a + 1", "ReturnData": True},
    ]
    sent = {"MetricDataQueries": queries, "StartTime": AT, "EndTime": AT, "MaxDatapoints": 10}
    found = MODEL.parameters(call(protocol, "GetMetricData", sent))
    assert found["MetricDataQueries"] == queries
    assert found["MaxDatapoints"] == 10
    put = {"Namespace": "Shop", "MetricData": [{"MetricName": "Time", "Values": [1.5, -2.0], "Counts": [1.0, 3.0]}]}
    assert MODEL.parameters(call(protocol, "PutMetricData", put)) == put


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_results_are_read_by_clients(protocol: str) -> None:
    asked = Call("GetMetricStatistics", protocol, False, b"")
    point = {
        "Timestamp": int(AT.timestamp()),
        "Unit": "Count",
        "Sum": 3.0,
        "ExtendedStatistics": {"p99": 1.25, "p5": 2.0},
    }
    found = read(
        MODEL.answer(asked, {"Label": "<Time> & more", "Datapoints": [point, point]}), protocol, "GetMetricStatistics"
    )
    assert found["Label"] == "<Time> & more"
    assert found["Datapoints"] == [point | {"Timestamp": AT}] * 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_results_with_lists_of_times_and_an_empty_list_are_read_by_clients(protocol: str) -> None:
    result = {"Id": "a", "Label": "a", "Timestamps": [int(AT.timestamp())], "Values": [2.0], "StatusCode": "Complete"}
    answer = MODEL.answer(Call("GetMetricData", protocol, False, b""), {"MetricDataResults": [result], "Messages": []})
    found = read(answer, protocol, "GetMetricData")
    assert found["MetricDataResults"] == [result | {"Timestamps": [AT]}]
    assert found["Messages"] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_operation_without_a_result_is_answered(protocol: str) -> None:
    found = read(MODEL.answer(Call("PutMetricData", protocol, False, b""), {}), protocol, "PutMetricData")
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_errors_have_the_code_that_clients_know(protocol: str) -> None:
    """awsQueryCompatible: the code is the Query protocol's in every protocol."""
    error = CloudWatchError("InvalidParameterCombination", "Not <both>.")
    found = read(MODEL.error(Call("GetMetricStatistics", protocol, False, b""), error), protocol, "GetMetricStatistics")
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert found["Error"]["Message"] == "Not <both>."
    codes = {found["Error"]["Code"], found["Error"].get("QueryErrorCode"), *_query_code(found)}
    assert "InvalidParameterCombination" in codes


def _query_code(found: dict[str, Any]) -> list[str]:
    header = found["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amzn-query-error", "")
    return [header.partition(";")[0]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_parameters_that_break_the_model_are_refused(protocol: str) -> None:
    with pytest.raises(CloudWatchError) as caught:
        MODEL.parameters(call(protocol, "GetMetricStatistics", {"Namespace": "Shop"}))
    assert caught.value.code == "ValidationError"
    assert 'Missing required parameter in input: "MetricName"' in str(caught.value)


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b"\xff"),
        (JSON, b'{"MetricData": 1}'),
        (JSON, b'{"MetricData": [{"Value": "x"}]}'),
        (CBOR, b"\xbf"),
        (CBOR, b"\x18"),
        (CBOR, b"\xff"),
        (CBOR, b"\x83\x01"),
        (QUERY, b"MetricData=1&MetricData.member.1.MetricName=a"),
        (QUERY, b"MetricData.member.x.MetricName=a"),
        (QUERY, b"MetricData.member.1.Value=much"),
        (QUERY, b"\xff=\xff"),
    ],
)
def test_bodies_that_cannot_be_read_are_refused(protocol: str, body: bytes) -> None:
    with pytest.raises(CloudWatchError) as caught:
        MODEL.parameters(Call("PutMetricData", protocol, False, body))
    assert caught.value.code in ("SerializationException", "ValidationError")


def test_a_compressed_body_is_read() -> None:
    """botocore compresses PutMetricData of 10 KB and more."""
    body = gzip.compress(json.dumps({"Namespace": "Shop", "MetricData": []}).encode())
    assert MODEL.parameters(Call("PutMetricData", JSON, True, body))["Namespace"] == "Shop"


def test_a_compressed_body_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(CloudWatchError, match="too large"):
        MODEL.parameters(Call("PutMetricData", JSON, True, gzip.compress(bytes(17 << 20))))
