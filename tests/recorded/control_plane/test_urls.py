"""The settings of function URLs."""

from typing import Any

import pytest

from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import LAMBDA, ControlPlane, Refusal, check_refusal, refused

API = "test_lambda_api.py, TestLambdaUrl"
EXC, PAGING, LIFE = (
    f"{API}.test_url_config_exceptions",
    f"{API}.test_url_config_list_paging",
    f"{API}.test_url_config_lifecycle",
)
NOT_FOUND, GONE = "ResourceNotFoundException", "The resource you requested does not exist."
NO_FUNCTION = "Function does not exist"
PATTERN = "failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"
OPERATIONS = {
    "create_function_url_config": (NO_FUNCTION, {"AuthType": "NONE"}),
    "get_function_url_config": (GONE, {}),
    "delete_function_url_config": (GONE, {}),
    "update_function_url_config": (NO_FUNCTION, {"AuthType": "AWS_IAM"}),
}

CASES: list[Any] = (
    [
        (f"{operation} {says}", EXC, operation, {**target, **more}, 404, NOT_FOUND, unknown)
        for operation, (unknown, more) in OPERATIONS.items()
        for says, target in (
            ("of an unknown function is refused", {"FunctionName": "unknown"}),
            ("of an unknown alias is refused", {"FunctionName": "<name>", "Qualifier": "unknown"}),
        )
    ]
    + [
        (
            f"{operation} does not take {what}",
            EXC,
            operation,
            {"FunctionName": "<name>", "Qualifier": qualifier, **more},
            400,
            "ValidationException",
            f"1 validation error detected: Value '{qualifier}' at 'qualifier' {PATTERN}",
        )
        for operation, (_, more) in OPERATIONS.items()
        for what, qualifier in (("a version", "1"), ("$LATEST", "$LATEST"))
    ]
    + [
        (
            f"{operation} refuses a qualifier that differs from the one in the name",
            EXC,
            operation,
            {"FunctionName": "<name>:other", "Qualifier": "live", **more},
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
        for operation, (_, more) in OPERATIONS.items()
        if operation != "delete_function_url_config"
    ]
    + [
        (
            f"{operation} of a function without URL is refused",
            EXC,
            operation,
            {"FunctionName": "<name>", **more},
            404,
            NOT_FOUND,
            GONE,
        )
        for operation, (_, more) in OPERATIONS.items()
        if operation != "create_function_url_config"
    ]
    + [
        (
            "the URLs of an unknown function are not listed",
            PAGING,
            "list_function_url_configs",
            {"FunctionName": "unknown"},
            404,
            NOT_FOUND,
            NO_FUNCTION,
        ),
    ]
)


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@pytest.fixture(scope="module")
def urls(plane: ControlPlane) -> dict[str, Any]:
    """The URLs of a function and of its alias."""
    name = plane.new()
    plane.do("create_alias", FunctionName=name, Name="live", FunctionVersion="$LATEST")
    own = plane.do("create_function_url_config", FunctionName=name, AuthType="NONE")
    aliased = {"FunctionName": f"{name}:live", "Qualifier": "live"}
    return {"name": name, "own": own, "live": plane.do("create_function_url_config", **aliased, AuthType="NONE")}


@behaviour("a URL is answered with the ARN of its function", source=LIFE)
def test_created(urls: dict[str, Any]) -> None:
    arn = f"{LAMBDA}:function:{urls['name']}"
    own = urls["own"]
    assert (own.status, own.body["AuthType"], own.body["FunctionArn"]) == (201, "NONE", arn)


@behaviour("the URL of an alias is answered with the ARN of the alias", source=PAGING)
def test_created_for_an_alias(urls: dict[str, Any]) -> None:
    assert urls["live"].body["FunctionArn"] == f"{LAMBDA}:function:{urls['name']}:live"


@behaviour("a function has one URL", source=LIFE)
def test_twice(plane: ControlPlane, urls: dict[str, Any]) -> None:
    arn = f"{LAMBDA}:function:{urls['name']}"
    message = (
        f"Failed to create function url config for [functionArn = {arn}]."
        " Error message:  FunctionUrlConfig exists for this Lambda function"
    )
    refusal = plane.refusal("create_function_url_config", FunctionName=urls["name"], AuthType="NONE")
    assert refusal == Refusal(409, "ResourceConflictException", message)


@behaviour("a URL is found with its mode and its last change", source=LIFE)
def test_found(plane: ControlPlane, urls: dict[str, Any]) -> None:
    found = plane.do("get_function_url_config", FunctionName=urls["name"]).body
    assert (found["FunctionUrl"], found["InvokeMode"]) == (urls["own"].body["FunctionUrl"], "BUFFERED")
    assert "LastModifiedTime" in found


@behaviour("a function without URL lists none", source=PAGING)
def test_none(plane: ControlPlane) -> None:
    assert plane.do("list_function_url_configs", FunctionName=plane.name).body == {"FunctionUrlConfigs": []}


@behaviour("the URLs of a function and its aliases are listed page by page", source=PAGING)
def test_pages(plane: ControlPlane, urls: dict[str, Any]) -> None:
    first = plane.do("list_function_url_configs", FunctionName=urls["name"], MaxItems=1).body
    second = plane.do("list_function_url_configs", FunctionName=urls["name"], MaxItems=1, Marker=first["NextMarker"])
    found = {each["FunctionUrl"] for each in first["FunctionUrlConfigs"] + second.body["FunctionUrlConfigs"]}
    assert found == {urls[which].body["FunctionUrl"] for which in ("own", "live")}


@behaviour("the kind of a URL's authentication is changed, then the URL is deleted", source=LIFE)
def test_changed_and_deleted(plane: ControlPlane) -> None:
    name = plane.new()
    plane.do("create_function_url_config", FunctionName=name, AuthType="NONE")
    changed = plane.do("update_function_url_config", FunctionName=name, AuthType="AWS_IAM").body
    assert changed["AuthType"] == "AWS_IAM"
    assert plane.do("delete_function_url_config", FunctionName=name).status == 204
    assert plane.refusal("get_function_url_config", FunctionName=name) == Refusal(404, NOT_FOUND, GONE)
