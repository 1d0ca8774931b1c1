"""Reserved and provisioned concurrency."""

from typing import Any

import pytest

from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import UNKNOWN, ControlPlane, Refusal, check_refusal, refused

RESERVED = "test_lambda_api.py, TestLambdaReservedConcurrency"
EXC, LIMITS = f"{RESERVED}.test_function_concurrency_exceptions", f"{RESERVED}.test_function_concurrency_limits"
PROVISIONED = "test_lambda_api.py, TestLambdaProvisionedConcurrency"
WRONG, LIFE = (
    f"{PROVISIONED}.test_provisioned_concurrency_exceptions",
    f"{PROVISIONED}.test_lambda_provisioned_lifecycle",
)
INVALID, VALIDATION, NOT_FOUND = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
TOO_MUCH = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
NOT_PUBLISHED = "The function resource provided must be an alias or a published version."
NONE_HERE = "the local endpoint has no provisioned concurrency, and refuses it"


def provisioned(operation: str, name: str, qualifier: str) -> tuple[str, dict[str, Any]]:
    more = {"ProvisionedConcurrentExecutions": 1} if operation.startswith("put") else {}
    return operation, {"FunctionName": name, "Qualifier": qualifier, **more}


CASES: list[Any] = (
    [
        (
            "reserved concurrency is of a function that exists",
            EXC,
            "put_function_concurrency",
            {"FunctionName": "unknown", "ReservedConcurrentExecutions": 1},
            404,
            NOT_FOUND,
            f"Function not found: {UNKNOWN}:$LATEST",
        ),
        (
            "reserved concurrency is of a whole function",
            EXC,
            "put_function_concurrency",
            {"FunctionName": "<arn>:$LATEST", "ReservedConcurrentExecutions": 0},
            400,
            INVALID,
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
        ),
        (
            "no more is reserved than the account has",
            LIMITS,
            "put_function_concurrency",
            {"FunctionName": "<name>", "ReservedConcurrentExecutions": 1001},
            400,
            INVALID,
            TOO_MUCH,
        ),
        (
            "reserved concurrency leaves 100 of the account's",
            LIMITS,
            "put_function_concurrency",
            {"FunctionName": "<name>", "ReservedConcurrentExecutions": 1000},
            400,
            INVALID,
            TOO_MUCH,
        ),
        (
            "a version without provisioned concurrency has no configuration of it",
            WRONG,
            *provisioned("get_provisioned_concurrency_config", "<name>", "1"),
            404,
            "ProvisionedConcurrencyConfigNotFoundException",
            "No Provisioned Concurrency Config found for this function",
        ),
        (
            "provisioned concurrency is not of $LATEST",
            WRONG,
            *provisioned("put_provisioned_concurrency_config", "<name>", "$LATEST"),
            400,
            INVALID,
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
        ),
        (
            "provisioned concurrency is at least 1",
            WRONG,
            "put_provisioned_concurrency_config",
            {"FunctionName": "<name>", "Qualifier": "1", "ProvisionedConcurrentExecutions": 0},
            400,
            VALIDATION,
            "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "provisioned concurrency of an unknown function is not listed",
            WRONG,
            "list_provisioned_concurrency_configs",
            {"FunctionName": "unknown"},
            404,
            NOT_FOUND,
            f"Function not found: {UNKNOWN}",
        ),
    ]
    + [
        (f"{operation} {says}", WRONG, *provisioned(operation, name, qualifier), status, code, message)
        for operation in (
            "get_provisioned_concurrency_config",
            "put_provisioned_concurrency_config",
            "delete_provisioned_concurrency_config",
        )
        for says, name, qualifier, status, code, message in (
            ("needs an alias that exists", "<name>", "unknown", 404, NOT_FOUND, "Cannot find alias arn: <arn>:unknown"),
            ("needs a version that exists", "<name>", "10", 404, NOT_FOUND, "Function not found: <arn>:10"),
        )
    ]
    + [
        (
            f"{operation} does not take $LATEST",
            WRONG,
            *provisioned(operation, "<name>", "$LATEST"),
            400,
            INVALID,
            NOT_PUBLISHED,
        )
        for operation in ("get_provisioned_concurrency_config", "delete_provisioned_concurrency_config")
    ]
)


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@behaviour("reserved concurrency is set, read and deleted", source=f"{RESERVED}.test_function_concurrency")
def test_reserved(plane: ControlPlane) -> None:
    name = plane.new()
    for wanted in (0, 1):
        put = plane.do("put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=wanted)
        assert put == (200, {"ReservedConcurrentExecutions": wanted})
    assert plane.do("get_function_concurrency", FunctionName=name).body == {"ReservedConcurrentExecutions": 1}
    assert plane.do("delete_function_concurrency", FunctionName=name).status == 204
    assert plane.do("get_function_concurrency", FunctionName=name) == (200, {})


@behaviour("provisioned concurrency that does not exist is deleted already", source=WRONG)
def test_delete_nothing(plane: ControlPlane) -> None:
    operation, params = provisioned("delete_provisioned_concurrency_config", plane.name, "1")
    assert plane.do(operation, **params).status == 204


@behaviour("a function without provisioned concurrency lists none", source=WRONG)
def test_list_nothing(plane: ControlPlane) -> None:
    found = plane.do("list_provisioned_concurrency_configs", FunctionName=plane.name)
    assert found.body == {"ProvisionedConcurrencyConfigs": []}


@behaviour("provisioned concurrency of a version is accepted, and in progress", source=LIFE, differs=NONE_HERE)
def test_provisioned(plane: ControlPlane) -> None:
    operation, params = provisioned("put_provisioned_concurrency_config", plane.name, "1")
    answer = plane.do(operation, **params)
    assert (answer.status, answer.body["Status"]) == (202, "IN_PROGRESS")


@behaviour("an alias of a provisioned version cannot be provisioned: 409", source=LIFE, differs=NONE_HERE)
def test_provisioned_twice(plane: ControlPlane) -> None:
    operation, params = provisioned("put_provisioned_concurrency_config", plane.name, "live")
    assert plane.refusal(operation, **params).status == 409


@behaviour(
    "provisioned concurrency above the account's unreserved is refused with that number",
    source=f"{PROVISIONED}.test_provisioned_concurrency_limits",
    differs=NONE_HERE,
)
def test_provisioned_limit(plane: ControlPlane) -> None:
    asked = {"FunctionName": plane.name, "Qualifier": "1", "ProvisionedConcurrentExecutions": 1001}
    assert "is greater than account's unreserved concurrency" in str(
        plane.refusal("put_provisioned_concurrency_config", **asked).message
    )
