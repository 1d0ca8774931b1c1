"""Invocations of versions and aliases, as recordings of AWS show them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import Endpoint, Invoked, zipped
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.sources import LAMBDA

VERSIONS = f"{LAMBDA}, TestLambdaVersions"
MOVING = f"{LAMBDA}, TestLambdaAliases.test_lambda_alias_moving"
CHANGES = f"{VERSIONS}.test_lambda_versions_with_code_changes"
SAYS = """
def handler(event, context):
    return {{"code": "{}", "arn": context.invoked_function_arn, "version": context.function_version}}
def handler_two(event, context): return "two"
"""


class Deployed:
    """A function with two published versions and newer code; ``live`` is an alias of version 1."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.new_function(SAYS.format("version1"))
        self.arn = f"arn:aws:lambda:us-east-1:000000000000:function:{self.name}"
        self._endpoint = endpoint
        client = endpoint.aws_lambda
        client.publish_version(FunctionName=self.name)
        client.create_alias(FunctionName=self.name, Name="live", FunctionVersion="1")
        endpoint.publish(self.name, SAYS.format("version2"))
        answer = client.update_function_code(
            FunctionName=self.name, ZipFile=zipped(SAYS.format("version3")), Publish=True
        )
        self.published_by_update = answer["Version"]
        endpoint.wait_until_active(self.name)

    def invoke(self, **arguments: Any) -> Invoked:
        return self._endpoint.invoke(self.name, **arguments)


@pytest.fixture(scope="module")
def deployed(endpoint: Endpoint) -> Deployed:
    return Deployed(endpoint)


def runs(says: str, version: str, code: str, **arguments: str) -> Any:
    return pytest.param(arguments, version, code, id=version, marks=behaviour(says, source=CHANGES))


@pytest.mark.parametrize(
    ("arguments", "version", "code"),
    [
        runs("after updates, $LATEST runs the newest code", "$LATEST", "version3"),
        runs("after updates, version 1 still runs its own code", "1", "version1", Qualifier="1"),
        runs("after an update, version 2 still runs its own code", "2", "version2", Qualifier="2"),
        runs("UpdateFunctionCode with Publish makes a version that can be invoked", "3", "version3", Qualifier="3"),
    ],
)
def test_a_version_runs_its_own_code(deployed: Deployed, arguments: Any, version: str, code: str) -> None:
    answer = deployed.invoke(**arguments)
    assert answer.version == answer.payload["version"] == version
    assert answer.payload["code"] == code


@behaviour("UpdateFunctionCode with Publish answers with the new version", source=CHANGES)
def test_an_update_that_publishes_answers_with_the_version(deployed: Deployed) -> None:
    assert deployed.published_by_update == "3"


@behaviour("the invoked ARN of a version ends with its number", source=CHANGES)
def test_the_invoked_arn_of_a_version_ends_with_its_number(deployed: Deployed) -> None:
    assert deployed.invoke(Qualifier="2").payload["arn"] == f"{deployed.arn}:2"


@behaviour("an alias runs its version, and the answer names the version", source=MOVING)
def test_an_alias_runs_its_version(deployed: Deployed) -> None:
    answer = deployed.invoke(Qualifier="live")
    assert (answer.version, answer.payload["version"]) == ("1", "1")
    assert answer.payload["code"] == "version1"


@behaviour("the invoked ARN of an alias ends with its name", source=MOVING)
def test_the_invoked_arn_of_an_alias_ends_with_its_name(deployed: Deployed) -> None:
    assert deployed.invoke(Qualifier="live").payload["arn"] == f"{deployed.arn}:live"


@behaviour("an alias may be named by its ARN", source=MOVING)
def test_an_alias_may_be_named_by_its_arn(endpoint: Endpoint, deployed: Deployed) -> None:
    answer = endpoint.invoke(f"{deployed.arn}:live")
    assert (answer.version, answer.payload["arn"]) == ("1", f"{deployed.arn}:live")


@behaviour("an alias that is moved runs the other version", source=MOVING)
def test_a_moved_alias_runs_the_other_version(endpoint: Endpoint, deployed: Deployed) -> None:
    endpoint.aws_lambda.create_alias(FunctionName=deployed.name, Name="moved", FunctionVersion="1")
    before = deployed.invoke(Qualifier="moved").version
    endpoint.aws_lambda.update_alias(FunctionName=deployed.name, Name="moved", FunctionVersion="2")
    answer = deployed.invoke(Qualifier="moved")
    assert (before, answer.version, answer.payload["code"]) == ("1", "2", "version2")


@behaviour("an unknown alias is 404, with the ARN that ends with its name", source=MOVING)
def test_an_unknown_alias_is_a_404(deployed: Deployed) -> None:
    with pytest.raises(ClientError) as refused:
        deployed.invoke(Qualifier="non-existent-alias")
    assert refused.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": f"Function not found: {deployed.arn}:non-existent-alias",
    }


@behaviour(
    "an alias with weights sends invocations to both versions",
    source=f"{LAMBDA}, TestLambdaAliases.test_alias_routingconfig",
)
def test_an_alias_with_weights_runs_both_versions(endpoint: Endpoint, deployed: Deployed) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    endpoint.aws_lambda.create_alias(
        FunctionName=deployed.name, Name="split", FunctionVersion="1", RoutingConfig=weights
    )
    answers = [deployed.invoke(Qualifier="split") for _ in range(40)]
    assert {(answer.version, answer.payload["code"]) for answer in answers} == {("1", "version1"), ("2", "version2")}


@behaviour(
    "after an update of the handler, the next invocation runs the other handler",
    source=f"{VERSIONS}.test_lambda_handler_update",
)
def test_an_updated_handler_runs(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS.format("one"))
    before = endpoint.invoke(name).payload["code"]
    endpoint.aws_lambda.update_function_configuration(FunctionName=name, Handler="function.handler_two")
    endpoint.wait_until_active(name)
    after = endpoint.invoke(name).payload
    endpoint.aws_lambda.publish_version(FunctionName=name)
    assert (before, after, endpoint.invoke(name).payload) == ("one", "two", "two")


@behaviour(
    "an invocation that runs during an update ends with the code with which it began",
    source=f"{VERSIONS}.test_function_update_during_invoke",
)
def test_an_invocation_that_runs_during_an_update_keeps_its_code(endpoint: Endpoint) -> None:
    name = endpoint.new_function(WAITS.replace("return ME", "return 'variant-1'"))
    with gate() as made, ThreadPoolExecutor(1) as pool:
        before = pool.submit(endpoint.invoke, name, made.event)
        made.wait_for(1)
        endpoint.aws_lambda.update_function_code(
            FunctionName=name, ZipFile=zipped("def handler(event, context): return 'variant-2'")
        )
        after = endpoint.invoke(name)
        made.open()
        assert (before.result().payload, after.payload) == ("variant-1", "variant-2")


@behaviour(
    "a function that was deleted and made again with the same name can be invoked",
    source=f"{LAMBDA}, TestLambdaCleanup.test_recreate_function",
)
def test_a_function_can_be_made_again(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS.format("first"))
    settings = endpoint.aws_lambda.get_function_configuration(FunctionName=name)
    endpoint.invoke(name)
    endpoint.aws_lambda.delete_function(FunctionName=name)
    made = {key: settings[key] for key in ("Runtime", "Role", "Handler")}
    endpoint.aws_lambda.create_function(FunctionName=name, Code={"ZipFile": zipped(SAYS.format("second"))}, **made)
    endpoint.wait_until_active(name)
    assert endpoint.invoke(name).payload["code"] == "second"


@behaviour(
    "provisioned concurrency serves a version while the function's other invocations are throttled",
    source=f"{LAMBDA}, TestLambdaConcurrency.test_lambda_concurrency_block",
    differs="provisioned concurrency is refused here, with the remedy",
)
def test_provisioned_concurrency_serves_a_version(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS.format("one"))
    version = endpoint.aws_lambda.publish_version(FunctionName=name)["Version"]
    endpoint.aws_lambda.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1
    )
    assert endpoint.invoke(name, Qualifier=version).version == version
