"""Tags of functions."""

from typing import Any

import pytest

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

API, LIFE = "test_lambda_api.py, TestLambdaTags", "test_lambda_api.py, TestLambdaTag.test_tag_lifecycle"
EXC, LIMITS, VERSIONS = f"{API}.test_tag_exceptions", f"{API}.test_tag_limits", f"{API}.test_tag_versions"
MISSING = "test_lambda_api.py, TestLambdaTag.test_tag_nonexisting_resource"
INVALID, VALIDATION, NOT_FOUND = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException"
NOT_HERE = "Tags on function aliases and versions are not supported. Please specify a function ARN."
TOO_MANY = "Number of tags exceeds resource tag limit."


def many(count: int) -> dict[str, str]:
    return {f"{number}_key": f"{number}_value" for number in range(count)}


CASES: list[Any] = [
    (
        "tags are of an ARN",
        EXC,
        "tag_resource",
        {"Resource": "arn:aws:something", "Tags": {"a": "b"}},
        400,
        VALIDATION,
        "1 validation error detected: Value 'arn:aws:something' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws…",
    ),
    ("an alias has no tags", EXC, "tag_resource", {"Resource": "<arn>:v1", "Tags": {"a": "b"}}, 400, INVALID, NOT_HERE),
    (
        "a version has no tags",
        VERSIONS,
        "tag_resource",
        {"Resource": "<arn>:1", "Tags": {"a": "b"}},
        400,
        INVALID,
        NOT_HERE,
    ),
    (
        "$LATEST has no tags",
        VERSIONS,
        "tag_resource",
        {"Resource": "<arn>:$LATEST", "Tags": {"a": "b"}},
        400,
        INVALID,
        NOT_HERE,
    ),
    (
        "tags to remove are named",
        EXC,
        "untag_resource",
        {"Resource": "<arn>", "TagKeys": []},
        400,
        VALIDATION,
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    ),
    (
        "no tags cannot be added",
        EXC,
        "tag_resource",
        {"Resource": "<arn>", "Tags": {}},
        400,
        INVALID,
        "An error occurred and the request cannot be processed.",
    ),
    (
        "a function has 50 tags at most",
        LIMITS,
        "tag_resource",
        {"Resource": "<arn>", "Tags": many(51)},
        400,
        INVALID,
        TOO_MANY,
    ),
] + [
    (
        f"{operation} of an unknown function answers 404 with its ARN",
        MISSING,
        operation,
        {"Resource": UNKNOWN, **more},
        404,
        NOT_FOUND,
        f"Function not found: {UNKNOWN}",
    )
    for operation, more in (
        ("tag_resource", {"Tags": {"a": "b"}}),
        ("untag_resource", {"TagKeys": ["a"]}),
        ("list_tags", {}),
    )
]


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


class Tagged:
    """A function, and what is done to its tags."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.name = plane, plane.new()
        self.arn = f"{LAMBDA}:function:{self.name}"

    def add(self, **tags: str) -> int:
        return self.plane.do("tag_resource", Resource=self.arn, Tags=tags).status

    def remove(self, *keys: str) -> int:
        return self.plane.do("untag_resource", Resource=self.arn, TagKeys=list(keys)).status

    @property
    def tags(self) -> Any:
        return self.plane.do("list_tags", Resource=self.arn).body["Tags"]


@pytest.fixture
def tagged(plane: ControlPlane) -> Tagged:
    return Tagged(plane)


@behaviour("tags are added to those there are, and replace those of the same key", source=LIFE)
def test_added(tagged: Tagged) -> None:
    assert (tagged.tags, tagged.add(a="1"), tagged.add(b="2", c="3"), tagged.add(c="4", d="5")) == ({}, 204, 204, 204)
    assert tagged.tags == {"a": "1", "b": "2", "c": "4", "d": "5"}


@behaviour("tags are removed by key, and keys that are not there are ignored", source=LIFE)
def test_removed(tagged: Tagged) -> None:
    tagged.add(a="1", b="2", c="3", d="4")
    assert (tagged.remove("a"), tagged.remove("b", "c"), tagged.remove("f"), tagged.tags) == (204, 204, 204, {"d": "4"})
    assert (tagged.remove("d", "f"), tagged.tags) == (204, {})


@behaviour(
    "GetFunction answers with the tags, if there are any", source=LIFE.replace("TestLambdaTag.", "TestLambdaTags.")
)
def test_with_function(plane: ControlPlane, tagged: Tagged) -> None:
    assert "Tags" not in plane.do("get_function", FunctionName=tagged.name).body
    tagged.add(a="1")
    assert plane.do("get_function", FunctionName=tagged.name).body["Tags"] == {"a": "1"}


@behaviour("new tags are a new revision of the function", source=LIFE.replace("TestLambdaTag.", "TestLambdaTags."))
def test_revision(plane: ControlPlane, tagged: Tagged) -> None:
    found = []
    for key in ("a", "b"):
        tagged.add(**{key: "1"})
        found.append(plane.do("get_function", FunctionName=tagged.name).body["Configuration"]["RevisionId"])
    assert len(set(found)) == 2


@behaviour("a function takes 50 tags, and no further one", source=LIMITS)
def test_limit(plane: ControlPlane, tagged: Tagged) -> None:
    assert (tagged.add(**many(50)), tagged.tags) == (204, many(50))
    refusal = plane.refusal("tag_resource", Resource=tagged.arn, Tags={"a_key": "a_value"})
    assert refusal == Refusal(400, INVALID, TOO_MANY)


@behaviour("a function is created with tags", source="test_lambda_api.py, TestLambdaTag.test_create_tag_on_fn_create")
def test_created(plane: ControlPlane) -> None:
    made = plane.do("create_function", **new_settings(FunctionName="recorded-tags", Tags={"a": "1"})).body
    assert plane.do("list_tags", Resource=made["FunctionArn"]).body["Tags"] == {"a": "1"}
