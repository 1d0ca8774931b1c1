"""Aliases."""

from typing import Any

import pytest

from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import UNKNOWN, ControlPlane, Refusal, check_refusal, refused

API = "test_lambda_api.py, TestLambdaAlias"
ROUTING = f"{API}.test_notfound_and_invalid_routingconfigs"
LIFE, NAMING = f"{API}.test_alias_lifecycle", f"{API}.test_alias_naming"
INVALID, VALIDATION, NOT_FOUND = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
RANGE = (
    "failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to"
    " 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
)


def asked(version: str, weights: dict[str, float], name: str = "<name>") -> dict[str, Any]:
    routing = {"AdditionalVersionWeights": weights}
    return {"FunctionName": name, "Name": "custom", "FunctionVersion": version, "RoutingConfig": routing}


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        refused(says, ROUTING, "create_alias", params, status, code, message)
        for says, params, status, code, message in (
            (
                "an alias sends a share to one other version at most",
                asked("1", {"1": 0.8, "2": 0.2}),
                400,
                INVALID,
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ),
            (
                "the share of an alias's other version is at most 1",
                asked("1", {"2": 2}),
                400,
                VALIDATION,
                f"1 validation error detected: Value '{{2=2.0}}' at 'routingConfig.additionalVersionWeights' {RANGE}",
            ),
            (
                "the share of an alias's other version is at least 0",
                asked("1", {"2": -1}),
                400,
                VALIDATION,
                f"1 validation error detected: Value '{{2=-1.0}}' at 'routingConfig.additionalVersionWeights' {RANGE}",
            ),
            (
                "the other version of an alias is not its own",
                asked("1", {"1": 0.5}),
                400,
                INVALID,
                "Invalid function version 1. Function version 1 is already included in routing configuration.",
            ),
            (
                "an alias of an unknown version is refused with the ARN of the version",
                asked("10", {"2": 0.5}),
                404,
                NOT_FOUND,
                "Function not found: <arn>:10",
            ),
            (
                "an alias that sends a share to an unknown version is refused with the ARN of the version",
                asked("1", {"10": 0.5}),
                404,
                NOT_FOUND,
                "Function not found: <arn>:10",
            ),
            (
                "an alias of $LATEST has no other version",
                asked("$LATEST", {"1": 0.5}),
                400,
                INVALID,
                "$LATEST is not supported for an alias pointing to more than 1 version",
            ),
            (
                "an alias sends no share to $LATEST",
                asked("1", {"$LATEST": 0.5}),
                400,
                VALIDATION,
                "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed"
                " to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal"
                " to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression"
                " pattern: [0-9]+, Member must not be null]",
            ),
            (
                "an alias of an unknown function is refused with the ARN of the version",
                asked("1", {"2": 0.5}, "unknown"),
                404,
                NOT_FOUND,
                f"Function not found: {UNKNOWN}:1",
            ),
            (
                "an alias is created once",
                asked("1", {}) | {"Name": "live"},
                409,
                "ResourceConflictException",
                "Alias already exists: <arn>:live",
            ),
        )
    ]
    + [
        refused(
            "GetAlias of an unknown alias answers 404 with the ARN of the alias",
            ROUTING,
            "get_alias",
            {"FunctionName": "<name>", "Name": "unknown"},
            404,
            NOT_FOUND,
            "Cannot find alias arn: <arn>:unknown",
        ),
        refused(
            "the name of an alias is not a number",
            NAMING,
            "create_alias",
            {"FunctionName": "<name>", "Name": "2024", "FunctionVersion": "1"},
            400,
            VALIDATION,
            "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy"
            " regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
        ),
        refused(
            "GetFunction of an unknown alias answers that there is no function",
            f"{API}.test_alias_lifecycle",
            "get_function",
            {"FunctionName": "<name>", "Qualifier": "unknown"},
            404,
            NOT_FOUND,
            "Function not found: <arn>:unknown",
        ),
    ],
)
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@pytest.fixture(scope="module")
def aliases(plane: ControlPlane) -> dict[str, Any]:
    """A function with four aliases, and the answers to making them."""
    name = plane.new(Description="1")
    plane.do("publish_version", FunctionName=name)
    plane.endpoint.configure(name, Description="2")
    plane.do("publish_version", FunctionName=name)
    split = {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}}, "Description": "split"}
    made = {
        alias: plane.do("create_alias", FunctionName=name, Name=alias, FunctionVersion=version, **more).body
        for alias, version, more in (("a", "1", split), ("b", "1", {}), ("c", "2", {}), ("2024-01-02", "$LATEST", {}))
    }
    return {"name": name, "arn": f"{plane.arn.rpartition(':')[0]}:{name}", **made}


@behaviour("an alias with a share for another version is answered with it, and found so", source=LIFE)
def test_split(plane: ControlPlane, aliases: dict[str, Any]) -> None:
    made = aliases["a"]
    assert {key: value for key, value in made.items() if key != "RevisionId"} == {
        "AliasArn": f"{aliases['arn']}:a",
        "Name": "a",
        "FunctionVersion": "1",
        "Description": "split",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.2}},
    }
    assert plane.do("get_alias", FunctionName=aliases["name"], Name="a").body == made


@behaviour("an alias without shares has no routing in its answer", source=LIFE)
def test_unsplit(aliases: dict[str, Any]) -> None:
    assert set(aliases["b"]) == {"AliasArn", "Name", "FunctionVersion", "Description", "RevisionId"}


@behaviour("an alias may be of $LATEST", source=ROUTING)
def test_latest(aliases: dict[str, Any]) -> None:
    assert aliases["2024-01-02"]["FunctionVersion"] == "$LATEST"


@behaviour("the name of an alias may begin with numbers", source=NAMING)
def test_date(plane: ControlPlane, aliases: dict[str, Any]) -> None:
    found = plane.do("get_alias", FunctionName=aliases["name"], Name="2024-01-02").body
    assert found["AliasArn"] == f"{aliases['arn']}:2024-01-02"


@behaviour("empty shares are none", source=ROUTING)
def test_empty_shares(plane: ControlPlane) -> None:
    assert "RoutingConfig" not in plane.do("create_alias", **plane.filled(asked("1", {}) | {"Name": "empty"})).body


@behaviour("GetFunction of an alias answers with its version and the ARN of the alias", source=LIFE)
def test_function_of_an_alias(plane: ControlPlane, aliases: dict[str, Any]) -> None:
    arn = f"{aliases['arn']}:a"
    for asked_for in ({"FunctionName": aliases["name"], "Qualifier": "a"}, {"FunctionName": arn}):
        found = plane.do("get_function", **asked_for).body["Configuration"]
        assert (found["Version"], found["FunctionArn"]) == ("1", arn)


@behaviour("aliases are listed page by page", source=LIFE)
def test_pages(plane: ControlPlane, aliases: dict[str, Any]) -> None:
    pages = plane.client.get_paginator("list_aliases").paginate(
        FunctionName=aliases["name"], PaginationConfig={"PageSize": 1}
    )
    assert {each["Name"] for each in pages.build_full_result()["Aliases"]} == {"a", "b", "c", "2024-01-02"}


@behaviour("the aliases of one version are listed", source=LIFE)
def test_of_a_version(plane: ControlPlane, aliases: dict[str, Any]) -> None:
    found = plane.do("list_aliases", FunctionName=aliases["name"], FunctionVersion="1").body["Aliases"]
    assert {each["Name"] for each in found} == {"a", "b"}


@behaviour("an update without a change is a new revision of the alias", source=LIFE)
def test_unchanged(plane: ControlPlane, aliases: dict[str, Any]) -> None:
    updated = plane.do("update_alias", FunctionName=aliases["name"], Name="b").body
    assert updated["RevisionId"] != aliases["b"]["RevisionId"]


@behaviour("an update with empty shares removes those of the alias, and keeps its description", source=LIFE)
def test_shares_removed(plane: ControlPlane) -> None:
    params = plane.filled(asked("1", {"2": 0.2}) | {"Name": "shares", "Description": "kept"})
    plane.do("create_alias", **params)
    empty: dict[str, Any] = {"RoutingConfig": {"AdditionalVersionWeights": {}}}
    updated = plane.do("update_alias", FunctionName=plane.name, Name="shares", **empty).body
    assert (updated["Description"], "RoutingConfig" in updated) == ("kept", False)


@behaviour("a deleted alias is not listed", source=LIFE)
def test_deleted(plane: ControlPlane) -> None:
    plane.do("create_alias", FunctionName=plane.name, Name="gone", FunctionVersion="1")
    assert plane.do("delete_alias", FunctionName=plane.name, Name="gone").status == 204
    assert "gone" not in [each["Name"] for each in plane.do("list_aliases", FunctionName=plane.name).body["Aliases"]]
