"""Layers and their policies."""

from typing import Any

import pytest

from tests.engine.endpoint import zipped
from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import LAMBDA, ControlPlane, Refusal, check_refusal, refused

API = "test_lambda_api.py, TestLambdaLayer"
EXC, USE, POLICY = (
    f"{API}.{test}"
    for test in ("test_layer_exceptions", "test_layer_function_exceptions", "test_layer_policy_exceptions")
)
LIFE, POLICY_LIFE = f"{API}.test_layer_lifecycle", f"{API}.test_layer_policy_lifecycle"
INVALID, VALIDATION, NOT_FOUND = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
GONE = "The resource you requested does not exist."
LAYER = f"{LAMBDA}:layer:recorded"
TOO_SMALL = "Layer Version Cannot be less than 1"
STALE = "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
BOTH = "a layer reports an unknown runtime and an unknown architecture together"
TWICE = "Two different versions of the same layer are not allowed to be referenced in the same function. {} and {} are versions of the same layer."


def statement(**settings: Any) -> dict[str, Any]:
    asked = {"LayerName": "recorded", "VersionNumber": 1, "Action": "lambda:GetLayerVersion", "Principal": "*"}
    return {**asked, "StatementId": "s1", **settings}


def used(*layers: str) -> dict[str, Any]:
    return {"FunctionName": "<name>", "Layers": list(layers)}


@pytest.fixture(scope="module")
def layers(plane: ControlPlane) -> list[dict[str, Any]]:
    """Three equal versions of a layer; the first has a policy."""
    content = {"Content": {"ZipFile": zipped("")}, "CompatibleRuntimes": ["python3.13"], "Description": "of layers"}
    made = [plane.do("publish_layer_version", LayerName="recorded", **content).body for _ in range(3)]
    plane.do("add_layer_version_permission", **statement())
    return made


CASES: list[Any] = [
    (
        "layers are listed for a known runtime",
        EXC,
        "list_layers",
        {"CompatibleRuntime": "runtimedoesnotexist"},
        400,
        VALIDATION,
        "1 validation error detected: Value 'runtimedoesnotexist' at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum value set: […",
    ),
    (
        "layers are listed for a known architecture",
        EXC,
        "list_layers",
        {"CompatibleArchitecture": "archdoesnotexist"},
        400,
        VALIDATION,
        "1 validation error detected: Value 'archdoesnotexist' at 'compatibleArchitecture' failed to satisfy constraint: Member must satisfy enum value set: [x86_64, arm64]",
    ),
    (
        "a version of an unknown layer is not found",
        EXC,
        "get_layer_version",
        {"LayerName": "unknown", "VersionNumber": 1},
        404,
        NOT_FOUND,
        GONE,
    ),
    (
        "an unknown version of a layer is not found",
        EXC,
        "get_layer_version",
        {"LayerName": "recorded", "VersionNumber": 9},
        404,
        NOT_FOUND,
        GONE,
    ),
    (
        "the number of a layer's version is not negative",
        EXC,
        "get_layer_version",
        {"LayerName": "recorded", "VersionNumber": -1},
        400,
        INVALID,
        TOO_SMALL,
    ),
    (
        "the number of a layer's version is not 0",
        EXC,
        "get_layer_version",
        {"LayerName": "recorded", "VersionNumber": 0},
        400,
        INVALID,
        TOO_SMALL,
    ),
    (
        "GetLayerVersionByArn needs a version in the ARN",
        EXC,
        "get_layer_version_by_arn",
        {"Arn": LAYER},
        400,
        VALIDATION,
        f"1 validation error detected: Value '{LAYER}' at 'arn' failed to satisfy constraint: Member must satisfy regular expression pattern: …",
    ),
    (
        "GetLayerVersionByArn of an unknown version is not found",
        EXC,
        "get_layer_version_by_arn",
        {"Arn": f"{LAYER}:9"},
        404,
        NOT_FOUND,
        GONE,
    ),
    (
        "a version with a negative number cannot be deleted",
        EXC,
        "delete_layer_version",
        {"LayerName": "recorded", "VersionNumber": -1},
        400,
        INVALID,
        TOO_SMALL,
    ),
    (
        BOTH,
        EXC,
        "publish_layer_version",
        {
            "LayerName": "other",
            "Content": {"ZipFile": b""},
            "CompatibleRuntimes": ["invalidruntime"],
            "CompatibleArchitectures": ["invalidarch"],
        },
        400,
        VALIDATION,
        "2 validation errors detected: Value '[invalid…",
    ),
    (
        "a function takes one version of a layer",
        USE,
        "update_function_configuration",
        used(f"{LAYER}:1", f"{LAYER}:2"),
        400,
        INVALID,
        TWICE.format(f"{LAYER}:1", f"{LAYER}:2"),
    ),
    (
        "of three versions of a layer the first two are named",
        USE,
        "update_function_configuration",
        used(f"{LAYER}:1", f"{LAYER}:2", f"{LAYER}:3"),
        400,
        INVALID,
        TWICE.format(f"{LAYER}:1", f"{LAYER}:2"),
    ),
    (
        "a function takes the same version of a layer once",
        USE,
        "update_function_configuration",
        used(f"{LAYER}:1", f"{LAYER}:1"),
        400,
        INVALID,
        TWICE.format(f"{LAYER}:1", f"{LAYER}:1"),
    ),
    (
        "a function cannot use an unknown layer",
        USE,
        "update_function_configuration",
        used(f"{LAMBDA}:layer:unknown:1"),
        400,
        INVALID,
        f"Layer version {LAMBDA}:layer:unknown:1 does not exist.",
    ),
    (
        "a function cannot use an unknown version of a layer",
        USE,
        "update_function_configuration",
        used(f"{LAYER}:9"),
        400,
        INVALID,
        f"Layer version {LAYER}:9 does not exist.",
    ),
    (
        "a function needs the version of a layer",
        USE,
        "update_function_configuration",
        used(LAYER),
        400,
        VALIDATION,
        f"1 validation error detected: Value '[{LAYER}]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to …",
    ),
    (
        "a function cannot use a layer of another region",
        USE,
        "update_function_configuration",
        used("arn:aws:lambda:eu-central-1:000000000000:layer:recorded:1"),
        400,
        INVALID,
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
    ),
    (
        "a layer without permissions has no policy",
        POLICY,
        "get_layer_version_policy",
        {"LayerName": "recorded", "VersionNumber": 2},
        404,
        NOT_FOUND,
        "No policy is associated with the given resource.",
    ),
    (
        "the only action of a layer is to get it",
        POLICY,
        "add_layer_version_permission",
        statement(Action="*", StatementId="s2"),
        400,
        VALIDATION,
        "1 validation error detected: Value '*' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: lambda:GetLayerVersion",
    ),
    (
        "a statement of a layer's policy is added once",
        POLICY,
        "add_layer_version_permission",
        statement(),
        409,
        "ResourceConflictException",
        "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing statement.",
    ),
    (
        "a statement is added to the newest revision of a layer's policy",
        POLICY,
        "add_layer_version_permission",
        statement(StatementId="s2", RevisionId="wrong"),
        412,
        "PreconditionFailedException",
        STALE,
    ),
    (
        "a statement is removed from the newest revision of a layer's policy",
        POLICY,
        "remove_layer_version_permission",
        {"LayerName": "recorded", "VersionNumber": 1, "StatementId": "s1", "RevisionId": "wrong"},
        412,
        "PreconditionFailedException",
        STALE,
    ),
    (
        "an unknown statement of a layer's policy is not removed",
        POLICY,
        "remove_layer_version_permission",
        {"LayerName": "recorded", "VersionNumber": 1, "StatementId": "unknown"},
        404,
        NOT_FOUND,
        "Statement unknown is not found in resource policy.",
    ),
] + [
    (
        f"{operation} needs {what}",
        POLICY,
        operation,
        statement(**name)
        if operation.startswith("add")
        else {
            "LayerName": "recorded",
            "VersionNumber": 1,
            **({"StatementId": "s1"} if operation.startswith("remove") else {}),
            **name,
        },
        404,
        NOT_FOUND,
        f"Layer version {LAMBDA}:layer:{arn} does not exist.",
    )
    for operation in ("add_layer_version_permission", "get_layer_version_policy", "remove_layer_version_permission")
    for what, name, arn in (
        ("a layer", {"LayerName": "unknown"}, "unknown:1"),
        ("a version of the layer", {"VersionNumber": 9}, "recorded:9"),
    )
]


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, layers: Any, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


@behaviour("a function uses five layers at most", source=f"{API}.test_layer_function_quota_exception")
def test_six_layers(plane: ControlPlane) -> None:
    names = [f"recorded-{number}" for number in range(6)]
    made = [plane.do("publish_layer_version", LayerName=name, Content={"ZipFile": zipped("")}).body for name in names]
    arns = [each["LayerVersionArn"] for each in made]
    refusal = plane.refusal("update_function_configuration", FunctionName=plane.name, Layers=arns)
    assert refusal == Refusal(400, INVALID, "Cannot reference more than 5 layers.")


@behaviour("each publication is a version of its own, also of the same content", source=LIFE)
def test_numbers(layers: list[dict[str, Any]]) -> None:
    assert [each["Version"] for each in layers] == [1, 2, 3]
    assert [each["LayerVersionArn"] for each in layers] == [f"{LAYER}:{number}" for number in (1, 2, 3)]
    assert len({each["Content"]["CodeSha256"] for each in layers}) == 1


@behaviour("a version is found by number and by ARN", source=LIFE)
def test_found(plane: ControlPlane, layers: list[dict[str, Any]]) -> None:
    by_number = plane.do("get_layer_version", LayerName="recorded", VersionNumber=1).body
    by_arn = plane.do("get_layer_version_by_arn", Arn=f"{LAYER}:1").body
    for found in (by_number, by_arn):
        assert (found["LayerVersionArn"], found["Description"]) == (f"{LAYER}:1", "of layers")


@behaviour("versions are listed from the newest on", source=LIFE)
def test_listed(plane: ControlPlane, layers: list[dict[str, Any]]) -> None:
    found = plane.do("list_layer_versions", LayerName="recorded").body["LayerVersions"]
    assert [each["Version"] for each in found] == [3, 2, 1]


@behaviour("an unknown layer has no versions", source=EXC)
def test_unknown(plane: ControlPlane) -> None:
    assert plane.do("list_layer_versions", LayerName="unknown").body["LayerVersions"] == []


@behaviour("a version that does not exist is deleted already", source=EXC)
def test_delete_unknown(plane: ControlPlane, layers: list[dict[str, Any]]) -> None:
    for name, number in (("unknown", 1), ("recorded", 9)):
        assert plane.do("delete_layer_version", LayerName=name, VersionNumber=number).status == 204


@behaviour("a layer may name no runtimes and architectures", source=EXC)
def test_no_compatibility(plane: ControlPlane) -> None:
    nothing: dict[str, Any] = {"CompatibleRuntimes": [], "CompatibleArchitectures": []}
    made = plane.do("publish_layer_version", LayerName="nothing", Content={"ZipFile": zipped("")}, **nothing)
    assert (made.status, made.body["CompatibleRuntimes"], made.body["CompatibleArchitectures"]) == (201, [], [])


@behaviour("a function keeps a layer that is deleted, and its number is not used again", source=LIFE)
def test_deleted(plane: ControlPlane) -> None:
    content = {"LayerName": "deleted", "Content": {"ZipFile": zipped("")}}
    arn = plane.do("publish_layer_version", **content).body["LayerVersionArn"]
    name = plane.new(Layers=[arn])
    plane.do("delete_layer_version", LayerName="deleted", VersionNumber=1)
    assert plane.do("list_layer_versions", LayerName="deleted").body["LayerVersions"] == []
    assert [each["Arn"] for each in plane.do("get_function_configuration", FunctionName=name).body["Layers"]] == [arn]
    assert plane.do("publish_layer_version", **content).body["Version"] == 2


@behaviour("a change of a layer's policy is a new revision of it", source=POLICY_LIFE)
def test_policy(plane: ControlPlane, layers: list[dict[str, Any]]) -> None:
    version = {"LayerName": "recorded", "VersionNumber": 3}
    first = plane.do("add_layer_version_permission", **statement(**version)).body["RevisionId"]
    assert plane.do("get_layer_version_policy", **version).body["RevisionId"] == first
    more = statement(**version, StatementId="s2", RevisionId=first)
    second = plane.do("add_layer_version_permission", **more).body["RevisionId"]
    plane.do("remove_layer_version_permission", **version, StatementId="s2", RevisionId=second)
    assert plane.do("get_layer_version_policy", **version).body["RevisionId"] not in {first, second}
