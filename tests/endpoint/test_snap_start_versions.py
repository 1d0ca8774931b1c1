"""The state of a version with SnapStart: Pending until its snapshot is taken, then Active or Failed.

Sources: the AWS Lambda Developer Guide, "Lambda SnapStart and function states"; quoted are StateReason and
CloudFormation's message in aws-samples/bedrock-chat issue 653, StateReasonCode in hashicorp/terraform-provider-aws
issue 49904.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.gate import gate
from tests.engine.endpoint import ROLE, Endpoint, in_both_transports, until

ON = {"ApplyOn": "PublishedVersions"}
HANDLER = """
    def handler(event, context): return "served"
"""
BROKEN_HOOK = f"""
    from snapshot_restore_py import register_before_snapshot
    @register_before_snapshot
    def broken(): raise ValueError("the hook is broken")
{HANDLER}"""
BROKEN_INIT = f"""
    raise ValueError("init is broken")
{HANDLER}"""
FAILED = {
    "State": "Failed",
    "StateReason": "An error occurred during function initialization.",
    "StateReasonCode": "FunctionError",
}


def publish(endpoint: Endpoint, source: str) -> str:
    """Publish a function with SnapStart; its name with the version. It is pending."""
    name = endpoint.new_function(source, SnapStart=ON)
    published = endpoint.aws_lambda.publish_version(FunctionName=name)
    assert (published["State"], published["StateReasonCode"]) == ("Pending", "Creating")
    return f"{name}:{published['Version']}"


def settled(endpoint: Endpoint, version: str) -> dict[str, Any]:
    """The configuration of a version that is no longer pending."""
    answers: list[dict[str, Any]] = []

    def is_settled() -> bool:
        answers.append(endpoint.aws_lambda.get_function_configuration(FunctionName=version))
        return bool(answers[-1]["State"] != "Pending")

    until(is_settled)
    return answers[-1]


def check_failed(endpoint: Endpoint, version: str, error: str) -> None:
    """It is Failed and cannot be invoked, and its log has the error."""
    assert settled(endpoint, version).items() >= FAILED.items()
    with pytest.raises(ClientError, match="currently in the following state: Failed") as refused:
        endpoint.invoke(version)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    group = f"/aws/lambda/{version.partition(':')[0]}"
    logs = endpoint.client("logs")

    def is_logged() -> bool:
        events = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        return any(error in text for text in events) and any("Status: error" in text for text in events)

    until(is_logged)


@in_both_transports
def test_a_failing_before_hook_makes_the_version_failed(endpoint: Endpoint) -> None:
    check_failed(endpoint, publish(endpoint, BROKEN_HOOK), "the hook is broken")


@in_both_transports
def test_a_failing_init_makes_the_version_failed(endpoint: Endpoint) -> None:
    check_failed(endpoint, publish(endpoint, BROKEN_INIT), "init is broken")


def test_an_alias_cannot_be_moved_to_a_failed_version(endpoint: Endpoint) -> None:
    name, _, failed = publish(endpoint, BROKEN_HOOK).partition(":")
    check_failed(endpoint, f"{name}:{failed}", "the hook is broken")
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    with pytest.raises(endpoint.aws_lambda.exceptions.ResourceConflictException) as refused:
        endpoint.aws_lambda.update_alias(FunctionName=name, Name="live", FunctionVersion=failed)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert endpoint.aws_lambda.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "$LATEST"


def test_a_version_is_pending_and_cannot_be_invoked_until_its_snapshot_is_taken(endpoint: Endpoint) -> None:
    with gate() as closed:
        port = closed.event["gate"]
        version = publish(
            endpoint, f"import socket\nsocket.create_connection(('127.0.0.1', {port})).recv(1)\n{HANDLER.strip()}"
        )
        closed.wait_for(1)
        assert endpoint.aws_lambda.get_function_configuration(FunctionName=version)["State"] == "Pending"
        with pytest.raises(ClientError, match="currently in the following state: Pending"):
            endpoint.invoke(version)
        closed.open()
        configuration = settled(endpoint, version)
    assert configuration["State"] == "Active"
    assert configuration["SnapStart"] == {**ON, "OptimizationStatus": "On"}
    assert endpoint.invoke(version).payload == "served"


def test_a_version_with_a_snapshot_that_cannot_be_copied_is_active(endpoint: Endpoint) -> None:
    """It works on AWS: here its environments start cold."""
    source = f"""
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
{HANDLER}"""
    version = publish(endpoint, source)
    assert settled(endpoint, version)["State"] == "Active"
    assert endpoint.invoke(version).payload == "served"


def test_a_stack_whose_version_fails_is_rolled_back_with_the_error(endpoint: Endpoint) -> None:
    """An update keeps what it had: CloudFormation publishes the new version, sees that it fails, and deletes it."""
    client = endpoint.client("cloudformation")
    name = "snap-start-stack"

    def template(source: str, version: str) -> str:
        function = {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"ZipFile": source},
            "SnapStart": ON,
        }
        resources = {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            version: {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        }
        return json.dumps({"Resources": resources})

    def wait_for(status: str) -> None:
        def is_over() -> bool:
            (stack,) = client.describe_stacks(StackName=name)["Stacks"]
            assert "FAILED" not in stack["StackStatus"], stack
            return bool(stack["StackStatus"] == status)

        until(is_over)

    client.create_stack(StackName=name, TemplateBody=template("def handler(event, context): return 1", "First"))
    wait_for("CREATE_COMPLETE")
    assert endpoint.invoke(f"{name}:1").payload == 1
    client.update_stack(StackName=name, TemplateBody=template("raise ValueError('init is broken')", "Second"))
    wait_for("UPDATE_ROLLBACK_COMPLETE")
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in client.describe_stack_events(StackName=name)["StackEvents"]
        if event["LogicalResourceId"] == "Second" and event["ResourceStatus"].endswith("_FAILED")
    ]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}:2"
    assert reasons == [
        f"Resource handler returned message: \"Resource of type 'AWS::Lambda::Version' with identifier '{arn}' did not"
        ' stabilize. Status Reason is An error occurred during function initialization." (HandlerErrorCode:'
        " NotStabilized). The error is ValueError: init is broken"
    ]
    versions = endpoint.aws_lambda.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in versions] == ["$LATEST", "1"]
    assert endpoint.invoke(f"{name}:1").payload == 1
