"""Event source mappings."""

import json
from typing import Any

import pytest

from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import LAMBDA, ControlPlane, Refusal, check_refusal, refused

API = "test_lambda_api.py, TestLambdaEventSourceMappings"
EXC, NAMES, LIFE = (
    f"{API}.{test}"
    for test in (
        "test_event_source_mapping_exceptions",
        "test_function_name_variations",
        "test_event_source_mapping_lifecycle",
    )
)
SQS = "event_source_mapping/test_lambda_integration_sqs.py, TestSQSEventSourceMapping"
START = "event_source_mapping/test_api.py, TestLambdaEventSourceMappings.test_create_starting_position_validation_exceptions"
INVALID, NOT_FOUND = "InvalidParameterValueException", "ResourceNotFoundException"
ID = "00000000-0000-4000-8000-000000000000"
CREATE = "create_event_source_mapping"
NO_POSITION = "StartingPosition is not valid for SQS event sources."


def of_queue(**settings: Any) -> dict[str, Any]:
    return {"FunctionName": "<name>", "EventSourceArn": "<queue>", **settings}


CASES: list[Any] = (
    [
        (
            f"{operation} of an unknown mapping answers 404",
            EXC,
            operation,
            {"UUID": ID, **more},
            404,
            NOT_FOUND,
            "The resource you requested does not exist.",
        )
        for operation, more in (
            ("get_event_source_mapping", {}),
            ("delete_event_source_mapping", {}),
            ("update_event_source_mapping", {"Enabled": False}),
        )
    ]
    + [
        (
            "a mapping needs a source",
            EXC,
            CREATE,
            {"FunctionName": "unknown"},
            400,
            INVALID,
            "Unrecognized event source.",
        ),
        (
            "a mapping needs a function that exists",
            EXC,
            CREATE,
            {"FunctionName": "unknown", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:any"},
            400,
            INVALID,
            "Function does not exist",
        ),
        (
            "a starting position is one of three",
            START,
            CREATE,
            of_queue(StartingPosition="0"),
            400,
            "ValidationException",
            "1 validation error detected: Value '0' at 'startingPosition' failed to satisfy constraint: Member must satisfy enum value set: […",
        ),
        (
            "a queue has no starting position with a time",
            START,
            CREATE,
            of_queue(StartingPosition="LATEST", StartingPositionTimestamp="1741010802"),
            400,
            INVALID,
            NO_POSITION,
        ),
        (
            "a queue has no starting position at a time",
            START,
            CREATE,
            of_queue(StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp="1741010802"),
            400,
            INVALID,
            NO_POSITION,
        ),
    ]
    + [
        (
            f"the filter {pattern} is refused",
            f"{SQS}.test_sqs_invalid_event_filter",
            CREATE,
            of_queue(FilterCriteria={"Filters": [{"Pattern": pattern}]}),
            400,
            INVALID,
            "Invalid filter pattern definition.",
        )
        for pattern in map(json.dumps, (None, "simple string", {"eventSource": "aws:sqs"}, {"eventSource": []}))
    ]
)


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@pytest.fixture(scope="module")
def mapping(plane: ControlPlane) -> Any:
    """The answer to making a mapping of a queue."""
    made = plane.do(CREATE, FunctionName=plane.name, EventSourceArn=plane.queue)
    yield made
    plane.do("delete_event_source_mapping", UUID=made.body["UUID"])


@behaviour("a new mapping of a queue is being created, with defaults", source=NAMES)
def test_created(plane: ControlPlane, mapping: Any) -> None:
    body = {key: value for key, value in mapping.body.items() if key not in {"UUID", "LastModified"}}
    body.pop("EventSourceMappingArn")
    assert (mapping.status, body) == (
        202,
        {
            "BatchSize": 10,
            "EventSourceArn": plane.queue,
            "FunctionArn": plane.arn,
            "FunctionResponseTypes": [],
            "MaximumBatchingWindowInSeconds": 0,
            "State": "Creating",
            "StateTransitionReason": "USER_INITIATED",
        },
    )


@behaviour("a mapping has an ARN with its id", source=f"{SQS}.test_duplicate_event_source_mappings")
def test_arn(mapping: Any) -> None:
    assert mapping.body["EventSourceMappingArn"] == f"{LAMBDA}:event-source-mapping:{mapping.body['UUID']}"


@behaviour(
    "a second mapping of a queue to a function is refused with the id of the first",
    source=f"{SQS}.test_duplicate_event_source_mappings",
)
def test_duplicate(plane: ControlPlane, mapping: Any) -> None:
    message = (
        f'An event source mapping with SQS arn (" {plane.queue} ") and function (" {plane.name} ") already exists.'
        f" Please update or delete the existing mapping with UUID {mapping.body['UUID']}"
    )
    refusal = plane.refusal(CREATE, FunctionName=plane.name, EventSourceArn=plane.queue)
    assert refusal == Refusal(409, "ResourceConflictException", message)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        pytest.param(name, suffix, marks=behaviour(f"a mapping to {what} has its ARN", source=NAMES))
        for what, name, suffix in (
            ("$LATEST by name", "<name>:$LATEST", ":$LATEST"),
            ("a version by name", "<name>:1", ":1"),
            ("an alias by name", "<name>:live", ":live"),
            ("a version by ARN", "<arn>:2", ":2"),
            ("an alias by ARN", "<arn>:live", ":live"),
        )
    ],
)
def test_function(plane: ControlPlane, name: str, suffix: str) -> None:
    made = plane.do(CREATE, FunctionName=plane.filled(name), EventSourceArn=plane.queue).body
    plane.do("delete_event_source_mapping", UUID=made["UUID"])
    assert made["FunctionArn"] == f"{plane.arn}{suffix}"


@behaviour("a mapping is enabled when it is created", source=LIFE)
def test_enabled(plane: ControlPlane, mapping: Any) -> None:
    assert plane.do("get_event_source_mapping", UUID=mapping.body["UUID"]).body["State"] == "Enabled"


@behaviour("a mapping that is deleted is being deleted in the answer", source=LIFE)
def test_deleted(plane: ControlPlane) -> None:
    made = plane.do(CREATE, FunctionName=plane.new(), EventSourceArn=plane.queue).body
    answer = plane.do("delete_event_source_mapping", UUID=made["UUID"])
    assert (answer.status, answer.body["State"]) == (202, "Deleting")


@behaviour(
    "a mapping is updated to another function: it is updating in the answer",
    source=f"{SQS}.test_sqs_event_source_mapping_update",
)
def test_updated(plane: ControlPlane) -> None:
    made = plane.do(CREATE, FunctionName=plane.new(), EventSourceArn=plane.queue).body
    other = plane.new()
    answer = plane.do("update_event_source_mapping", UUID=made["UUID"], FunctionName=other)
    plane.do("delete_event_source_mapping", UUID=made["UUID"])
    assert (answer.status, answer.body["State"]) == (202, "Updating")
    assert answer.body["FunctionArn"] == f"{LAMBDA}:function:{other}"


@behaviour(
    "a mapping that is created disabled is disabled, and then enabling",
    source="event_source_mapping/test_lambda_integration_sqs.py, test_fifo_message_group_parallelism",
)
def test_disabled(plane: ControlPlane) -> None:
    made = plane.do(CREATE, FunctionName=plane.new(), EventSourceArn=plane.queue, Enabled=False).body
    answer = plane.do("update_event_source_mapping", UUID=made["UUID"], Enabled=True).body
    plane.do("delete_event_source_mapping", UUID=made["UUID"])
    assert (made["State"], answer["State"]) == ("Disabled", "Enabling")


@pytest.fixture(scope="module")
def stream(plane: ControlPlane) -> Any:
    """The ARN of a stream of a table."""
    key = {"AttributeName": "id", "AttributeType": "S"}
    table = plane.endpoint.client("dynamodb").create_table(
        TableName="recorded-stream",
        AttributeDefinitions=[key],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return table["TableDescription"]["LatestStreamArn"]


@behaviour("a mapping of a stream needs a starting position", source=f"{API}.test_create_event_source_validation")
def test_stream_without_position(plane: ControlPlane, stream: str) -> None:
    refusal = plane.refusal(CREATE, FunctionName=plane.name, EventSourceArn=stream)
    assert (refusal.status, refusal.code) == (400, INVALID)


@behaviour("a stream has a time only with the starting position AT_TIMESTAMP", source=START)
def test_stream_with_time(plane: ControlPlane, stream: str) -> None:
    position = {"StartingPosition": "LATEST", "StartingPositionTimestamp": "1741010802"}
    refusal = plane.refusal(CREATE, FunctionName=plane.name, EventSourceArn=stream, **position)
    assert refusal == Refusal(400, INVALID, "Timestamp only valid with StartingPosition AT_TIMESTAMP")


@behaviour("a mapping of a stream is answered with all settings of streams", source=LIFE)
def test_stream(plane: ControlPlane, stream: str) -> None:
    made = plane.do(
        CREATE,
        FunctionName=plane.name,
        EventSourceArn=stream,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        MaximumBatchingWindowInSeconds=1,
        MaximumRetryAttempts=1,
    ).body
    plane.do("delete_event_source_mapping", UUID=made["UUID"])
    expected = {
        "BisectBatchOnFunctionError": False,
        "LastProcessingResult": "No records processed",
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": 1,
        "ParallelizationFactor": 1,
        "StartingPosition": "TRIM_HORIZON",
        "StateTransitionReason": "User action",
        "TumblingWindowInSeconds": 0,
    }
    assert {key: made.get(key) for key in expected} == expected
