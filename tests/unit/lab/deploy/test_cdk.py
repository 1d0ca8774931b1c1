"""Settings that the local endpoint does not have are refused before anything is synthesized."""

from pathlib import Path

import pytest

from facts.names import Names
from lab.aws.target import Target
from lab.deploy import cdk
from lab.errors import UsageError


@pytest.fixture(autouse=True)
def synthesized(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The contexts that were synthesized."""
    contexts: list[dict[str, str]] = []

    def synthesize(folder: Path, context: dict[str, str]) -> Path:
        contexts.append(context)
        return folder

    monkeypatch.setattr(cdk, "synthesize", synthesize)
    return contexts


def test_provisioned_concurrency_is_refused_locally(synthesized: list[dict[str, str]]) -> None:
    context = {"provisioned_concurrency": "2"}
    with (
        pytest.raises(UsageError, match="--context provisioned_concurrency=2 works on AWS only"),
        cdk.application(target="local", endpoint_url="http://127.0.0.1:1", names=Names(), context=context, echo=print),
    ):
        pytest.fail("it was not refused")
    assert synthesized == []


@pytest.mark.parametrize(("instance", "setting"), [(None, "none"), ("anna", "anna")])
def test_the_instance_is_a_setting_of_the_application(
    instance: str | None, setting: str, synthesized: list[dict[str, str]]
) -> None:
    names = Names(instance)
    with cdk.application(target="aws", endpoint_url=None, names=names, context={}, echo=print) as app:
        assert app.names == names
    assert [context["instance"] for context in synthesized] == [setting]


@pytest.mark.parametrize(("target", "value"), [("local", "none"), ("aws", "2")])
def test_what_can_be_kept_is_synthesized(target: Target, value: str, synthesized: list[dict[str, str]]) -> None:
    url = "http://127.0.0.1:1" if target == "local" else None
    with cdk.application(
        target=target, endpoint_url=url, names=Names(), context={"provisioned_concurrency": value}, echo=print
    ):
        assert [context["provisioned_concurrency"] for context in synthesized] == [value]


def test_the_reason_of_a_failed_deployment_is_that_of_the_first_resource_that_failed() -> None:
    """The lines are those of CDK CLI 2.1148 at the local endpoint, shortened."""
    output = [
        "CacheLab-snapstart | 5/5 | 10:41:53 PM | UPDATE_ROLLBACK_IN_PROG | AWS::CloudFormation::Stack | CacheLab",
        "CacheLab-snapstart | 5/5 | 10:41:53 PM | UPDATE_FAILED           | AWS::Lambda::Version       | "
        "Function/CurrentVersion (FunctionCurrentVersion4E2B2261) it did not stabilize: no",
        "\u274c  CacheLab-snapstart failed to deploy",
        "   CloudTrail delivery can lag up to 15 minutes behind the failure; re-run `cdk diagnose` for more errors.",
    ]
    assert cdk._reason(output) == "Function/CurrentVersion (FunctionCurrentVersion4E2B2261): it did not stabilize: no"
