"""What the endpoint refuses before ministack accepts it, as AWS does: by the Lambda API and in stacks.

`tests/recorded/control_plane` compares the API's refusals with recordings of AWS. Here are those that nobody recorded,
those that the lab makes for itself, and what a stack shows of each.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from facts.runtimes import RETIRED
from tests.engine.endpoint import ROLE, Endpoint, until, zipped

WORKS = "use one of python3.11, python3.12, python3.13, python3.14, or deploy to AWS"
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:twice"
UNKNOWN_QUEUE = "arn:aws:sqs:us-east-1:000000000000:no-such-queue"
FUNCTION = {
    "Runtime": "python3.13",
    "Handler": "index.handler",
    "Role": ROLE,
    "Code": {"ZipFile": "def handler(event, context): return 1"},
}
AS_OF = "2026-11-21"


def message(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Message"])


@pytest.fixture(scope="module")
def name(endpoint: Endpoint) -> str:
    return endpoint.new_function("def handler(event, context): return 1")


def refuse_configuration(endpoint: Endpoint, name: str, **settings: Any) -> str:
    with pytest.raises(ClientError) as caught:
        endpoint.aws_lambda.update_function_configuration(FunctionName=name, **settings)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return message(caught)


@pytest.mark.parametrize("runtime", sorted(RETIRED))
def test_a_retired_runtime_is_refused(endpoint: Endpoint, name: str, runtime: str) -> None:
    """Quoted: AWS's error for python3.7 and nodejs12.x in public logs of deployments."""
    assert refuse_configuration(endpoint, name, Runtime=runtime) == (
        f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions."
        " We recommend you use a supported runtime while creating or updating functions."
    )


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2", "nodejs24.x", "java21", "ruby3.4", "dotnet8"])
def test_provided_and_other_runtimes_are_refused_with_one_line_that_says_what_works(
    endpoint: Endpoint, name: str, runtime: str
) -> None:
    expected = f"{runtime} functions cannot run at the local endpoint: {WORKS}"
    assert refuse_configuration(endpoint, name, Runtime=runtime, Handler="any") == expected
    with pytest.raises(ClientError) as caught:
        endpoint.aws_lambda.create_function(
            FunctionName="other-runtime", Runtime=runtime, Role=ROLE, Handler="any", Code={"ZipFile": zipped("")}
        )
    assert message(caught) == expected
    with pytest.raises(endpoint.aws_lambda.exceptions.ResourceNotFoundException):
        endpoint.aws_lambda.get_function(FunctionName="other-runtime")


def test_an_update_during_an_update_is_refused(endpoint: Endpoint) -> None:
    """Quoted: the error of AWS that deployment scripts meet (409), here until a client has looked, or two seconds."""
    name = endpoint.new_function("handler = print")
    client = endpoint.aws_lambda
    changes: list[tuple[str, dict[str, Any]]] = [
        ("update_function_configuration", {"Timeout": 9}),
        ("update_function_code", {"ZipFile": zipped("handler = len")}),
        ("publish_version", {}),
    ]
    for operation, settings in changes:
        refusals: list[dict[str, Any]] = []

        def is_refused(operation: str = operation, settings: Any = settings, found: Any = refusals) -> bool:
            endpoint.wait_until_active(name)
            client.update_function_configuration(FunctionName=name, Description=operation)
            try:
                getattr(client, operation)(FunctionName=name, **settings)  # a very slow machine is too late
            except client.exceptions.ResourceConflictException as error:
                found.append(error.response)
            return bool(found)

        until(is_refused)
        [refused] = refusals
        assert refused["ResponseMetadata"]["HTTPStatusCode"] == 409
        assert refused["Error"]["Message"] == (
            "The operation cannot be performed at this time. An update is in progress for resource:"
            f" arn:aws:lambda:us-east-1:000000000000:function:{name}"
        )
    endpoint.wait_until_active(name)
    assert client.update_function_configuration(FunctionName=name, Timeout=9)["Timeout"] == 9


def test_publishing_without_a_change_returns_the_same_version(endpoint: Endpoint) -> None:
    """Also after an update that changes nothing, and after permissions, which are no part of a version."""
    name = endpoint.new_function("handler = print", Timeout=9)
    client = endpoint.aws_lambda
    first = client.publish_version(FunctionName=name)
    endpoint.configure(name, Timeout=9)
    permission = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    client.add_permission(FunctionName=name, **permission)
    again = client.publish_version(FunctionName=name, Description="again")
    assert (again["Version"], again["RevisionId"]) == (first["Version"], first["RevisionId"])
    endpoint.configure(name, Timeout=10)
    assert client.publish_version(FunctionName=name)["Version"] == "2"


def test_a_mapping_of_a_missing_queue_is_refused(endpoint: Endpoint, name: str) -> None:
    """Quoted by other emulators of Lambda; no recording of AWS was found."""
    with pytest.raises(endpoint.aws_lambda.exceptions.InvalidParameterValueException) as caught:
        endpoint.aws_lambda.create_event_source_mapping(FunctionName=name, EventSourceArn=UNKNOWN_QUEUE)
    assert message(caught) == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
        " SQS Error Message: The specified queue does not exist or you do not have access to it."
    )


REFUSED_IN_STACKS: dict[str, tuple[dict[str, Any], str]] = {
    "a_runtime_that_cannot_run_here": ({"Runtime": "provided.al2023"}, WORKS),
    "an_unknown_runtime": ({"Runtime": "python9"}, "Value python9 at 'runtime' failed to satisfy constraint"),
    "a_retired_runtime": ({"Runtime": "python3.7"}, "python3.7 is no longer supported"),
    "an_environment_over_4_kb": ({"Environment": {"Variables": {"V": "x" * 4090}}}, "exceeded the 4KB limit"),
    "a_role_that_is_not_an_arn": ({"Role": "r1"}, "Value 'r1' at 'role' failed to satisfy constraint"),
    "two_versions_of_a_layer": ({"Layers": [f"{LAYER}:1", f"{LAYER}:2"]}, "Two different versions of the same layer"),
    "reserved_concurrency_that_leaves_fewer_than_100": (
        {"ReservedConcurrentExecutions": 901},
        "below its minimum value of [100]",
    ),
}
"""Properties of a function that CloudFormation refuses, and what its reason says."""
MAPPINGS_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a_mapping_of_a_missing_queue": (
        {"EventSourceArn": UNKNOWN_QUEUE},
        "The specified queue does not exist or you do not",
    ),
    "an_invalid_filter": ({"FilterCriteria": {"Filters": [{"Pattern": "[]"}]}}, "Invalid filter pattern definition."),
    "a_duplicate_mapping": ({}, "already exists. Please update or delete the existing mapping with UUID"),
}


def template(endpoint: Endpoint, queue: str) -> dict[str, Any]:
    """A stack for each case: with the one resource that is refused, and what that needs."""

    def function(**settings: Any) -> dict[str, Any]:
        return {"Type": "AWS::Lambda::Function", "Properties": FUNCTION | settings}

    def mapping(**settings: Any) -> dict[str, Any]:
        properties = {"FunctionName": {"Ref": "Function"}, "EventSourceArn": queue, **settings}
        return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}

    cases = {case: {"Refused": function(**settings)} for case, (settings, _) in REFUSED_IN_STACKS.items()}
    for case, (settings, _) in MAPPINGS_REFUSED.items():
        first = {"First": mapping()} if case == "a_duplicate_mapping" else {}
        refused = mapping(**settings) | {"DependsOn": list(first)}
        cases[case] = {"Function": function(), **first, "Refused": refused}
    properties = {"FunctionName": {"Ref": "Function"}, "FunctionVersion": "$LATEST", "Name": "2024"}
    alias = {"Type": "AWS::Lambda::Alias", "Properties": properties}
    return cases | {"a_numeric_alias_name": {"Function": function(), "Refused": alias}}


@pytest.fixture(scope="module")
def reasons(endpoint: Endpoint) -> dict[str, str]:
    """Why CloudFormation failed to create the resource, by case."""
    client = endpoint.client("cloudformation")
    for _ in range(2):
        endpoint.aws_lambda.publish_layer_version(LayerName="twice", Content={"ZipFile": zipped("")})
    stacks = {
        case: client.create_stack(StackName=case.replace("_", "-"), TemplateBody=json.dumps({"Resources": resources}))
        for case, resources in template(endpoint, endpoint.queue()[1]).items()
    }

    def are_over() -> bool:
        found = {stack["StackId"]: stack["StackStatus"] for stack in client.describe_stacks()["Stacks"]}
        return all(not found[stack["StackId"]].endswith("_IN_PROGRESS") for stack in stacks.values())

    until(are_over)
    return {
        case: next(
            event["ResourceStatusReason"]
            for event in client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
            if event["ResourceStatus"] == "CREATE_FAILED" and event["LogicalResourceId"] == "Refused"
        )
        for case, stack in stacks.items()
    }


@pytest.mark.parametrize(
    ("case", "says"),
    [
        *((case, says) for case, (_, says) in {**REFUSED_IN_STACKS, **MAPPINGS_REFUSED}.items()),
        ("a_numeric_alias_name", "Value '2024' at 'name' failed to satisfy constraint"),
    ],
)
def test_a_stack_is_refused(reasons: dict[str, str], case: str, says: str) -> None:
    assert reasons[case].startswith('Resource handler returned message: "')
    assert says in reasons[case]


def test_an_update_of_a_stack_waits_for_the_function_before_it_publishes(endpoint: Endpoint) -> None:
    """An update changes code and settings, then publishes: none of it meets a function that is still updated."""
    client = endpoint.client("cloudformation")

    def deploy(act: str, code: str, version: str) -> str:
        function = {"Type": "AWS::Lambda::Function", "Properties": FUNCTION | {"Code": {"ZipFile": code}}}
        published = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}
        body = {"Resources": {"Function": function, version: published}}
        getattr(client, act)(StackName="waits", TemplateBody=json.dumps(body))
        status: list[str] = []

        def is_over() -> bool:
            status[:] = [client.describe_stacks(StackName="waits")["Stacks"][0]["StackStatus"]]
            return not status[0].endswith("_IN_PROGRESS")

        until(is_over)
        return status[0]

    assert deploy("create_stack", "handler = print", "First") == "CREATE_COMPLETE"
    assert deploy("update_stack", "handler = len", "Second") == "UPDATE_COMPLETE"


def test_the_retired_runtimes_are_those_of_cfn_lints_table() -> None:
    """cfn-lint has AWS's table "Lambda runtimes" with the date of each block."""
    found = importlib.util.find_spec("cfnlint")  # not imported: that takes seconds
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "data" / "AdditionalSpecs" / "LmbdRuntimeLifecycle.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    assert {one for one, dates in table.items() if (dates["create-block"] or "9999") <= AS_OF} == RETIRED
