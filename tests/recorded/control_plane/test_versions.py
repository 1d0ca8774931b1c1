"""Versions and revisions."""

from typing import Any

import pytest

from tests.engine.endpoint import zipped
from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import (
    LAMBDA,
    ControlPlane,
    Refusal,
    check_refusal,
    new_settings,
    refused,
)

VERSIONS = "test_lambda_api.py, TestLambdaVersions"
REVISIONS = "test_lambda_api.py, TestLambdaRevisions"
BASIC, ALIAS = f"{REVISIONS}.test_function_revisions_basic", f"{REVISIONS}.test_function_revisions_version_and_alias"
STALE = (
    "The Revision Id provided does not match the latest Revision Id."
    " Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


def of(test: str) -> str:
    return f"{VERSIONS}.{test}"


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        refused(
            f"{operation} for another revision is refused",
            source,
            operation,
            {"FunctionName": "<name>", "RevisionId": "wrong", **more},
            412,
            "PreconditionFailedException",
            STALE,
        )
        for operation, source, more in (
            ("update_function_code", BASIC, {"ZipFile": zipped("")}),
            ("update_function_configuration", BASIC, {"Description": "new"}),
            ("publish_version", ALIAS, {}),
            ("update_alias", ALIAS, {"Name": "live"}),
        )
    ],
)
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@pytest.fixture(scope="module")
def published(plane: ControlPlane) -> dict[str, Any]:
    """The answer to CreateFunction with Publish, and the function's name."""
    answer = plane.do("create_function", **new_settings(FunctionName="recorded-published", Publish=True))
    plane.endpoint.wait_until_active("recorded-published")
    return answer.body


@behaviour(
    "CreateFunction with Publish answers with the version, and the ARN of the function",
    source=of("test_publish_version_on_create"),
)
def test_published(published: dict[str, Any]) -> None:
    arn = f"{LAMBDA}:function:recorded-published"
    assert (published["Version"], published["FunctionArn"], published["State"]) == ("1", arn, "Pending")


@pytest.mark.parametrize(
    ("qualifier", "version"),
    [
        pytest.param(
            qualifier,
            version,
            marks=behaviour(
                f"GetFunction with qualifier {qualifier} answers with the qualified ARN",
                source=of("test_publish_version_on_create"),
            ),
        )
        for qualifier, version in (("1", "1"), ("$LATEST", "$LATEST"))
    ],
)
def test_qualified(plane: ControlPlane, published: dict[str, Any], qualifier: str, version: str) -> None:
    found = plane.do("get_function", FunctionName="recorded-published", Qualifier=qualifier).body["Configuration"]
    assert (found["Version"], found["FunctionArn"]) == (version, f"{published['FunctionArn']}:{qualifier}")


@behaviour(
    "ListVersionsByFunction begins with $LATEST, with qualified ARNs and without states",
    source=of("test_publish_version_on_create"),
)
def test_listed(plane: ControlPlane, published: dict[str, Any]) -> None:
    found = plane.do("list_versions_by_function", FunctionName="recorded-published").body["Versions"]
    assert [each["FunctionArn"] for each in found] == [
        f"{published['FunctionArn']}:{each}" for each in ("$LATEST", "1")
    ]
    assert {"State", "LastUpdateStatus"} & set().union(*found) == set()


@behaviour(
    "publishing what was published with its creation gives the same version, with its description",
    source=of("test_publish_version_on_create"),
)
def test_published_again_after_creation(plane: ControlPlane, published: dict[str, Any]) -> None:
    again = plane.do("publish_version", FunctionName="recorded-published", Description="repeated")
    assert (again.status, again.body["Version"], again.body["Description"]) == (201, "1", "")
    versions = plane.do("list_versions_by_function", FunctionName="recorded-published").body["Versions"]
    assert [each["Version"] for each in versions] == ["$LATEST", "1"]


@behaviour("a published version is active, and has the description of the request", source=of("test_version_lifecycle"))
def test_description(plane: ControlPlane) -> None:
    name = plane.new(Description="of the function")
    version = plane.do("publish_version", FunctionName=name, Description="of the version").body
    state = [version[key] for key in ("Version", "Description", "State", "LastUpdateStatus")]
    assert state == ["1", "of the version", "Active", "Successful"]


@behaviour(
    "publishing without a change gives the last version with its description", source=of("test_version_lifecycle")
)
def test_published_again(plane: ControlPlane) -> None:
    name = plane.new(Description="second")
    first, second = (
        plane.do("publish_version", FunctionName=name, **more).body for more in ({}, {"Description": "third"})
    )
    assert (first["Version"], second["Version"], second["Description"]) == ("1", "1", "second")
    assert first["RevisionId"] == second["RevisionId"]


@behaviour("a version stays as it is when the function is updated", source=of("test_version_lifecycle"))
def test_a_version_does_not_change(plane: ControlPlane) -> None:
    name = plane.new(Description="first")
    plane.do("publish_version", FunctionName=name)
    plane.endpoint.configure(name, Description="second")
    found = plane.do("get_function", FunctionName=name, Qualifier="1").body["Configuration"]
    assert (found["Description"], found["Version"]) == ("first", "1")


@behaviour("publishing another CodeSha256 than that of $LATEST is refused", source=of("test_publish_with_wrong_sha256"))
def test_wrong_sha256(plane: ControlPlane) -> None:
    name = plane.new()
    sha = plane.do("get_function", FunctionName=name).body["Configuration"]["CodeSha256"]
    message = (
        f"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST ({sha})."
        " Please try again with the CodeSHA256 in $LATEST."
    )
    refusal = plane.refusal("publish_version", FunctionName=name, CodeSha256="somenonexistentsha256")
    assert refusal == Refusal(400, "InvalidParameterValueException", message)


@behaviour("publishing the CodeSha256 of $LATEST succeeds", source=of("test_publish_with_wrong_sha256"))
def test_right_sha256(plane: ControlPlane) -> None:
    name = plane.new()
    sha = plane.do("get_function", FunctionName=name).body["Configuration"]["CodeSha256"]
    assert plane.do("publish_version", FunctionName=name, CodeSha256=sha).body["Version"] == "1"


@behaviour(
    "UpdateFunctionCode with Publish answers with the new version, which is pending",
    source=of("test_publish_with_update"),
)
def test_published_with_an_update(plane: ControlPlane) -> None:
    name = plane.new()
    answer = plane.do("update_function_code", FunctionName=name, ZipFile=zipped("handler = print"), Publish=True).body
    state = [answer[key] for key in ("Version", "FunctionArn", "State", "StateReasonCode")]
    assert state == ["1", f"{LAMBDA}:function:{name}:1", "Pending", "Creating"]
    assert "LastUpdateStatus" not in answer


def revision(plane: ControlPlane, name: str, **qualifier: str) -> str:
    found: str = plane.do("get_function", FunctionName=name, **qualifier).body["Configuration"]["RevisionId"]
    return found


@behaviour("the end of the creation is a new revision", source=BASIC)
def test_revision_of_creation(plane: ControlPlane) -> None:
    made = plane.do("create_function", **new_settings(FunctionName="recorded-revision")).body
    plane.endpoint.wait_until_active("recorded-revision")
    assert revision(plane, "recorded-revision") != made["RevisionId"]


@behaviour("an update and its end are two new revisions", source=BASIC)
def test_revision_of_an_update(plane: ControlPlane) -> None:
    name = plane.new()
    before = revision(plane, name)
    during = plane.do("update_function_configuration", FunctionName=name, Timeout=9, RevisionId=before).body
    plane.endpoint.wait_until_active(name)
    assert len({before, during["RevisionId"], revision(plane, name)}) == 3


@pytest.fixture(scope="module")
def revisions(plane: ControlPlane) -> dict[str, str]:
    """Revisions of a function, its version and its alias, one after another."""
    name = plane.new()
    found = {"before": revision(plane, name)}
    version = plane.do("publish_version", FunctionName=name, RevisionId=found["before"]).body
    found |= {"version": version["RevisionId"], "published": revision(plane, name)}
    alias = plane.do("create_alias", FunctionName=name, Name="live", FunctionVersion="1").body
    found |= {"alias": alias["RevisionId"], "with alias": revision(plane, name)}
    found["version with alias"] = revision(plane, name, Qualifier="1")
    asked = {"FunctionName": name, "Name": "live", "Description": "changed", "RevisionId": alias["RevisionId"]}
    return found | {"changed alias": plane.do("update_alias", **asked).body["RevisionId"]}


@behaviour("publishing a version is a new revision of the function", source=ALIAS)
def test_revision_of_publishing(revisions: dict[str, str]) -> None:
    assert len({revisions["before"], revisions["version"], revisions["published"]}) == 3


@behaviour("an alias is no new revision of the function or its version", source=ALIAS)
def test_revision_of_an_alias(revisions: dict[str, str]) -> None:
    assert (revisions["with alias"], revisions["version with alias"]) == (revisions["published"], revisions["version"])
    assert revisions["alias"] not in {revisions["version"], revisions["published"]}


@behaviour("an update of an alias is a new revision of it", source=ALIAS)
def test_revision_of_a_changed_alias(revisions: dict[str, str]) -> None:
    assert revisions["changed alias"] != revisions["alias"]
