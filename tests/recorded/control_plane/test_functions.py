"""Functions: creating, reading, updating, deleting."""

import base64
import hashlib
import urllib.request
from typing import Any

import pytest

from tests.engine.endpoint import zipped
from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import (
    LAMBDA,
    UNKNOWN,
    ControlPlane,
    Refusal,
    check_refusal,
    new_settings,
    refused,
)

API = "test_lambda_api.py, TestLambdaFunction"
INVALID = "InvalidParameterValueException"
VALIDATION = "ValidationException"
NOT_FOUND = "ResourceNotFoundException"
ROLE_FAULT = (
    "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular"
    " expression pattern: arn:(aws[a-zA-Z-]*)?:iam::…"
)
RUNTIME_FAULT = "Value {} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: […"
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
OTHER_REGION = "Functions from 'eu-central-1' are not reachable in this region ('us-east-1')"
THERE = "arn:aws:lambda:eu-central-1:000000000000:function:<name>"
NO_VERSION = "no runtime version of AWS runs here, so the answer names none"
ENDS_WHEN_SEEN = "an update ends when a client looks at the function, so that no one waits for it"


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        *[
            refused(
                f"{operation} of an unknown function answers 404 with the ARN of the function",
                f"{API}.test_ops_on_nonexisting_fn",
                operation,
                {"FunctionName": "unknown"},
                404,
                NOT_FOUND,
                f"Function not found: {UNKNOWN}",
            )
            for operation in (
                "delete_function",
                "get_function",
                "get_function_configuration",
                "get_function_code_signing_config",
                "get_function_concurrency",
            )
        ],
        *[
            refused(
                f"{operation} with a function of another region answers 404 and names both regions",
                f"{API}.test_get_function_wrong_region",
                operation,
                {"FunctionName": THERE},
                404,
                NOT_FOUND,
                OTHER_REGION,
            )
            for operation in (
                "get_function",
                "get_function_url_config",
                "get_function_event_invoke_config",
                "get_function_concurrency",
                "delete_function",
            )
        ],
        *[
            refused(
                f"{operation} refuses a qualifier that differs from the one in the name",
                f"{API}.test_ops_with_arn_qualifier_mismatch",
                operation,
                {"FunctionName": f"{UNKNOWN}:1", "Qualifier": "$LATEST"},
                400,
                INVALID,
                MISMATCH,
            )
            for operation in ("delete_function", "get_function", "get_function_configuration")
        ],
        *[
            refused(
                f"{operation} of an unknown version answers 404 with the ARN of the version",
                f"{API}.test_ops_on_nonexisting_version",
                operation,
                {"FunctionName": "<name>", "Qualifier": "1221"},
                404,
                NOT_FOUND,
                "Function not found: <arn>:1221",
            )
            for operation in ("get_function", "get_function_configuration")
        ],
        refused(
            "deleting a version of a function that does not exist names the function without the version",
            f"{API}.test_delete_on_nonexisting_version",
            "delete_function",
            {"FunctionName": "unknown", "Qualifier": "1233"},
            404,
            NOT_FOUND,
            f"Function not found: {UNKNOWN}",
        ),
        refused(
            "a function's name with three parts breaks the pattern",
            f"{API}.test_function_arns",
            "create_function",
            new_settings(FunctionName="invalid:function:name"),
            400,
            VALIDATION,
            "1 validation error detected: Value 'invalid:function:name' at 'functionName' failed to satisfy constraint:"
            " Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?…",
        ),
        refused(
            "a name of 65 characters is refused with a validation error inside an invalid parameter value",
            f"{API}.test_function_arns",
            "create_function",
            new_settings(FunctionName="a" * 65),
            400,
            INVALID,
            f"1 validation error detected: Value '{'a' * 65}' at 'functionName' failed to satisfy constraint: Member"
            " must have length less than or equal to 64",
        ),
        refused(
            "an ARN of 141 characters is too long for a new function's name",
            f"{API}.test_function_arns",
            "create_function",
            new_settings(FunctionName=f"{LAMBDA}:function:".ljust(141, "a")),
            400,
            VALIDATION,
            f"1 validation error detected: Value '{f'{LAMBDA}:function:'.ljust(141, 'a')}' at 'functionName' failed to"
            " satisfy constraint: Member must have length less than or equal to 140",
        ),
        refused(
            "a function cannot be created in another region than that of the request",
            f"{API}.test_function_arns",
            "create_function",
            new_settings(FunctionName="arn:aws:lambda:ap-southeast-1:000000000000:function:new"),
            404,
            NOT_FOUND,
            "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')",
        ),
        refused(
            "a function cannot be created in another account: 403 without a message",
            f"{API}.test_function_arns",
            "create_function",
            new_settings(FunctionName="arn:aws:lambda:us-east-1:123456789012:function:new"),
            403,
            "AccessDeniedException",
            None,
        ),
        refused(
            "a role that is not an ARN is refused when a function is created",
            f"{API}.test_create_lambda_exceptions",
            "create_function",
            new_settings(Role="r1"),
            400,
            VALIDATION,
            ROLE_FAULT,
        ),
        refused(
            "an unknown runtime is refused when a function is created, with the known ones",
            f"{API}.test_create_lambda_exceptions",
            "create_function",
            new_settings(Runtime="non-existent-runtime"),
            400,
            INVALID,
            RUNTIME_FAULT.format("non-existent-runtime"),
        ),
        refused(
            "the name of a runtime is in lower case",
            f"{API}.test_create_lambda_exceptions",
            "create_function",
            new_settings(Runtime="PYTHON3.9"),
            400,
            INVALID,
            RUNTIME_FAULT.format("PYTHON3.9"),
        ),
        refused(
            "a function has one architecture",
            f"{API}.test_create_lambda_exceptions",
            "create_function",
            new_settings(Architectures=["x86_64", "arm64"]),
            400,
            VALIDATION,
            "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint:"
            " Member must have length less than or equal to 1",
        ),
        refused(
            "the name of an architecture is in lower case",
            f"{API}.test_create_lambda_exceptions",
            "create_function",
            new_settings(Architectures=["X86_64"]),
            400,
            VALIDATION,
            "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must"
            " satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
        ),
        refused(
            "code that is not a zip is refused",
            f"{API}.test_create_lambda_exceptions",
            "create_function",
            new_settings(Code={"ZipFile": b"this is not a zip"}),
            400,
            INVALID,
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        refused(
            "a role that is not an ARN is refused when a function is updated",
            f"{API}.test_update_lambda_exceptions",
            "update_function_configuration",
            {"FunctionName": "<name>", "Role": "r1"},
            400,
            VALIDATION,
            ROLE_FAULT,
        ),
        *[
            refused(
                f"{runtime} is refused when a function is updated, with the known runtimes",
                f"{API}.test_update_lambda_exceptions",
                "update_function_configuration",
                {"FunctionName": "<name>", "Runtime": runtime},
                400,
                INVALID,
                RUNTIME_FAULT.format(runtime),
            )
            for runtime in ("non-existent-runtime", "PYTHON3.9")
        ],
        refused(
            "functions are listed with all versions or with none",
            f"{API}.test_list_functions",
            "list_functions",
            {"FunctionVersion": "invalid"},
            400,
            VALIDATION,
            "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member"
            " must satisfy enum value set: [ALL]",
        ),
        *[
            refused(
                f"an environment of 4,097 bytes is refused, {how}",
                f"test_lambda_api.py, TestLambdaSizeLimits.{test}",
                "create_function",
                new_settings(Environment={"Variables": variables}),
                400,
                INVALID,
                "Lambda was unable to configure your environment variables because the environment variables you have"
                f" provided exceeded the 4KB limit. String measured: {start}…",
            )
            for how, test, variables, start in (
                (
                    "in one variable",
                    "test_large_environment_variables_fails",
                    {"LARGE_VAR": "x" * 4081},
                    '{"LARGE_VAR":"xxx',
                ),
                (
                    "in several",
                    "test_large_environment_fails_multiple_keys",
                    {"SMALL_VAR": "ok", "LARGE_VAR": "x" * 4064},
                    '{"SMALL_VAR":"ok","LARGE_VAR":"xxx',
                ),
            )
        ],
    ],
)
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


def of(test: str) -> str:
    return f"{API}.{test}"


@pytest.fixture(scope="module")
def created(plane: ControlPlane) -> dict[str, Any]:
    """The answer to CreateFunction."""
    answer = plane.do("create_function", **new_settings(FunctionName="recorded-created"))
    assert answer.status == 201
    return answer.body


@behaviour("a new function is pending, with a reason", source=of("test_function_lifecycle"))
def test_pending(created: dict[str, Any]) -> None:
    state = [created[key] for key in ("State", "StateReason", "StateReasonCode", "Version")]
    assert state == ["Pending", "The function is being created.", "Creating", "$LATEST"]
    assert "LastUpdateStatus" not in created


@behaviour("what a new function does not set has a default", source=of("test_lambda_code_location_zipfile"))
def test_defaults(created: dict[str, Any]) -> None:
    assert {key: created[key] for key in ("MemorySize", "Timeout", "Architectures", "PackageType", "Description")} == {
        "MemorySize": 128,
        "Timeout": 3,
        "Architectures": ["x86_64"],
        "PackageType": "Zip",
        "Description": "",
    }
    assert created["EphemeralStorage"] == {"Size": 512}
    assert created["TracingConfig"] == {"Mode": "PassThrough"}
    assert created["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}


@behaviour("a function logs text to the group of its name", source=of("test_function_lifecycle"))
def test_logging(created: dict[str, Any]) -> None:
    assert created["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/recorded-created"}


@behaviour("an answer leaves out what a function does not have", source=of("test_lambda_code_location_zipfile"))
def test_left_out(created: dict[str, Any]) -> None:
    optional = {"Environment", "Layers", "VpcConfig", "KMSKeyArn", "DeadLetterConfig", "FileSystemConfigs", "Tags"}
    assert optional & set(created) == set()


@behaviour("an answer names the version of the runtime", source=of("test_function_lifecycle"), differs=NO_VERSION)
def test_runtime_version(created: dict[str, Any]) -> None:
    assert "RuntimeVersionConfig" in created


@behaviour("an environment without variables is answered so", source=of("test_function_lifecycle"))
def test_empty_environment(plane: ControlPlane) -> None:
    asked = new_settings(FunctionName="recorded-empty-environment", Environment={"Variables": {}})
    assert plane.do("create_function", **asked).body["Environment"] == {"Variables": {}}


@behaviour(
    "an environment of 4,096 bytes is taken",
    source="test_lambda_api.py, TestLambdaSizeLimits.test_lambda_envvars_near_limit_succeeds",
)
def test_an_environment_at_the_limit(plane: ControlPlane) -> None:
    variables = {"LARGE_VAR": "x" * 4080}
    asked = new_settings(FunctionName="recorded-environment", Environment={"Variables": variables})
    assert plane.do("create_function", **asked).body["Environment"]["Variables"] == variables


@behaviour("an active function has been updated successfully", source=of("test_function_lifecycle"))
def test_active(plane: ControlPlane) -> None:
    found = plane.do("get_function", FunctionName=plane.name).body
    assert (found["Configuration"]["State"], found["Configuration"]["LastUpdateStatus"]) == ("Active", "Successful")
    assert found["Code"]["RepositoryType"] == "S3"
    assert {"StateReason", "LastUpdateStatusReason"} & set(found["Configuration"]) == set()


@pytest.mark.parametrize(
    ("operation", "settings"),
    [
        pytest.param(
            operation,
            settings,
            marks=behaviour(
                f"{operation} answers that the function is active and its update is in progress",
                source=of("test_function_lifecycle"),
            ),
        )
        for operation, settings in (
            ("update_function_configuration", {"Description": "changed", "MemorySize": 256}),
            ("update_function_code", {"ZipFile": zipped("handler = print")}),
        )
    ],
)
def test_in_progress(plane: ControlPlane, operation: str, settings: dict[str, Any]) -> None:
    name = plane.new()
    answer = plane.do(operation, FunctionName=name, **settings).body
    status = [answer[key] for key in ("State", "LastUpdateStatus", "LastUpdateStatusReason")]
    assert status == ["Active", "InProgress", "The function is being created."]
    assert answer["LastUpdateStatusReasonCode"] == "Creating"


@behaviour(
    "GetFunction right after UpdateFunctionCode says that the update is in progress",
    source="test_lambda_api.py, TestLambdaVersions.test_publish_with_update",
    differs=ENDS_WHEN_SEEN,
)
def test_still_in_progress(plane: ControlPlane) -> None:
    name = plane.new()
    plane.do("update_function_code", FunctionName=name, ZipFile=zipped("handler = print"))
    assert plane.do("get_function", FunctionName=name).body["Configuration"]["LastUpdateStatus"] == "InProgress"


@behaviour("a function is deleted once, then it is unknown", source=of("test_function_lifecycle"))
def test_deleted(plane: ControlPlane) -> None:
    name = plane.new()
    assert plane.do("delete_function", FunctionName=name).status == 204
    message = f"Function not found: {LAMBDA}:function:{name}"
    assert plane.refusal("delete_function", FunctionName=name) == Refusal(404, NOT_FOUND, message)


@behaviour("deleting a version that does not exist succeeds", source=of("test_delete_on_nonexisting_version"))
def test_an_unknown_version_is_deleted(plane: ControlPlane) -> None:
    assert plane.do("delete_function", FunctionName=plane.name, Qualifier="1233").status == 204


@pytest.mark.parametrize(
    "in_s3",
    [
        pytest.param(
            in_s3,
            marks=behaviour(f"GetFunction leads to the code as it was given {how}, after each update", source=of(test)),
        )
        for in_s3, how, test in (
            (False, "in the request", "test_lambda_code_location_zipfile"),
            (True, "in a bucket", "test_lambda_code_location_s3"),
        )
    ],
)
def test_code_location(plane: ControlPlane, in_s3: bool) -> None:
    s3 = plane.endpoint.client("s3")
    name = plane.new()
    for content in (zipped("first"), zipped("second")):
        given: dict[str, Any] = {"ZipFile": content}
        if in_s3:
            s3.create_bucket(Bucket="recorded-code")
            s3.put_object(Bucket="recorded-code", Key="code.zip", Body=content)
            given = {"S3Bucket": "recorded-code", "S3Key": "code.zip"}
        plane.do("update_function_code", FunctionName=name, **given)
        found = plane.do("get_function", FunctionName=name).body
        with urllib.request.urlopen(found["Code"]["Location"]) as answer:  # noqa: S310 - the endpoint's
            assert answer.read() == content
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert (found["Configuration"]["CodeSha256"], found["Configuration"]["CodeSize"]) == (digest, len(content))


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(
            prefix, marks=behaviour(f"a function can be created by its {how} ARN", source=of("test_function_arns"))
        )
        for prefix, how in ((f"{LAMBDA}:function:", "whole"), ("000000000000:function:", "partial"))
    ],
)
def test_created_by_arn(plane: ControlPlane, prefix: str) -> None:
    name = f"recorded-arn-{len(prefix)}"
    made = plane.do("create_function", **new_settings(FunctionName=prefix + name)).body
    assert (made["FunctionName"], made["FunctionArn"]) == (name, f"{LAMBDA}:function:{name}")


@pytest.fixture(scope="module")
def listed(plane: ControlPlane) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All functions with all versions, and without, page by page."""
    pages = plane.client.get_paginator("list_functions")
    one = {"PageSize": 20}
    every = pages.paginate(FunctionVersion="ALL", PaginationConfig=one).build_full_result()["Functions"]
    newest = pages.paginate(PaginationConfig=one).build_full_result()["Functions"]
    return [[each for each in found if each["FunctionName"] == plane.name] for found in (every, newest)]  # type: ignore[return-value]


@behaviour("a list of all versions begins with $LATEST, with qualified ARNs", source=of("test_list_functions"))
def test_list_all(plane: ControlPlane, listed: Any) -> None:
    assert [each["FunctionArn"] for each in listed[0]] == [f"{plane.arn}:{each}" for each in ("$LATEST", "1", "2")]


@behaviour("a list of functions has unqualified ARNs", source=of("test_list_functions"))
def test_list_newest(plane: ControlPlane, listed: Any) -> None:
    assert [each["FunctionArn"] for each in listed[1]] == [plane.arn]


@behaviour("functions in a list have no state", source=of("test_list_functions"))
def test_list_without_state(listed: Any) -> None:
    stateful = {"State", "StateReason", "LastUpdateStatus", "LastUpdateStatusReason", "RuntimeVersionConfig"}
    assert stateful & set().union(*listed[0], *listed[1]) == set()


@behaviour("functions are listed one at a time with MaxItems", source=of("test_list_functions"))
def test_list_page(plane: ControlPlane) -> None:
    first = plane.do("list_functions", MaxItems=1).body
    second = plane.do("list_functions", MaxItems=1, Marker=first["NextMarker"]).body
    assert len(first["Functions"]) == len(second["Functions"]) == 1
    assert first["Functions"] != second["Functions"]
