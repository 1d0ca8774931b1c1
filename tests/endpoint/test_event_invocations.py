"""Asynchronous invocations: where records go. The queue's retries: `test_event_queue`. The records: `tests/recorded`.

Sources: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and "Retaining
records of Lambda asynchronous invocations".
"""

import json
from typing import Any

from tests.engine.endpoint import Endpoint, until
from tests.engine.raw_http import request

ECHO = "def handler(event, context): return [event, context.aws_request_id, context.invoked_function_arn]\n"
FAILS = """
class Broken(Exception): ...
def handler(event, context): raise Broken("no luck")
"""
ACCOUNT_ARN = "arn:aws:lambda:us-east-1:000000000000:function"


def with_destinations(endpoint: Endpoint, name: str, destination: str, **settings: Any) -> None:
    """Have records of every end sent there."""
    endpoint.aws_lambda.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={"OnSuccess": {"Destination": destination}, "OnFailure": {"Destination": destination}},
        **settings,
    )


def test_an_event_for_an_unknown_function_is_refused(endpoint: Endpoint) -> None:
    """Model: ResourceNotFoundException."""
    answer = request(
        endpoint.url, "POST", "/2015-03-31/functions/nobody/invocations", b"{}", {"X-Amz-Invocation-Type": "Event"}
    )
    assert answer.status == 404


def test_an_event_may_be_one_mib_large(endpoint: Endpoint) -> None:
    """Model: 1 MB for asynchronous invocations; the text is in hyp3 issue 2241, with the limit of its time."""
    name = endpoint.function(ECHO)
    largest = '"' + "x" * (1_048_576 - 2) + '"'
    path, kind = f"/2015-03-31/functions/{name}/invocations", {"X-Amz-Invocation-Type": "Event"}
    assert request(endpoint.url, "POST", path, largest.encode(), kind).status == 202
    answer = request(endpoint.url, "POST", path, largest.encode() + b" ", kind)
    assert answer.status == 413
    assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
    assert answer.json["message"] == (
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    )


def test_an_alias_has_settings_of_its_own(endpoint: Endpoint) -> None:
    """Developer Guide: "Configure error handling settings on a function, a version, or an alias"."""
    name = endpoint.new_function(FAILS)
    endpoint.aws_lambda.publish_version(FunctionName=name)
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    url, arn = endpoint.queue()
    endpoint.aws_lambda.put_function_event_invoke_config(
        FunctionName=name,
        Qualifier="live",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    endpoint.invoke(name, InvocationType="Event", Qualifier="live")
    record = json.loads(endpoint.message(url)["Body"])
    assert record["requestContext"]["functionArn"] == f"{ACCOUNT_ARN}:{name}:live"
    assert record["responseContext"]["executedVersion"] == "1"


def test_a_record_can_go_to_another_function(endpoint: Endpoint) -> None:
    """Developer Guide: "For Lambda, the invocation record is passed as the payload to the function"."""
    url, arn = endpoint.queue()
    last = endpoint.new_function(ECHO)
    with_destinations(endpoint, last, arn)
    first = endpoint.new_function(ECHO)
    with_destinations(endpoint, first, f"{ACCOUNT_ARN}:{last}")
    request_id = endpoint.invoke(first, 5, InvocationType="Event").request_id
    record = json.loads(endpoint.message(url)["Body"])
    assert record["requestPayload"]["requestContext"]["requestId"] == request_id
    assert record["requestPayload"]["requestPayload"] == 5


def test_a_record_can_go_to_a_topic(endpoint: Endpoint) -> None:
    """Developer Guide: "For Amazon SNS, the invocation record is passed as the Message"."""
    url, queue_arn = endpoint.queue()
    sns = endpoint.client("sns")
    topic = sns.create_topic(Name="records")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    name = endpoint.new_function(ECHO)
    with_destinations(endpoint, name, topic)
    endpoint.invoke(name, 5, InvocationType="Event")
    assert json.loads(endpoint.message(url)["Body"])["requestPayload"] == 5


def test_a_record_can_go_to_an_event_bus(endpoint: Endpoint) -> None:
    """Developer Guide: the record is the ``detail``, the source ``lambda``."""
    url, queue_arn = endpoint.queue()
    events = endpoint.client("events")
    bus = events.create_event_bus(Name="records")["EventBusArn"]
    events.put_rule(Name="all", EventBusName="records", EventPattern='{"source": ["lambda"]}')
    events.put_targets(Rule="all", EventBusName="records", Targets=[{"Id": "queue", "Arn": queue_arn}])
    name = endpoint.new_function(ECHO)
    with_destinations(endpoint, name, bus)
    endpoint.invoke(name, 5, InvocationType="Event")
    event = json.loads(endpoint.message(url)["Body"])
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    assert event["detail"]["requestPayload"] == 5
    assert event["resources"] == [bus, f"{ACCOUNT_ARN}:{name}:$LATEST"]


def test_a_destination_that_does_not_exist_is_reported(endpoint: Endpoint) -> None:
    """AWS has a metric for it (DestinationDeliveryFailures); the lab has a warning."""
    name = endpoint.new_function(ECHO)
    arn = "arn:aws:sqs:us-east-1:000000000000:nowhere"
    with_destinations(endpoint, name, arn)
    endpoint.invoke(name, InvocationType="Event")

    def is_reported() -> bool:
        warnings = endpoint.control("GET", "/_lab/info").json["warnings"]
        return any(warning["code"] == "destination_failed" and arn in warning["message"] for warning in warnings)

    until(is_reported)
