"""What the endpoint's Lambda API does beyond ministack's own."""

import pytest

from tests.engine.endpoint import ROLE, Endpoint, zipped
from tests.engine.raw_http import request

SAYS = "def handler(event, context): return {!r}\n"


def new_function(endpoint: Endpoint, name: str, says: str) -> None:
    endpoint.aws_lambda.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=ROLE,
        Handler="function.handler",
        Code={"ZipFile": zipped(SAYS.format(says))},
    )
    endpoint.wait_until_active(name)


def test_a_functions_urls_go_with_it(endpoint: Endpoint) -> None:
    """Guide, "Creating and managing Lambda function URLs": Lambda deletes the URL of a deleted function."""
    client = endpoint.aws_lambda
    for name in ("with-urls", "with-urls-2"):
        new_function(endpoint, name, "old")
    first, version = (endpoint.publish("with-urls", SAYS.format("old") + end) for end in ("", "# 2"))
    client.create_alias(FunctionName="with-urls", Name="live", FunctionVersion=version)
    urls = (
        endpoint.function_url("with-urls"),
        endpoint.function_url("with-urls", Qualifier="live"),
        endpoint.function_url("with-urls-2"),
    )
    own, aliass, others = (url.removeprefix(endpoint.url) for url in urls)

    client.delete_function(FunctionName="with-urls", Qualifier=first)
    assert request(endpoint.url, "GET", own).body == b"old", "of a version alone no URL goes"
    client.delete_function(FunctionName="with-urls")
    new_function(endpoint, "with-urls", "new")
    client.create_alias(FunctionName="with-urls", Name="live", FunctionVersion="$LATEST")

    for qualifier in ({}, {"Qualifier": "live"}):
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_function_url_config(FunctionName="with-urls", **qualifier)
    assert [request(endpoint.url, "GET", path).status for path in (own, aliass)] == [403, 403]
    assert request(endpoint.url, "GET", others).body == b"old"


def test_an_alias_is_of_versions_that_there_are(endpoint: Endpoint) -> None:
    """Quoted: aws-cloudformation/rain, issue 175. API reference, UpdateAlias: ResourceNotFoundException."""
    client = endpoint.aws_lambda
    name = endpoint.new_function(SAYS.format("served"))
    arn = client.publish_version(FunctionName=name)["FunctionArn"].rpartition(":")[0]
    split = {"AdditionalVersionWeights": {"98": 0.5}}

    def refused(call: str, **asked: object) -> str:
        with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
            getattr(client, call)(FunctionName=name, **asked)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        return str(caught.value.response["Error"]["Message"])

    assert refused("create_alias", Name="live", FunctionVersion="99") == f"Function not found: {arn}:99"
    assert refused("create_alias", Name="live", FunctionVersion="1", RoutingConfig=split).endswith(f"{name}:98")
    assert client.list_aliases(FunctionName=name)["Aliases"] == []

    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert refused("update_alias", Name="live", FunctionVersion="99") == f"Function not found: {arn}:99"
    assert refused("update_alias", Name="live", RoutingConfig=split).endswith(f"{name}:98")
    assert refused("update_alias", Name="other", FunctionVersion="1") == f"Cannot find alias arn: {arn}:other"
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST", Description="moved")
    assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "$LATEST"
    assert endpoint.invoke(name, Qualifier="live").payload == "served"


def test_a_version_has_the_same_environments_by_each_of_its_names(endpoint: Endpoint) -> None:
    """Answers name a version by the ARN that was asked for, which is not the version's own."""
    name = endpoint.new_function("import uuid\nHERE = str(uuid.uuid4())\ndef handler(event, context): return HERE\n")
    endpoint.aws_lambda.publish_version(FunctionName=name)
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="next", FunctionVersion="$LATEST")
    for qualifiers in (("1", "live"), (None, "$LATEST", "next")):
        asked = [{} if qualifier is None else {"Qualifier": qualifier} for qualifier in qualifiers]
        assert len({endpoint.invoke(name, **each).payload for each in asked}) == 1
