"""When AWS refuses: one clear line, before anything is created or sent."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lab import cli
from lab.cli.options import DEFAULTS
from tests.unit.lab.aws.aws_double import CONFIGURATION, Answer, AwsDouble, json_error, xml_error

TIMELY = "Signature expired: 20261121T100000Z is now earlier than 20261121T101000Z"


class Said(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`lab run --target aws`, with more arguments."""

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["lab", "run", "--target", "aws", "--out", str(tmp_path / "run"), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = Said(int(ended.value.code or 0), *capsys.readouterr())
        assert not (tmp_path / "run").exists()
        return said

    return call


def assert_one_line(said: Said, code: int, *parts: str) -> None:
    last = said.err.splitlines()[-1]
    assert (said.code, said.out) == (code, "")
    assert last.startswith("lab: ")
    assert said.err.count("lab: ") == 1
    for part in parts:
        assert part in last


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (xml_error(403, "ExpiredToken", "The security token included in the request is expired"), ["have expired"]),
        (xml_error(403, "InvalidClientTokenId", "The security token is invalid"), ["does not accept", "AWS_PROFILE"]),
        (xml_error(403, "SignatureDoesNotMatch", "The request signature"), ["does not accept these credentials"]),
        (xml_error(403, "SignatureDoesNotMatch", TIMELY), ["set this machine's clock"]),
        (
            xml_error(403, "AccessDenied", "explicit deny in a service control policy"),
            ["no permission", "docs/how-to/measure-on-aws.md"],
        ),
        (xml_error(403, "OptInRequired", "You are not subscribed"), ["not enabled in this account"]),
        (Answer(503, "<html>a proxy</html>"), ["cannot use AWS"]),
    ],
)
def test_credentials_that_aws_refuses(run: Run, aws: AwsDouble, answer: Answer, parts: list[str]) -> None:
    aws.answers["identity"] = answer

    assert_one_line(run("--yes"), 1, *parts)
    assert set(aws.asked) == {"identity"}


@pytest.mark.parametrize(
    ("route", "answer", "parts"),
    [
        (
            "configuration",
            json_error(404, "ResourceNotFoundException", "Function not found"),
            ["not deployed in region eu-central-1", "lab deploy --target aws", "set AWS_REGION"],
        ),
        (
            "configuration",
            json_error(403, "AccessDeniedException", "User is not authorized to perform: lambda:GetFunction"),
            ["read the configuration of cache-lab-no_cache", "no permission", "lambda:GetFunction"],
        ),
        (
            "configuration",
            json_error(403, "UnrecognizedClientException", "The security token included in the request is invalid"),
            ["does not accept these credentials"],
        ),
        (
            "invoke",
            json_error(403, "AccessDeniedException", "not authorized to perform: lambda:InvokeFunction"),
            ["invoke cache-lab-no_cache", "no permission", "lambda:InvokeFunction"],
        ),
        (
            "invoke",
            json_error(429, "TooManyRequestsException", "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded"),
            ["cache-lab-no_cache is throttled (ConcurrentInvocationLimitExceeded)"],
        ),
        ("concurrency", Answer(200, '{"ReservedConcurrentExecutions": 0}'), ["switched off", "reserved concurrency"]),
    ],
)
def test_functions_that_cannot_be_driven(
    run: Run, aws: AwsDouble, route: str, answer: Answer, parts: list[str]
) -> None:
    aws.answers[route] = answer

    assert_one_line(run("--yes"), 1, *parts)


def test_the_dry_run_is_asked_for_once(run: Run, aws: AwsDouble) -> None:
    aws.answers["invoke"] = json_error(429, "TooManyRequestsException", "Rate Exceeded.")
    run("--yes")

    assert aws.asked.count("invoke") == 1
    assert [seen["X-Amz-Invocation-Type"] for seen in aws.headers if "X-Amz-Invocation-Type" in seen] == ["DryRun"]


def test_another_source_is_deployed(run: Run, aws: AwsDouble) -> None:
    assert_one_line(run("--yes", "--source", "ssm"), 2, "--source ssm", "the functions read dynamodb")


def test_no_function_url(run: Run, aws: AwsDouble) -> None:
    assert_one_line(run("--yes", "--via", "url"), 1, "no function URL", "--context function_url=true")


def test_nobody_is_there_to_answer(run: Run, aws: AwsDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    said = run("--rate", "5", "--duration", "10")

    assert_one_line(said, 2, "--yes")
    for part in (
        "account 111122223333, region eu-central-1",
        f"{51 * len(DEFAULTS.variants)} invocations",
        "US$ 0.0003",
        "10 concurrent executions",
    ):
        assert part in said.err
    assert "which is not AWS" in said.err
    assert all(each["X-Amz-Invocation-Type"] == "DryRun" for each in aws.headers if "X-Amz-Invocation-Type" in each)


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_the_answer_is_no(run: Run, aws: AwsDouble, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)

    said = run()
    assert said.code == (1 if typed else 130)
    assert ("not confirmed: nothing was created" if typed else "interrupted") in said.err.splitlines()[-1]


def test_an_endpoint_that_is_no_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "junk")

    assert_one_line(run("--yes"), 2, "AWS_ENDPOINT_URL", "is not an address (Invalid endpoint: junk)", "unset it")


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("AWS_ACCESS_KEY_ID", None, "no AWS credentials"),
        ("AWS_REGION", None, "no AWS region"),
        ("AWS_REGION", "mars north", "AWS_REGION"),
        ("AWS_PROFILE", "nobody", "nobody"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "check the network"),
    ],
)
def test_a_configuration_that_leads_nowhere(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, part: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)

    assert_one_line(run("--yes"), 1, part)


def test_an_inactive_version_is_detected_before_a_run_and_nothing_is_invoked_without_consent(
    run: Run, aws: AwsDouble
) -> None:
    aws.answers["configuration"] = Answer(200, json.dumps(CONFIGURATION | {"State": "Inactive", "Version": "3"}))
    aws.answers["invoke"] = json_error(409, "SnapStartNotReadyException", "Lambda is initializing your function.")

    said = run("--variant", "no_cache")

    assert said.code == 2
    assert "version 3 of cache-lab-no_cache is Inactive: it was not invoked for 14 days" in said.err
    assert aws.asked.count("invoke") == 1  # the dry run


def test_a_failed_version_ends_a_run_before_it_begins(run: Run, aws: AwsDouble) -> None:
    failed = {"State": "Failed", "StateReason": "Init raised", "StateReasonCode": "FunctionError", "Version": "3"}
    aws.answers["configuration"] = Answer(200, json.dumps(CONFIGURATION | failed))

    assert_one_line(run("--yes", "--variant", "no_cache"), 1, "no_cache is Failed: Init raised", "lab deploy")
    assert "invoke" not in aws.asked
