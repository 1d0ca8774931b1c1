"""Invoke and InvokeAsync, through stock boto3 and as bytes.

"Model" is the API's model (botocore, lambda/2015-03-31); "recorded" is an answer of AWS in LocalStack's validated
snapshots of November 2025; issue numbers are public threads that quote an answer of AWS.
"""

import base64
import itertools
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import ROLE, Endpoint, in_both_transports, until, zipped
from tests.engine.raw_http import Answer, request

ECHO = """
def handler(event, context):
    client = context.client_context
    return {
        "event": event,
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "request_id": context.aws_request_id,
        "client": None if client is None else client.custom,
    }
"""
FAILS = """
class Broken(Exception): ...
def handler(event, context): raise Broken("no luck")
"""
ACCOUNT_ARN = "arn:aws:lambda:us-east-1:000000000000:function"


def post(endpoint: Endpoint, name: str, body: bytes = b"", **headers: str) -> Answer:
    """Invoke as bytes; ``x_amz_log_type="Tail"`` is the header ``x-amz-log-type: Tail``."""
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations", body, sent)


def error_of(endpoint: Endpoint, name: str, **arguments: Any) -> dict[str, Any]:
    """boto3's response for an invocation that fails."""
    client = endpoint.client("lambda", parameter_validation=False)
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName=name, **arguments)
    return dict(caught.value.response)


@in_both_transports
def test_a_synchronous_invocation_answers_with_the_result(endpoint: Endpoint) -> None:
    """Model: 200, ExecutedVersion, the payload."""
    answer = endpoint.invoke(endpoint.function(ECHO), {"a": [1, None, "é"]})
    assert answer.status == 200
    assert answer.payload["event"] == {"a": [1, None, "é"]}
    assert answer.version == "$LATEST"
    assert answer.function_error is None


@in_both_transports
def test_the_request_id_is_a_uuid_and_the_one_that_the_function_sees(endpoint: Endpoint) -> None:
    """Recorded: test_request_id_invoke."""
    answer = endpoint.invoke(endpoint.function(ECHO))
    assert uuid.UUID(answer.request_id).version == 4
    assert answer.payload["request_id"] == answer.request_id


@in_both_transports
def test_no_payload_is_an_empty_object(endpoint: Endpoint) -> None:
    """Recorded: test_basic_invoke."""
    assert post(endpoint, endpoint.function(ECHO)).json["event"] == {}


@in_both_transports
def test_a_function_error_is_a_200_that_says_unhandled(endpoint: Endpoint) -> None:
    """Recorded: test_lambda_handler_error."""
    answer = endpoint.invoke(endpoint.function(FAILS))
    assert answer.status == 200
    assert answer.function_error == "Unhandled"
    assert answer.version == "$LATEST"
    assert answer.payload["errorType"] == "Broken"
    assert answer.payload["errorMessage"] == "no luck"
    assert answer.payload["requestId"] == answer.request_id


@in_both_transports
def test_log_type_tail_gives_the_end_of_the_log(endpoint: Endpoint) -> None:
    """Model: LogResult is the last 4 KB of the log in base64."""
    answer = endpoint.invoke(endpoint.function(ECHO), LogType="Tail")
    log = base64.b64decode(answer.headers["x-amz-log-result"]).decode()
    assert f"START RequestId: {answer.request_id} Version: $LATEST\n" in log
    assert f"END RequestId: {answer.request_id}\n" in log
    assert f"REPORT RequestId: {answer.request_id}\t" in log


def test_log_type_none_gives_no_log(endpoint: Endpoint) -> None:
    """Model: LogType."""
    assert "x-amz-log-result" not in endpoint.invoke(endpoint.function(ECHO), LogType="None").headers


def test_a_dry_run_is_a_204_and_runs_nothing(endpoint: Endpoint) -> None:
    """Recorded: test_invocation_type_dry_run."""
    name = endpoint.function(
        "calls = 0\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls\n"
    )
    before = endpoint.invoke(name).payload
    answer = post(endpoint, name, x_amz_invocation_type="DryRun")
    assert (answer.status, answer.body) == (204, b"")
    assert endpoint.invoke(name, InvocationType="DryRun").status == 204
    assert endpoint.invoke(name).payload == before + 1


def test_a_dry_run_of_a_function_that_does_not_exist_is_a_404(endpoint: Endpoint) -> None:
    """Model: DryRun validates parameters and permission."""
    assert error_of(endpoint, "nobody", InvocationType="DryRun")["Error"]["Code"] == "ResourceNotFoundException"


# Names


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "{}:$LATEST",
        "function:{}",
        "000000000000:function:{}",
        "000000000000:function:{}:$LATEST",
        "arn:aws:lambda:us-east-1:000000000000:function:{}",
        "arn:aws:lambda:us-east-1:000000000000:function:{}:$LATEST",
    ],
)
def test_a_function_has_many_names(endpoint: Endpoint, form: str) -> None:
    """Model: name formats of FunctionName."""
    name = endpoint.function(ECHO)
    suffix = ":$LATEST" if form.endswith("$LATEST") else ""
    answer = endpoint.invoke(form.format(name))
    assert answer.payload["arn"] == f"{ACCOUNT_ARN}:{name}{suffix}"
    assert answer.version == "$LATEST"


@pytest.fixture(scope="module")
def versioned(endpoint: Endpoint) -> str:
    """A function with versions 1 and 2, and the alias ``live`` of 1."""
    name = endpoint.new_function('def handler(event, context): return ["one", context.invoked_function_arn]\n')
    endpoint.aws_lambda.publish_version(FunctionName=name)
    endpoint.invoke(name, Qualifier="1")  # the emulator keeps the newest code only: have this one fetched
    endpoint.publish(name, 'def handler(event, context): return ["two", context.invoked_function_arn]\n')
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


@pytest.mark.parametrize(("qualifier", "word", "version"), [("1", "one", "1"), ("2", "two", "2"), ("live", "one", "1")])
def test_a_qualifier_picks_the_version(
    endpoint: Endpoint, versioned: str, qualifier: str, word: str, version: str
) -> None:
    """Recorded: test_invocation_with_qualifier, test_lambda_alias_moving. The function sees the alias's ARN."""
    for answer in (
        endpoint.invoke(versioned, Qualifier=qualifier),
        endpoint.invoke(f"{versioned}:{qualifier}"),
        endpoint.invoke(f"{ACCOUNT_ARN}:{versioned}:{qualifier}", Qualifier=qualifier),
    ):
        assert answer.payload == [word, f"{ACCOUNT_ARN}:{versioned}:{qualifier}"]
        assert answer.version == version


@pytest.mark.parametrize(
    ("name", "qualifier", "named"),
    [
        ("nobody", None, "nobody:$LATEST"),
        ("nobody:live", None, "nobody:live"),
        ("nobody", "7", "nobody:7"),
        ("000000000000:function:nobody", "live", "nobody:live"),
        (f"{ACCOUNT_ARN}:nobody:$LATEST", None, "nobody:$LATEST"),
        ("n" * 65, None, "n" * 65 + ":$LATEST"),
    ],
)
def test_an_unknown_function_is_named_by_its_arn(
    endpoint: Endpoint, name: str, qualifier: str | None, named: str
) -> None:
    """Recorded: test_invoke_exceptions; the ARN of an unqualified name ends with $LATEST."""
    error = error_of(endpoint, name, **({"Qualifier": qualifier} if qualifier else {}))
    message = f"Function not found: {ACCOUNT_ARN}:{named}"
    assert error["Error"] == {"Code": "ResourceNotFoundException", "Message": message}
    assert error["Type"] == "User"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_an_unknown_version_or_alias_is_named_by_its_arn(endpoint: Endpoint, versioned: str) -> None:
    """Model: ResourceNotFoundException."""
    error = error_of(endpoint, versioned, Qualifier="99")
    assert error["Error"]["Message"] == f"Function not found: {ACCOUNT_ARN}:{versioned}:99"


def test_errors_carry_their_type_in_a_header_and_a_request_id(endpoint: Endpoint) -> None:
    """Headers as in ex_aws pull request 442; the body of a 404 has Message, with a capital (recorded)."""
    answer = post(endpoint, "nobody")
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    assert uuid.UUID(answer.headers["x-amzn-requestid"])
    assert answer.json == {"Type": "User", "Message": f"Function not found: {ACCOUNT_ARN}:nobody:$LATEST"}


def test_a_function_that_is_made_or_deleted_is_noticed_at_once(endpoint: Endpoint) -> None:
    name = endpoint.new_function(ECHO)
    assert endpoint.invoke(name).status == 200
    endpoint.aws_lambda.delete_function(FunctionName=name)
    assert error_of(endpoint, name)["Error"]["Code"] == "ResourceNotFoundException"


def test_a_function_that_is_being_created_cannot_be_invoked_yet(endpoint: Endpoint) -> None:
    """The text is in remotion issue 1186."""
    names, errors = (f"being-created-{number}" for number in itertools.count()), []

    def refused() -> bool:
        name = next(names)  # it is pending for half a second: a busy machine may miss it
        endpoint.aws_lambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="function.handler",
            Code={"ZipFile": zipped(ECHO)},
        )
        try:
            endpoint.invoke(name)
        except ClientError as caught:
            errors.append(caught.response)
        endpoint.wait_until_active(name)
        assert endpoint.invoke(name).status == 200
        return bool(errors)

    until(refused)
    [error] = errors
    assert error["Error"]["Code"] == "ResourceConflictException"
    assert error["Error"]["Message"] == (
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    )
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_a_function_stays_invocable_while_it_is_updated(endpoint: Endpoint) -> None:
    """Developer Guide, "Lambda function states": only LastUpdateStatus changes, and invocations go on."""
    name = endpoint.new_function(ECHO)
    endpoint.aws_lambda.update_function_configuration(FunctionName=name, Timeout=9)
    assert endpoint.invoke(name).status == 200


def test_a_malformed_name_breaks_the_models_pattern(endpoint: Endpoint) -> None:
    """Model: NamespacedFunctionName; form of the message recorded (test_lambda_api: Invoke)."""
    error = error_of(endpoint, "no body")
    assert error["Error"]["Code"] == "ValidationException"
    assert error["Error"]["Message"] == (
        "1 validation error detected: Value 'no body' at 'functionName' failed to satisfy constraint: Member must "
        r"satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?"
        r"-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
    )
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "name", ["a:b:c", "%00", "a%2Fb", "%ff%fe", "arn:aws:lambda:us-east-1:1:function:f", "%F0%9F%98%80", "."]
)
def test_no_name_breaks_the_endpoint(endpoint: Endpoint, name: str) -> None:
    assert post(endpoint, name, b"{}").status in (400, 404)


def test_all_faults_of_a_request_are_reported_together(endpoint: Endpoint) -> None:
    """The form of AWS's validation errors: "N validation errors detected", parted by semicolons."""
    answer = post(endpoint, "f" * 257, x_amz_invocation_type="Sometime", x_amz_log_type="Head")
    assert answer.headers["x-amzn-errortype"] == "ValidationException"
    message = answer.json["message"]
    assert message.startswith("3 validation errors detected: Value 'fff")
    assert (
        "at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 256; " in message
    )
    assert message.endswith(
        "; Value 'Head' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"
    )


def test_an_unknown_invocation_type_is_refused_with_the_known_ones(endpoint: Endpoint) -> None:
    """ex_aws pull request 442 quotes the body."""
    answer = post(endpoint, endpoint.function(ECHO), x_amz_invocation_type="dry_run")
    assert answer.status == 400
    assert answer.headers["x-amzn-errortype"] == "ValidationException"
    assert answer.json == {
        "message": "1 validation error detected: Value 'dry_run' at 'invocationType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [DryRun, RequestResponse, Event]"
    }


def test_an_unknown_log_type_is_refused_for_a_function_that_is_known(endpoint: Endpoint) -> None:
    """Model: LogType."""
    name = endpoint.function(ECHO)
    endpoint.invoke(name)
    assert post(endpoint, name, x_amz_log_type="tail").headers["x-amzn-errortype"] == "ValidationException"


@pytest.mark.parametrize(
    ("qualifier", "constraint"), [("a b", "satisfy regular expression pattern: "), ("q" * 129, "128")]
)
def test_a_malformed_qualifier_is_refused(endpoint: Endpoint, qualifier: str, constraint: str) -> None:
    """Model: NumericLatestPublishedOrAliasQualifier."""
    error = error_of(endpoint, endpoint.function(ECHO), Qualifier=qualifier)
    assert error["Error"]["Code"] == "ValidationException"
    assert f"Value '{qualifier}' at 'qualifier' failed to satisfy constraint: Member must " in error["Error"]["Message"]
    assert constraint in error["Error"]["Message"]


def test_a_qualifier_other_than_the_names_is_refused(endpoint: Endpoint, versioned: str) -> None:
    """EventBridge Scheduler User Guide, troubleshooting universal targets, quotes the error."""
    error = error_of(endpoint, f"{versioned}:1", Qualifier="2")
    assert error["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "The derived qualifier from the function name does not match the specified qualifier.",
    }
    assert error["Type"] == "User"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_function_of_another_region_is_not_reachable(endpoint: Endpoint) -> None:
    """The text is in public threads, with this status and error type."""
    error = error_of(endpoint, "arn:aws:lambda:eu-west-1:000000000000:function:f")
    assert error["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
    }


def test_a_function_of_another_account_is_denied(endpoint: Endpoint) -> None:
    """IAM User Guide, "Troubleshoot access denied error messages": the form of the text."""
    error = error_of(endpoint, "arn:aws:lambda:us-east-1:111122223333:function:f")
    assert error["Error"]["Code"] == "AccessDeniedException"
    assert error["Error"]["Message"].endswith(
        "is not authorized to perform: lambda:InvokeFunction on resource: "
        "arn:aws:lambda:us-east-1:111122223333:function:f "
        "because no resource-based policy allows the lambda:InvokeFunction action"
    )
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403


# Payloads


@pytest.mark.parametrize("kind", ["Event", "DryRun"])
def test_a_payload_that_is_not_json_is_refused_for_every_invocation_type(endpoint: Endpoint, kind: str) -> None:
    """Model: InvalidRequestContentException."""
    answer = post(endpoint, endpoint.function(ECHO), b"{", x_amz_invocation_type=kind)
    assert answer.headers["x-amzn-errortype"] == "InvalidRequestContentException"


@in_both_transports
def test_a_request_of_six_mib_is_taken(endpoint: Endpoint) -> None:
    """Developer Guide, "Lambda quotas": 6 MB each for request and response."""
    body = json.dumps("x" * (6_291_456 - 2)).encode()
    answer = post(endpoint, endpoint.function("def handler(event, context): return len(event)\n"), body)
    assert (len(body), answer.json) == (6_291_456, 6_291_454)


def test_a_larger_request_is_refused(endpoint: Endpoint) -> None:
    """The error is in streetwarp-web issue 14 and aws-athena-query-federation issue 793."""
    answer = post(endpoint, endpoint.function(ECHO), b'"' + b"x" * 6_291_455 + b'"')
    assert answer.status == 413
    assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
    assert answer.json["message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


@in_both_transports
def test_a_response_over_the_limit_is_a_function_error(endpoint: Endpoint) -> None:
    """Recorded: test_lambda_too_large_response."""
    name = endpoint.function("def handler(event, context): return 'x' * event\n")
    answer = endpoint.invoke(name, 6_291_557)
    assert (answer.status, answer.function_error, answer.version) == (200, "Unhandled", "$LATEST")
    assert answer.payload == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


@in_both_transports
def test_a_response_at_the_limit_is_answered(endpoint: Endpoint) -> None:
    """The same limit, from below: quotes count."""
    name = endpoint.function("def handler(event, context): return 'x' * event\n")
    assert len(endpoint.invoke(name, 6_291_554).payload) == 6_291_554


# Client context


@in_both_transports
def test_the_client_context_reaches_the_function(endpoint: Endpoint) -> None:
    """Recorded: test_lambda_with_context."""
    context = base64.b64encode(json.dumps({"custom": {"foo": "bar"}}, indent=1).encode()).decode()
    assert endpoint.invoke(endpoint.function(ECHO), ClientContext=context).payload["client"] == {"foo": "bar"}


@pytest.mark.parametrize("context", ["{}", "!", base64.b64encode(b"[1]").decode(), base64.b64encode(b"{").decode()])
def test_a_client_context_that_is_no_object_in_base64_is_refused(endpoint: Endpoint, context: str) -> None:
    """aws-sdk-js issue 1388 quotes the text."""
    error = error_of(endpoint, endpoint.function(ECHO), ClientContext=context)
    assert error["Error"] == {
        "Code": "InvalidRequestContentException",
        "Message": "Client context must be a valid Base64-encoded JSON object.",
    }
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_client_context_over_its_limit_is_refused(endpoint: Endpoint) -> None:
    """Model: up to 3,583 bytes of base64-encoded data."""
    context = base64.b64encode(json.dumps({"custom": {"a": "x" * 2700}}).encode()).decode()
    assert len(context) > 3583
    assert error_of(endpoint, endpoint.function(ECHO), ClientContext=context)["Error"]["Code"] == "ValidationException"


def test_a_response_stream_is_the_result_in_one_chunk(endpoint: Endpoint) -> None:
    """Model: InvokeWithResponseStream. The emulator answers it, and has the endpoint run the function."""
    answer = endpoint.aws_lambda.invoke_with_response_stream(FunctionName=endpoint.function(ECHO), Payload=b"7")
    chunk, complete = answer["EventStream"]
    assert json.loads(chunk["PayloadChunk"]["Payload"])["event"] == 7
    assert complete == {"InvokeComplete": {}}


# InvokeAsync


def test_invoke_async_accepts_an_event(endpoint: Endpoint) -> None:
    """Model: InvokeAsync, deprecated, answers 202."""
    answer = endpoint.aws_lambda.invoke_async(FunctionName=endpoint.function(ECHO), InvokeArgs=b"{}")
    assert answer["Status"] == 202


def test_invoke_async_takes_256_kib_at_most(endpoint: Endpoint) -> None:
    """Model: "The payload limit is 256KB. For larger payloads, for up to 1MB, use Invoke"."""
    with pytest.raises(ClientError) as caught:
        endpoint.aws_lambda.invoke_async(FunctionName=endpoint.function(ECHO), InvokeArgs=b'"' + b"x" * 262_143 + b'"')
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"


def test_invoke_async_of_an_unknown_function_is_a_404(endpoint: Endpoint) -> None:
    """Model: ResourceNotFoundException."""
    with pytest.raises(ClientError) as caught:
        endpoint.aws_lambda.invoke_async(FunctionName="nobody", InvokeArgs=b"{}")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@in_both_transports
def test_invocations_of_many_callers_run_side_by_side(endpoint: Endpoint) -> None:
    """Developer Guide, "Understanding Lambda function scaling": a busy environment is never waited for."""
    name = endpoint.function(WAITS, Timeout=60)
    with ThreadPoolExecutor(4) as callers, gate() as made:
        answers = [callers.submit(endpoint.invoke, name, made.event) for _ in range(4)]
        made.wait_for(4)
        made.open()
        assert len({answer.result().payload for answer in answers}) == 4


@in_both_transports
def test_a_function_can_invoke_another_with_stock_boto3(endpoint: Endpoint) -> None:
    """AWS_ENDPOINT_URL leads its clients to the endpoint, with the environment's own credentials."""
    name = endpoint.function(
        """
        import boto3
        def handler(event, context):
            answer = boto3.client("lambda").invoke(FunctionName=event, Payload=b'"from a function"')
            return answer["Payload"].read().decode()
        """
    )
    inner = endpoint.function("def handler(event, context): return event\n")
    assert endpoint.invoke(name, inner).payload == '"from a function"'
