"""How asynchronous invocations are retried and recorded."""

from typing import Any

import pytest

from tests.recorded.behaviour import behaviour
from tests.recorded.control_plane.plane import LAMBDA, UNKNOWN, ControlPlane, Refusal, check_refusal, refused

API = "test_lambda_api.py, TestLambdaEventInvokeConfig"
EXC, LIFE = f"{API}.test_lambda_eventinvokeconfig_exceptions", f"{API}.test_lambda_eventinvokeconfig_lifecycle"
INVALID, NOT_FOUND = "InvalidParameterValueException", "ResourceNotFoundException"
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
PUT, GET, UPDATE, DELETE = (f"{verb}_function_event_invoke_config" for verb in ("put", "get", "update", "delete"))


def to(when: str, arn: str) -> dict[str, Any]:
    return {"FunctionName": "<name>", "DestinationConfig": {when: {"Destination": arn}}}


def once(**target: str) -> dict[str, Any]:
    return {"FunctionName": "<name>", "MaximumRetryAttempts": 1, **target}


def nothing(arn: str) -> str:
    return f"The function {arn} doesn't have an EventInvokeConfig"


CASES: list[Any] = [
    (
        "settings for events are of a function that exists",
        EXC,
        PUT,
        once(FunctionName="unknown"),
        404,
        NOT_FOUND,
        "The function doesn't exist.",
    ),
    (
        "settings for events are of a function that exists, also by ARN",
        EXC,
        PUT,
        once(FunctionName=UNKNOWN),
        404,
        NOT_FOUND,
        "The function doesn't exist.",
    ),
    (
        "settings for events set something",
        EXC,
        PUT,
        {"FunctionName": "unknown"},
        400,
        INVALID,
        "You must specify at least one of error handling or destination setting.",
    ),
    (
        "a function as a destination exists",
        EXC,
        PUT,
        to("OnSuccess", UNKNOWN),
        400,
        INVALID,
        f"The destination ARN {UNKNOWN} is invalid.",
    ),
    (
        "a function is not its own destination",
        EXC,
        PUT,
        to("OnSuccess", "<arn>"),
        400,
        INVALID,
        "You can't specify the function as a destination for itself.",
    ),
    (
        "a destination is of a service that takes records",
        EXC,
        PUT,
        to("OnSuccess", f"{LAMBDA}:function:x".replace(":lambda:", ":iam:")),
        400,
        INVALID,
        f"The provided destination config DestinationConfig(onSuccess=OnSuccess(destination={LAMBDA.replace(':lambda:', ':iam:')}:function:x), onFailure=null) is invalid.",
    ),
    (
        "a destination is an ARN",
        EXC,
        PUT,
        to("OnFailure", f"{LAMBDA}:function:x".replace(":lambda:", ":_-/!lambda:")),
        400,
        "ValidationException",
        f"1 validation error detected: Value '{LAMBDA.replace(':lambda:', ':_-/!lambda:')}:function:x' at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must satisfy regular expression pattern: …",
    ),
    (
        "settings for events are of an alias that exists",
        EXC,
        PUT,
        once(Qualifier="unknown"),
        404,
        NOT_FOUND,
        "The function doesn't exist.",
    ),
    (
        "settings of an alias by ARN and of another qualifier are refused",
        EXC,
        PUT,
        once(FunctionName="<arn>:live", Qualifier="other"),
        400,
        INVALID,
        MISMATCH,
    ),
    (
        "settings of an alias by name and of another qualifier are refused",
        EXC,
        PUT,
        once(FunctionName="<name>:live", Qualifier="other"),
        400,
        INVALID,
        MISMATCH,
    ),
    (
        "settings of a version by name and of $LATEST are refused",
        EXC,
        PUT,
        once(FunctionName="<name>:1", Qualifier="$LATEST"),
        400,
        INVALID,
        MISMATCH,
    ),
    (
        "settings of $LATEST by name and of a version are refused",
        EXC,
        PUT,
        once(FunctionName="<name>:$LATEST", Qualifier="1"),
        400,
        INVALID,
        MISMATCH,
    ),
    (
        "settings of a version by name and of an alias are refused",
        EXC,
        PUT,
        once(FunctionName="<name>:1", Qualifier="live"),
        400,
        INVALID,
        MISMATCH,
    ),
    (
        "settings of an unknown function are not updated",
        EXC,
        UPDATE,
        once(FunctionName="unknown"),
        404,
        NOT_FOUND,
        "The function doesn't exist.",
    ),
    (
        "settings that an alias does not have are not updated",
        EXC,
        UPDATE,
        once(FunctionName="<arn>:live"),
        404,
        NOT_FOUND,
        nothing("<arn>:live"),
    ),
    (
        "settings that a function does not have are not updated",
        EXC,
        UPDATE,
        once(FunctionName="<arn>"),
        404,
        NOT_FOUND,
        nothing("<arn>:$LATEST"),
    ),
    (
        "settings of an unknown function are not listed",
        EXC,
        "list_function_event_invoke_configs",
        {"FunctionName": "unknown"},
        404,
        NOT_FOUND,
        "The function doesn't exist.",
    ),
    (
        "an unknown version has no settings for events",
        "test_lambda_api.py, TestLambdaFunction.test_ops_on_nonexisting_version",
        GET,
        {"FunctionName": "<name>", "Qualifier": "1221"},
        404,
        NOT_FOUND,
        nothing("<arn>:1221"),
    ),
] + [
    (
        f"{operation} of {what} names {arn.replace(UNKNOWN, 'its ARN').replace('<arn>', 'its ARN')}",
        EXC,
        operation,
        target,
        404,
        NOT_FOUND,
        nothing(arn),
    )
    for operation in (GET, DELETE)
    for what, target, arn in (
        ("an unknown function", {"FunctionName": "unknown"}, f"{UNKNOWN}:$LATEST"),
        ("a function without settings", {"FunctionName": "<name>"}, "<arn>:$LATEST"),
        ("an unknown qualifier", {"FunctionName": "<name>", "Qualifier": "unknown"}, "<arn>:unknown"),
    )
    if (operation, what) != (DELETE, "an unknown qualifier")
]


@pytest.mark.parametrize(("operation", "params", "expected"), [refused(*case) for case in CASES])
def test_refused(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    check_refusal(plane, operation, params, expected)


class Settings:
    """A function with a version and an alias."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.name = plane, plane.new()
        self.arn = f"{LAMBDA}:function:{self.name}"
        plane.do("publish_version", FunctionName=self.name)
        plane.do("create_alias", FunctionName=self.name, Name="live", FunctionVersion="1")

    def put(self, name: str = "", **settings: Any) -> dict[str, Any]:
        return self.plane.do(PUT, FunctionName=name or self.name, **settings).body


@pytest.fixture(scope="module")
def settings(plane: ControlPlane) -> Settings:
    return Settings(plane)


@behaviour("settings for events are answered with both destinations, and what was set", source=EXC)
def test_answer(plane: ControlPlane, settings: Settings) -> None:
    answer = settings.put(DestinationConfig={"OnSuccess": {"Destination": plane.arn}})
    answer.pop("LastModified")
    destinations = {"OnSuccess": {"Destination": plane.arn}, "OnFailure": {}}
    assert answer == {"FunctionArn": f"{settings.arn}:$LATEST", "DestinationConfig": destinations}


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(when, marks=behaviour(f"an empty {when} is no destination", source=EXC))
        for when in ("OnSuccess", "OnFailure")
    ],
)
def test_no_destination(settings: Settings, when: str) -> None:
    empty: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}
    assert settings.put(DestinationConfig={when: {}})["DestinationConfig"] == empty


@pytest.mark.parametrize(
    ("suffix", "qualifier", "arn"),
    [
        pytest.param(
            suffix,
            qualifier,
            arn,
            marks=behaviour(f"settings of {what} are answered with the ARN of {arn}", source=EXC),
        )
        for what, suffix, qualifier, arn in (
            ("a function", "", None, "$LATEST"),
            ("a function with qualifier $LATEST", "", "$LATEST", "$LATEST"),
            ("a version", "", "1", "1"),
            ("an alias", "", "live", "live"),
            ("an alias by name", ":live", None, "live"),
            ("an alias by name and qualifier", ":live", "live", "live"),
            ("a version by name", ":1", None, "1"),
            ("$LATEST by name and qualifier", ":$LATEST", "$LATEST", "$LATEST"),
        )
    ],
)
def test_arn(settings: Settings, suffix: str, qualifier: str | None, arn: str) -> None:
    for name in (settings.name, settings.arn):
        more = {} if qualifier is None else {"Qualifier": qualifier}
        answer = settings.put(f"{name}{suffix}", MaximumRetryAttempts=1, **more)
        assert answer["FunctionArn"] == f"{settings.arn}:{arn}"


@behaviour("an event may wait for 21,600 seconds", source=EXC)
def test_longest(settings: Settings) -> None:
    answer = settings.put(MaximumRetryAttempts=2, MaximumEventAgeInSeconds=21600)
    assert (answer["MaximumRetryAttempts"], answer["MaximumEventAgeInSeconds"]) == (2, 21600)


@behaviour("putting settings replaces all of them", source=EXC)
def test_put(plane: ControlPlane, settings: Settings) -> None:
    settings.put(MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60)
    settings.put(MaximumRetryAttempts=0)
    found = plane.do(GET, FunctionName=settings.name).body
    assert (found["MaximumRetryAttempts"], "MaximumEventAgeInSeconds" in found) == (0, False)


@behaviour("updating settings keeps those that are not named", source=EXC)
def test_update(plane: ControlPlane, settings: Settings) -> None:
    settings.put(MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60)
    answer = plane.do(UPDATE, FunctionName=settings.name, MaximumRetryAttempts=0).body
    assert (answer["MaximumRetryAttempts"], answer["MaximumEventAgeInSeconds"]) == (0, 60)


@behaviour("the settings of a function are those of $LATEST", source=LIFE)
def test_latest(plane: ControlPlane, settings: Settings) -> None:
    put = settings.put(MaximumRetryAttempts=1)
    for more in ({}, {"Qualifier": "$LATEST"}):
        assert plane.do(GET, FunctionName=settings.name, **more).body == put


@behaviour("a new version has no settings of its own", source=LIFE)
def test_new_version(plane: ControlPlane) -> None:
    other = Settings(plane)
    other.put(MaximumRetryAttempts=0)
    message = nothing(f"{other.arn}:1")
    assert plane.refusal(GET, FunctionName=other.name, Qualifier="1") == Refusal(404, NOT_FOUND, message)


@behaviour("settings of all qualifiers are listed page by page, and deleted one by one", source=LIFE)
def test_listed(plane: ControlPlane) -> None:
    other = Settings(plane)
    for qualifier in ("$LATEST", "1", "live"):
        other.put(Qualifier=qualifier, MaximumRetryAttempts=1)
    listing = "list_function_event_invoke_configs"
    first = plane.do(listing, FunctionName=other.name, MaxItems=2).body
    second = plane.do(listing, FunctionName=other.name, MaxItems=2, Marker=first["NextMarker"]).body
    found = [each["FunctionArn"] for page in (first, second) for each in page["FunctionEventInvokeConfigs"]]
    assert found == [f"{other.arn}:{qualifier}" for qualifier in ("$LATEST", "1", "live")]
    for qualifier in ("$LATEST", "1", "live"):
        assert plane.do(DELETE, FunctionName=other.name, Qualifier=qualifier).status == 204
    assert plane.do(listing, FunctionName=other.name).body == {"FunctionEventInvokeConfigs": []}
