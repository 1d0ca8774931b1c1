"""Invoke, as recordings of AWS show it."""

import base64
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.endpoint import Endpoint, Invoked
from tests.engine.raw_http import Answer, request
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.sources import COMMON, LAMBDA

FEATURES = f"{LAMBDA}, TestLambdaFeatures"
BASE = f"{LAMBDA}, TestLambdaBaseFeatures"
CONTEXT = """
import json
def handler(event, context):
    client = context.client_context
    return {
        "event": event, "arn": context.invoked_function_arn, "version": context.function_version,
        "name": context.function_name, "memory": context.memory_limit_in_mb, "id": context.aws_request_id,
        "group": context.log_group_name, "stream": context.log_stream_name,
        "client": client and {"custom": client.custom, "env": client.env},
        "remaining": context.get_remaining_time_in_millis(),
    }
"""
COUNTS = """
counter = -1
def handler(event, context):
    global counter
    counter += 1
    return {"counter": counter}
"""
NOTHING = "def handler(event, context): ..."
ECHO = "def handler(event, context): return event"
LARGE = "def handler(event, context): return 'x' * event"
MOST_BYTES = 6_291_556
TOO_LARGE = {
    "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    "errorType": "Function.ResponseSizeTooLarge",
}


def post(endpoint: Endpoint, name: str, body: bytes = b"{}", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations", body, sent)


@pytest.fixture(scope="module")
def name(endpoint: Endpoint) -> str:
    return endpoint.new_function(CONTEXT)


@pytest.fixture(scope="module")
def invoked(endpoint: Endpoint, name: str) -> Invoked:
    """An invocation without a payload."""
    return endpoint.invoke(name)


@behaviour(
    "a synchronous invocation answers 200 with the version that ran",
    source=f"{FEATURES}.test_invocation_type_request_response[python3.10]",
)
def test_a_synchronous_invocation_is_a_200(invoked: Invoked) -> None:
    assert (invoked.status, invoked.version, invoked.function_error) == (200, "$LATEST", None)


@behaviour("without a payload, the event is an empty object", source=f"{FEATURES}.test_basic_invoke")
def test_without_a_payload_the_event_is_empty(invoked: Invoked) -> None:
    assert invoked.payload["event"] == {}


@behaviour(
    "an event reaches the function as it was sent",
    source=f"{FEATURES}.test_upload_lambda_from_s3",
)
def test_an_event_reaches_the_function(endpoint: Endpoint, name: str) -> None:
    event = {"foo": "bar with 'quotes\""}
    assert endpoint.invoke(name, event).payload["event"] == event


@behaviour(
    "an event invocation is 202, without payload, version or function error",
    source=f"{FEATURES}.test_invocation_type_event[python3.10]",
)
def test_an_event_invocation_is_a_202(endpoint: Endpoint, name: str) -> None:
    answer = endpoint.invoke(name, {}, InvocationType="Event")
    assert (answer.status, answer.payload, answer.version, answer.function_error) == (202, None, None, None)


@behaviour(
    "a dry run is 204, without payload and version",
    source=f"{FEATURES}.test_invocation_type_dry_run[python3.10]",
)
def test_a_dry_run_is_a_204(endpoint: Endpoint, name: str) -> None:
    answer = endpoint.invoke(name, {}, InvocationType="DryRun")
    assert (answer.status, answer.payload, answer.version) == (204, None, None)


@behaviour(
    "a function that returns nothing answers null",
    source=f"{FEATURES}.test_invocation_type_no_return_payload[python-RequestResponse]",
)
def test_a_function_that_returns_nothing_answers_null(endpoint: Endpoint) -> None:
    answer = post(endpoint, endpoint.function(NOTHING))
    assert (answer.status, answer.body) == (200, b"null")


@behaviour(
    "an event invocation of a function that returns nothing is 202 without payload",
    source=f"{FEATURES}.test_invocation_type_no_return_payload[python-Event]",
)
def test_an_event_for_a_function_that_returns_nothing(endpoint: Endpoint) -> None:
    answer = post(endpoint, endpoint.function(NOTHING), x_amz_invocation_type="Event")
    assert (answer.status, answer.body) == (202, b"")


@behaviour(
    "globals stay from one invocation to the next",
    source=f"{LAMBDA}, TestLambdaBehavior.test_lambda_cache_local[python]",
)
def test_globals_stay(endpoint: Endpoint) -> None:
    counts = endpoint.new_function(COUNTS)
    assert [endpoint.invoke(counts).payload["counter"] for _ in range(2)] == [0, 1]


@behaviour("an unknown function is 404 ResourceNotFoundException", source=f"{FEATURES}.test_invoke_exceptions")
def test_an_unknown_function_is_a_404(endpoint: Endpoint) -> None:
    with pytest.raises(ClientError) as refused:
        endpoint.invoke("doesnotexist")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@behaviour(
    "the error of an unknown function has Type User and a Message with the ARN, which ends with $LATEST",
    source=f"{FEATURES}.test_invoke_exceptions",
)
def test_the_error_of_an_unknown_function_has_its_arn(endpoint: Endpoint) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:doesnotexist:$LATEST"
    assert post(endpoint, "doesnotexist").json == {"Type": "User", "Message": f"Function not found: {arn}"}


def encoding(label: str, body: bytes, says: str, fault: str, column: int) -> Any:
    source = f"{LAMBDA}, TestLambdaErrors.test_lambda_invoke_payload_encoding_error[{label}]"
    says = f"a payload that is not JSON is 400 in the words of AWS's parser: {says}"
    return pytest.param(body, fault, column, marks=behaviour(says, source=source), id=label)


@pytest.mark.parametrize(
    ("body", "fault", "column"),
    [
        encoding(
            "body",
            b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt",
            "Invalid UTF-8 start byte 0x87",
            "Invalid UTF-8 start byte 0x87",
            3,
        ),
        encoding(
            "message",
            b"\x99\xeb,j\x07\xa1zYh",
            "Unexpected character",
            "Unexpected character ((CTRL-CHAR, code 153)): expected a valid value"
            " (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            1,
        ),
    ],
)
def test_a_payload_that_is_not_json_is_refused(
    endpoint: Endpoint, name: str, body: bytes, fault: str, column: int
) -> None:
    answer = post(endpoint, name, body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert answer.json == {
        "Type": "User",
        "message": f"Could not parse request body into json: Could not parse payload into json: {fault}\n"
        " at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled);"
        f" line: 1, column: {column}]",
    }


@behaviour("an event of 5 MB reaches the function and comes back", source=f"{BASE}.test_large_payloads")
def test_a_large_event_comes_back(endpoint: Endpoint) -> None:
    event = {"test": "test123456" * 100 * 1000 * 5}
    assert endpoint.invoke(endpoint.function(ECHO), event).payload == event


@behaviour("a result of almost 6 MiB is answered", source=f"{BASE}.test_lambda_large_response")
def test_a_large_result_is_answered(endpoint: Endpoint) -> None:
    assert len(post(endpoint, endpoint.function(LARGE), b"%d" % (MOST_BYTES - 2)).body) == MOST_BYTES


@pytest.fixture(scope="module")
def too_large(endpoint: Endpoint) -> list[Invoked]:
    return [endpoint.invoke(endpoint.function(LARGE), MOST_BYTES - 1) for _ in range(2)]


@behaviour(
    "a larger result is Function.ResponseSizeTooLarge, with the limit of 6,291,556 bytes",
    source=f"{BASE}.test_lambda_too_large_response",
)
def test_a_result_that_is_too_large_is_a_function_error(too_large: list[Invoked]) -> None:
    assert (too_large[0].status, too_large[0].function_error) == (200, "Unhandled")
    assert too_large[0].payload == TOO_LARGE


@behaviour(
    "after a result that was too large, the function can be invoked again",
    source=f"{BASE}.test_lambda_too_large_response",
)
def test_after_a_result_that_was_too_large_the_function_works(too_large: list[Invoked]) -> None:
    assert too_large[1].payload == TOO_LARGE


@behaviour(
    "the request id is a UUID, and the function sees the same",
    source=f"{LAMBDA}, TestRequestIdHandling.test_request_id_invoke",
)
def test_the_function_sees_the_callers_request_id(invoked: Invoked) -> None:
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", invoked.request_id)
    assert invoked.payload["id"] == invoked.request_id


@behaviour(
    "an answer has the type application/json and x-amzn-remapped-content-length 0",
    source="answers of Invoke of 2019 to 2024, quoted in public repositories",
)
def test_an_answer_has_the_headers_of_aws(invoked: Invoked) -> None:
    assert invoked.headers["content-type"] == "application/json"
    assert invoked.headers["x-amzn-remapped-content-length"] == "0"
    assert invoked.headers["x-amz-executed-version"] == "$LATEST"


@behaviour(
    "the client context reaches the function with custom and env",
    source=f"{FEATURES}.test_lambda_with_context",
)
def test_the_client_context_reaches_the_function(endpoint: Endpoint, name: str) -> None:
    sent = {"custom": {"foo": "bar"}, "client": {"snap": ["crackle", "pop"]}, "env": {"fizz": "buzz"}}
    encoded = base64.b64encode(json.dumps(sent).encode()).decode()
    seen = endpoint.invoke(name, {}, ClientContext=encoded).payload["client"]
    assert seen == {"custom": {"foo": "bar"}, "env": {"fizz": "buzz"}}


@behaviour(
    "without a client context, the context has none",
    source=f"{FEATURES}.test_upload_lambda_from_s3",
)
def test_without_a_client_context_there_is_none(invoked: Invoked) -> None:
    assert invoked.payload["client"] is None


@behaviour(
    "the context has name, version, log group and stream, and the memory as text",
    source=f"{FEATURES}.test_upload_lambda_from_s3",
)
def test_the_context_describes_the_function(invoked: Invoked, name: str) -> None:
    seen = invoked.payload
    assert (seen["name"], seen["version"], seen["memory"]) == (name, "$LATEST", "512")
    assert seen["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["stream"])


@behaviour(
    "without a qualifier, the invoked ARN has none",
    source=f"{COMMON}.test_introspection_invoke[python3.12]",
)
def test_the_invoked_arn_has_no_qualifier(invoked: Invoked, name: str) -> None:
    assert invoked.payload["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


@behaviour(
    "with the qualifier $LATEST, the invoked ARN ends with it",
    source=f"{COMMON}.test_introspection_invoke[python3.12]",
)
def test_the_invoked_arn_ends_with_latest(endpoint: Endpoint, name: str) -> None:
    seen = endpoint.invoke(name, {}, Qualifier="$LATEST").payload
    assert seen["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST"


@behaviour(
    "the remaining time is below the timeout",
    source=f"{COMMON}.test_introspection_invoke[python3.12]",
)
def test_the_remaining_time_is_below_the_timeout(invoked: Invoked) -> None:
    assert 0 < invoked.payload["remaining"] <= 10_000


@behaviour(
    "every JSON value that is sent comes back from a function that returns its event",
    source=f"{COMMON}.test_echo_invoke[python3.12]",
)
def test_every_json_value_comes_back(endpoint: Endpoint) -> None:
    echo = endpoint.function(ECHO)
    events = [{"simple": True}, "hello", 1, 1.5, True, ["a", {"b": []}], {"ü": "\N{SNOWMAN}"}, ""]
    assert [endpoint.invoke(echo, event).payload for event in events] == events
