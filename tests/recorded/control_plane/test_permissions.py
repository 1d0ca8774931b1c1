"""Resource-based policies of functions."""

import json
from typing import Any

import pytest

from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import UNKNOWN, ControlPlane, Refusal, check_refusal, refused

API = "test_lambda_api.py, TestLambdaPermissions"
EXC, FIELDS = f"{API}.test_permission_exceptions", f"{API}.test_add_lambda_permission_fields"
VERSIONS, REMOVE = f"{API}.test_lambda_permission_fn_versioning", f"{API}.test_remove_multi_permissions"
REVISIONS = "test_lambda_api.py, TestLambdaRevisions.test_function_revisions_permissions"
INVALID, VALIDATION, NOT_FOUND = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
GONE = "The resource you requested does not exist."
STALE = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"


def asked(**settings: Any) -> dict[str, Any]:
    valid = {"FunctionName": "<name>", "StatementId": "s3", "Action": "lambda:InvokeFunction"}
    return {**valid, "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::test-bucket", **settings}


CASES: list[Any] = [
    (
        "the id of a statement has letters, numbers, - and _",
        EXC,
        "add_permission",
        asked(StatementId="example.com"),
        400,
        VALIDATION,
        "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
    ),
    (
        "AddPermission refuses a qualifier that differs from the one in the name",
        EXC,
        "add_permission",
        asked(FunctionName="<name>:alias-not-42", Qualifier="42"),
        400,
        INVALID,
        "The derived qualifier from the function name does not match the specified qualifier.",
    ),
    (
        "$LATEST has no policy",
        EXC,
        "add_permission",
        asked(FunctionName="<name>:$LATEST", Qualifier="$LATEST"),
        400,
        INVALID,
        "We currently do not support adding policies for $LATEST.",
    ),
    (
        "a principal is an account, a service of AWS or an ARN",
        EXC,
        "add_permission",
        asked(Principal="invalid.nonaws.com"),
        400,
        INVALID,
        "The provided principal was invalid. Please check the principal and try again.",
    ),
    (
        "the policy of an unknown function is not found",
        EXC,
        "get_policy",
        {"FunctionName": "unknown"},
        404,
        NOT_FOUND,
        f"Function not found: {UNKNOWN}",
    ),
    (
        "the policy of an unknown version is not found",
        EXC,
        "get_policy",
        {"FunctionName": "<name>", "Qualifier": "77"},
        404,
        NOT_FOUND,
        GONE,
    ),
    (
        "a permission for an unknown function is refused",
        EXC,
        "add_permission",
        asked(FunctionName="unknown"),
        404,
        NOT_FOUND,
        f"Function not found: {UNKNOWN}",
    ),
    (
        "a permission of a function without policy is not removed",
        EXC,
        "remove_permission",
        {"FunctionName": "<name>:2", "StatementId": "s3"},
        404,
        NOT_FOUND,
        "No policy is associated with the given resource.",
    ),
    (
        "a permission for an unknown alias is refused",
        EXC,
        "add_permission",
        asked(FunctionName="<name>:unknown"),
        404,
        NOT_FOUND,
        "Cannot find alias arn: <arn>:unknown",
    ),
    (
        "a permission for an unknown version is refused",
        EXC,
        "add_permission",
        asked(Qualifier="42"),
        404,
        NOT_FOUND,
        "Function not found: <arn>:42",
    ),
    (
        "a qualifier has no question mark",
        EXC,
        "add_permission",
        asked(Qualifier="invalid-qualifier-with-?-char"),
        400,
        VALIDATION,
        "1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: …",
    ),
    (
        "a qualifier with $ is taken for a version",
        EXC,
        "add_permission",
        asked(Qualifier="valid-with-$-but-doesnotexist"),
        404,
        NOT_FOUND,
        "Function not found: <arn>:valid-with-$-but-doesnotexist",
    ),
    (
        "a statement is added once",
        EXC,
        "add_permission",
        asked(StatementId="there"),
        409,
        "ResourceConflictException",
        "The statement id (there) provided already exists. Please provide a new statement id, or remove the existing statement.",
    ),
    (
        "a permission of an unknown function is not removed",
        EXC,
        "remove_permission",
        {"FunctionName": "unknown", "StatementId": "s3"},
        404,
        NOT_FOUND,
        f"No policy found for: {UNKNOWN}",
    ),
    (
        "a permission of an unknown alias is not removed",
        EXC,
        "remove_permission",
        {"FunctionName": "<name>", "StatementId": "there", "Qualifier": "unknown"},
        404,
        NOT_FOUND,
        "Cannot find alias arn: <arn>:unknown",
    ),
    (
        "an unknown statement is not removed",
        f"{API}.test_remove_multi_permissions",
        "remove_permission",
        {"FunctionName": "<name>", "StatementId": "unknown"},
        404,
        NOT_FOUND,
        "Statement unknown is not found in resource policy.",
    ),
    (
        "a permission is added to the newest revision",
        REVISIONS,
        "add_permission",
        asked(RevisionId="wrong"),
        412,
        "PreconditionFailedException",
        STALE,
    ),
    (
        "a permission is removed from the newest revision",
        REVISIONS,
        "remove_permission",
        {"FunctionName": "<name>", "StatementId": "there", "RevisionId": "wrong"},
        412,
        "PreconditionFailedException",
        STALE,
    ),
    (
        "a permission is added to the newest revision of an alias",
        VERSIONS,
        "add_permission",
        asked(Qualifier="live", RevisionId="wrong"),
        412,
        "PreconditionFailedException",
        STALE,
    ),
    (
        "a policy of the function is not one of its versions",
        VERSIONS,
        "get_policy",
        {"FunctionName": "<name>", "Qualifier": "1"},
        404,
        NOT_FOUND,
        GONE,
    ),
]


@pytest.fixture(scope="module")
def there(plane: ControlPlane) -> None:
    """A statement of the plane's function."""
    plane.do("add_permission", **plane.filled(asked(StatementId="there")))


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, there: None, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@pytest.mark.parametrize(
    ("settings", "principal", "condition"),
    [
        pytest.param(
            settings,
            principal,
            condition,
            marks=behaviour(f"a permission for {whom} becomes a statement", source=FIELDS),
        )
        for whom, settings, principal, condition in (
            (
                "everybody, from one account",
                {"Principal": "*", "SourceAccount": "000000000000"},
                "*",
                {"StringEquals": {"AWS:SourceAccount": "000000000000"}},
            ),
            (
                "a service, from one account",
                {"Principal": "lambda.amazonaws.com", "SourceAccount": "000000000000"},
                {"Service": "lambda.amazonaws.com"},
                {"StringEquals": {"AWS:SourceAccount": "000000000000"}},
            ),
            ("an account", {"Principal": "000000000000"}, {"AWS": "arn:aws:iam::000000000000:root"}, None),
            (
                "a user",
                {"Principal": "arn:aws:iam::000000000000:user/me", "SourceAccount": "000000000000"},
                {"AWS": "arn:aws:iam::000000000000:user/me"},
                {"StringEquals": {"AWS:SourceAccount": "000000000000"}},
            ),
            (
                "an Alexa skill",
                {"Principal": "*", "EventSourceToken": "amzn1.ask.skill.x"},
                "*",
                {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
            ),
            (
                "the URL, with every condition",
                {
                    "Action": "lambda:InvokeFunctionUrl",
                    "Principal": "*",
                    "SourceArn": "arn:aws:s3:::test-bucket",
                    "SourceAccount": "000000000000",
                    "PrincipalOrgID": "o-1234567890",
                    "FunctionUrlAuthType": "NONE",
                },
                "*",
                {
                    "StringEquals": {
                        "lambda:FunctionUrlAuthType": "NONE",
                        "aws:PrincipalOrgID": "o-1234567890",
                        "AWS:SourceAccount": "000000000000",
                    },
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::test-bucket"},
                },
            ),
        )
    ],
)
def test_statement(plane: ControlPlane, settings: dict[str, Any], principal: Any, condition: Any) -> None:
    name = plane.new()
    params = {"FunctionName": name, "StatementId": "s", "Action": "lambda:InvokeFunction"} | settings
    answer = plane.do("add_permission", **params)
    expected = {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": principal,
        "Action": params["Action"],
        "Resource": f"{plane.arn.rpartition(':')[0]}:{name}",
    }
    if condition is not None:
        expected["Condition"] = condition
    assert (answer.status, json.loads(answer.body["Statement"])) == (201, expected)


def sids(plane: ControlPlane, **asked_for: str) -> list[str]:
    policy = json.loads(plane.do("get_policy", **asked_for).body["Policy"])
    assert (policy["Version"], policy["Id"]) == ("2012-10-17", "default")
    return [statement["Sid"] for statement in policy["Statement"]]


@behaviour("versions and aliases have policies of their own, with the same ids", source=VERSIONS)
def test_own_policies(plane: ControlPlane) -> None:
    name = plane.new()
    plane.do("publish_version", FunctionName=name)
    plane.do("create_alias", FunctionName=name, Name="live", FunctionVersion="1")
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        plane.do("add_permission", **asked(FunctionName=name, **qualifier))
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        assert sids(plane, FunctionName=name, **qualifier) == ["s3"]


@behaviour("permissions are removed one by one, and with the last the policy", source=REMOVE)
def test_removed(plane: ControlPlane) -> None:
    name = plane.new()
    for sid in ("s3", "sqs"):
        plane.do("add_permission", **asked(FunctionName=name, StatementId=sid))
    assert sids(plane, FunctionName=name) == ["s3", "sqs"]
    assert plane.do("remove_permission", FunctionName=name, StatementId="sqs").status == 204
    assert sids(plane, FunctionName=name) == ["s3"]
    plane.do("remove_permission", FunctionName=name, StatementId="s3")
    assert plane.refusal("get_policy", FunctionName=name) == Refusal(404, NOT_FOUND, GONE)


@behaviour("adding and removing a permission are new revisions of the function", source=REVISIONS)
def test_revisions(plane: ControlPlane) -> None:
    name = plane.new()

    def revision() -> str:
        return str(plane.do("get_function", FunctionName=name).body["Configuration"]["RevisionId"])

    before = revision()
    plane.do("add_permission", **asked(FunctionName=name, RevisionId=before))
    added = str(plane.do("get_policy", FunctionName=name).body["RevisionId"])
    assert added == revision()
    plane.do("remove_permission", FunctionName=name, StatementId="s3", RevisionId=added)
    assert len({before, added, revision()}) == 3


@behaviour("publishing leaves the policy of the function as it is", source=VERSIONS)
def test_published(plane: ControlPlane) -> None:
    name = plane.new()
    plane.do("add_permission", **asked(FunctionName=name))
    plane.do("publish_version", FunctionName=name)
    assert sids(plane, FunctionName=name) == ["s3"]
    assert plane.refusal("get_policy", FunctionName=name, Qualifier="1") == Refusal(404, NOT_FOUND, GONE)
