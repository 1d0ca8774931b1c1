"""Event invocations and throttling, as recordings of AWS show them."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lab.endpoint.process import started_endpoint
from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import Endpoint, zipped
from tests.engine.raw_http import Answer, request
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.logs import messages
from tests.recorded.data_plane.sources import DESTINATIONS, LAMBDA

ASSESS = f"{DESTINATIONS}, TestLambdaDestinationSqs.test_assess_lambda_destination_invocation"
CONCURRENCY = f"{LAMBDA}, TestLambdaConcurrency"
ECHO = "def handler(event, context): return {'event': event, 'id': context.aws_request_id}\n"
FAILS = "def handler(event, context):\n    raise Exception('Test exception (this is intentional)')\n"
UPDATED = "def handler(event, context): return 'variant-2'\n"
THROTTLED = {
    "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
    "Type": "User",
    "message": "Rate Exceeded.",
}


@pytest.fixture(scope="module")
def fast() -> Iterator[Endpoint]:
    """An endpoint at which a minute between two attempts is a tenth of a second."""
    with started_endpoint(profile="none", options=["--startup", "none", "--clock-speed", "600"]) as url:
        yield Endpoint(url)


def with_destination(endpoint: Endpoint, name: str, **settings: Any) -> str:
    """Have the records of a function's events sent to a queue; its URL."""
    url, arn = endpoint.queue()
    endpoint.aws_lambda.put_function_event_invoke_config(
        FunctionName=name,
        DestinationConfig={"OnSuccess": {"Destination": arn}, "OnFailure": {"Destination": arn}},
        **settings,
    )
    return url


def recorded(endpoint: Endpoint, source: str, event: Any, **settings: Any) -> Any:
    """The record of an event."""
    name = endpoint.new_function(source)
    queue = with_destination(endpoint, name, **settings)
    endpoint.invoke(name, event, InvocationType="Event")
    return {"name": name, **json.loads(endpoint.message(queue)["Body"])}


def post(endpoint: Endpoint, name: str) -> Answer:
    return request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations", b"{}")


@pytest.fixture(scope="module")
def success(endpoint: Endpoint) -> Any:
    return recorded(endpoint, ECHO, {}, MaximumRetryAttempts=0)


@pytest.fixture(scope="module")
def failure(endpoint: Endpoint) -> Any:
    return recorded(endpoint, FAILS, {"raise_error": 1}, MaximumRetryAttempts=0)


@behaviour("the record of a success has condition, count, status and version", source=f"{ASSESS}[payload0]")
def test_the_record_of_a_success_has_its_condition(success: Any) -> None:
    assert success["version"] == "1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", success["timestamp"])
    context = success["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("Success", 1)
    assert success["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


@behaviour("the record names the function by its ARN with $LATEST", source=f"{ASSESS}[payload0]")
def test_the_record_names_the_function(success: Any) -> None:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{success['name']}:$LATEST"
    assert success["requestContext"]["functionArn"] == arn


@behaviour(
    "the record has event, result and the request id that the function saw",
    source=f"{ASSESS}[payload0]",
)
def test_the_record_has_event_and_result(success: Any) -> None:
    assert success["requestPayload"] == {}
    assert success["responsePayload"] == {"event": {}, "id": success["requestContext"]["requestId"]}


@behaviour(
    "without retries, a failure is recorded after one attempt as RetriesExhausted, with functionError Unhandled",
    source=f"{ASSESS}[payload1]",
)
def test_a_failure_without_retries_is_recorded_after_one_attempt(failure: Any) -> None:
    context = failure["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 1)
    assert failure["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }


@pytest.mark.usefixtures("lambdas_paths")
@behaviour("the record of a failure has the error as its result", source=f"{ASSESS}[payload1]")
def test_the_record_of_a_failure_has_the_error(failure: Any) -> None:
    assert failure["requestPayload"] == {"raise_error": 1}
    assert failure["responsePayload"] == {
        "errorMessage": "Test exception (this is intentional)",
        "errorType": "Exception",
        "requestId": failure["requestContext"]["requestId"],
        "stackTrace": [
            '  File "/var/task/function.py", line 2, in handler\n'
            "    raise Exception('Test exception (this is intentional)')\n"
        ],
    }


@pytest.fixture(scope="module")
def retried(fast: Endpoint) -> Any:
    """The record of an event that fails, with the retries that AWS has by default."""
    return recorded(fast, FAILS, {"message": "test"})


@behaviour(
    "by default, an event that fails is recorded after three attempts",
    source=f"{DESTINATIONS}, TestLambdaDestinationSqs.test_lambda_destination_default_retries",
)
def test_by_default_there_are_three_attempts(retried: Any) -> None:
    context = retried["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 3)


@behaviour(
    "all attempts have the request id that the caller got",
    source=f"{LAMBDA}, TestRequestIdHandling.test_request_id_async_invoke_with_retry",
)
def test_all_attempts_have_the_same_request_id(fast: Endpoint, retried: Any) -> None:
    found = messages(fast, retried["name"], reports=3)
    ends = [message for message in found if message.startswith("END ")]
    assert ends == [f"END RequestId: {retried['requestContext']['requestId']}\n"] * 3


@behaviour(
    "each attempt logs START, the error as one event, END and REPORT",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_type_event_error",
)
def test_each_attempt_is_logged(fast: Endpoint, retried: Any) -> None:
    found = messages(fast, retried["name"], reports=3)
    assert [message.split()[0] for message in found] == ["INIT_START", *["START", "[ERROR]", "END", "REPORT"] * 3]


@behaviour(
    "an event that would be too old for its retry is recorded as EventAgeExceeded",
    source=f"{DESTINATIONS}, TestLambdaDestinationSqs.test_maxeventage",
)
def test_an_event_that_would_be_too_old_is_recorded(fast: Endpoint) -> None:
    context = recorded(fast, FAILS, {}, MaximumEventAgeInSeconds=60, MaximumRetryAttempts=2)["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)


@pytest.fixture(scope="module")
def dead_letter(fast: Endpoint) -> Any:
    url, arn = fast.queue()
    name = fast.new_function(FAILS, DeadLetterConfig={"TargetArn": arn})
    request_id = fast.invoke(name, {"raise_error": 1}, InvocationType="Event").request_id
    return {"request_id": request_id, **fast.message(url)}


@behaviour(
    "the dead-letter queue gets the event as it was sent",
    source=f"{DESTINATIONS}, TestLambdaDLQ.test_dead_letter_queue",
)
def test_the_dead_letter_queue_gets_the_event(dead_letter: Any) -> None:
    assert json.loads(dead_letter["Body"]) == {"raise_error": 1}


@behaviour(
    "attributes of a dead letter: ErrorCode 200 as a number, ErrorMessage and RequestID as text",
    source=f"{DESTINATIONS}, TestLambdaDLQ.test_dead_letter_queue",
)
def test_a_dead_letter_has_the_error_as_attributes(dead_letter: Any) -> None:
    assert dead_letter["MessageAttributes"] == {
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "Test exception (this is intentional)"},
        "RequestID": {"DataType": "String", "StringValue": dead_letter["request_id"]},
    }


@pytest.fixture(scope="module")
def turned_off(endpoint: Endpoint) -> tuple[str, Any]:
    """A function without concurrency, and the record of an event for it."""
    name = endpoint.new_function(ECHO)
    queue = with_destination(endpoint, name, MaximumRetryAttempts=0)
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert endpoint.invoke(name, {}, InvocationType="Event").status == 202
    return name, json.loads(endpoint.message(queue)["Body"])


@behaviour(
    "an event for a function without concurrency is recorded as ZeroReservedConcurrency, never run, without a result",
    source=f"{CONCURRENCY}.test_reserved_concurrency",
)
def test_an_event_for_a_function_without_concurrency_is_recorded(turned_off: tuple[str, Any]) -> None:
    context = turned_off[1]["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("ZeroReservedConcurrency", 0)
    assert set(turned_off[1]) == {"version", "timestamp", "requestContext", "requestPayload"}


@behaviour(
    "a function without concurrency is 429 TooManyRequestsException, with its reason",
    source=f"{CONCURRENCY}.test_reserved_concurrency",
)
def test_a_function_without_concurrency_is_throttled(endpoint: Endpoint, turned_off: tuple[str, Any]) -> None:
    answer = post(endpoint, turned_off[0])
    assert (answer.status, answer.json) == (429, THROTTLED)
    assert answer.headers["x-amzn-errortype"] == "TooManyRequestsException"


@pytest.fixture(scope="module")
def updated_while_busy(endpoint: Endpoint) -> tuple[Answer, list[Any]]:
    """The answer while the one reserved invocation runs, and the results of events that waited, and were sent after,
    an update of the code.
    """
    name = endpoint.new_function(WAITS.replace("return ME", "return 'variant-1'"))
    queue = with_destination(endpoint, name)
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with gate() as made, ThreadPoolExecutor(1) as pool:
        running = pool.submit(endpoint.invoke, name, made.event)
        made.wait_for(1)
        throttled = post(endpoint, name)
        endpoint.invoke(name, {}, InvocationType="Event")
        endpoint.aws_lambda.update_function_code(FunctionName=name, ZipFile=zipped(UPDATED))
        endpoint.wait_until_active(name)
        made.open()
        first = running.result().payload
    waited = json.loads(endpoint.message(queue)["Body"])["responsePayload"]
    return throttled, [first, waited]


@behaviour(
    "an invocation beyond the reserved concurrency is 429, with its reason",
    source=f"{CONCURRENCY}.test_reserved_concurrency_async_queue",
)
def test_an_invocation_beyond_the_reserved_concurrency_is_throttled(
    updated_while_busy: tuple[Answer, list[Any]],
) -> None:
    assert (updated_while_busy[0].status, updated_while_busy[0].json) == (429, THROTTLED)


@behaviour(
    "an event that is throttled waits, and runs once there is concurrency",
    source=f"{CONCURRENCY}.test_reserved_concurrency_async_queue",
)
def test_a_throttled_event_runs_later(updated_while_busy: tuple[Answer, list[Any]]) -> None:
    assert len(updated_while_busy[1]) == 2


@behaviour(
    "an event that waits during an update runs the new code",
    source=f"{LAMBDA}, TestLambdaVersions.test_async_invoke_queue_upon_function_update",
)
def test_an_event_that_waits_during_an_update_runs_the_new_code(updated_while_busy: tuple[Answer, list[Any]]) -> None:
    assert updated_while_busy[1] == ["variant-1", "variant-2"]


@behaviour(
    "events of a function that was deleted and made again run",
    source=f"{LAMBDA}, TestLambdaCleanup.test_recreate_function",
)
def test_events_of_a_function_that_was_made_again_run(endpoint: Endpoint) -> None:
    name = endpoint.new_function("def handler(event, context): print(event)\n")
    made = endpoint.aws_lambda.get_function_configuration(FunctionName=name)
    endpoint.invoke(name, {"first": 1})
    endpoint.aws_lambda.delete_function(FunctionName=name)
    settings = {key: made[key] for key in ("FunctionName", "Runtime", "Role", "Handler")}
    source = zipped("def handler(event, context): print('again', event)\n")
    endpoint.aws_lambda.create_function(Code={"ZipFile": source}, **settings)
    endpoint.wait_until_active(name)
    endpoint.invoke(name, {}, InvocationType="Event")
    assert "again {}\n" in messages(endpoint, name, reports=2)
