"""Settings of functions that come from CloudFormation templates, which is how the lab deploys."""

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.gate import WAITS, running
from tests.engine.endpoint import ROLE, Endpoint, until

_numbers = itertools.count(1)


class Stack:
    """A stack with one function whose properties a test changes."""

    def __init__(self, endpoint: Endpoint, **properties: Any) -> None:
        self.name = f"stack-{next(_numbers)}"
        self._client = endpoint.client("cloudformation")
        self._client.create_stack(StackName=self.name, TemplateBody=self._template(properties))
        self._wait()

    def update(self, **properties: Any) -> None:
        self._client.update_stack(StackName=self.name, TemplateBody=self._template(properties))
        self._wait()

    def _template(self, properties: dict[str, Any]) -> str:
        own = {
            "FunctionName": f"{self.name}-function",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"ZipFile": WAITS},
            "Timeout": 60,
            "MemorySize": 512,
        }
        function = {"Type": "AWS::Lambda::Function", "Properties": own | properties}
        return json.dumps({"Resources": {"Function": function}})

    def _wait(self) -> None:
        def is_complete() -> bool:
            (stack,) = self._client.describe_stacks(StackName=self.name)["Stacks"]
            assert "ROLLBACK" not in stack["StackStatus"], stack
            return bool(stack["StackStatus"].endswith("_COMPLETE"))

        until(is_complete)


def test_reserved_concurrency_is_that_of_the_template(endpoint: Endpoint) -> None:
    """Set when the stack is created, raised by an update, and removed with the setting."""
    stack = Stack(endpoint, ReservedConcurrentExecutions=1)
    name = f"{stack.name}-function"
    first = endpoint.invoke(name).payload
    with running(lambda event: endpoint.invoke(name, event)), pytest.raises(ClientError, match="TooManyRequests"):
        endpoint.invoke(name)
    assert endpoint.invoke(name).payload == first, "one environment served them all"

    stack.update(ReservedConcurrentExecutions=2)
    with running(lambda event: endpoint.invoke(name, event)):
        assert endpoint.invoke(name).status == 200
    assert endpoint.aws_lambda.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 2

    stack.update(Description="without the setting")
    assert "ReservedConcurrentExecutions" not in endpoint.aws_lambda.get_function_concurrency(FunctionName=name)


def test_reserved_concurrency_that_no_template_set_stays(endpoint: Endpoint) -> None:
    stack = Stack(endpoint)
    name = f"{stack.name}-function"
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3)
    stack.update(Description="another")
    assert endpoint.aws_lambda.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3


def test_provisioned_concurrency_is_refused_with_the_remedy(endpoint: Endpoint) -> None:
    """By the Lambda API, and by CloudFormation, which rolls the stack back: it is never kept without effect."""
    message = "the local endpoint has no provisioned concurrency; remove the setting, or deploy to AWS"
    client = endpoint.aws_lambda
    name = endpoint.new_function(WAITS)
    version = client.publish_version(FunctionName=name)["Version"]
    with pytest.raises(ClientError, match=message):
        client.put_provisioned_concurrency_config(
            FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1
        )
    alias = {
        "FunctionName": name,
        "FunctionVersion": version,
        "Name": "live",
        "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1},
    }
    resources = {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": alias}}
    cloudformation = endpoint.client("cloudformation")
    cloudformation.create_stack(StackName="provisioned", TemplateBody=json.dumps({"Resources": resources}))

    def failed() -> list[str]:
        events = cloudformation.describe_stack_events(StackName="provisioned")["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]

    until(failed)
    assert message in failed()[0]
