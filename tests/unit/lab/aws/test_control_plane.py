"""Versions that are not ready, and a control plane that throttles, with answers as AWS documents them."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from lab.aws import control_plane
from lab.aws.connection import Connection
from lab.aws.control_plane import ControlPlane
from lab.errors import LabError

FUNCTION = "cache-lab-snapstart"
NOT_READY = "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE."


class Lambda:
    """Lambda's answers, in order, and what the user was shown."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.plane = ControlPlane(Connection(target="aws", endpoint_url=None), self.said.append)
        self.asked = Stubber(self.plane._client)
        self.invoked = Stubber(self.plane._once)

    def answer(self, state: str, **more: Any) -> None:
        self.asked.add_response(
            "get_function_configuration",
            {"FunctionName": FUNCTION, "Version": "3", "State": state, **more},
            {"FunctionName": FUNCTION, "Qualifier": ANY},
        )

    def throttle(self, code: str = "TooManyRequestsException") -> None:
        self.asked.add_client_error("get_function_configuration", code, "Rate exceeded", http_status_code=429)

    def refuse_invocation(self, code: str, message: str, status: int) -> None:
        expected = {"FunctionName": FUNCTION, "Qualifier": "3", "Payload": '{"key": "item-0000"}'}
        self.invoked.add_client_error("invoke", code, message, http_status_code=status, expected_params=expected)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    monkeypatch.setattr(control_plane, "BETWEEN_S", 0.0)
    monkeypatch.setattr(control_plane, "FIRST_PAUSE_S", 0.01)
    found = Lambda()
    with found.asked, found.invoked:
        yield found
        found.asked.assert_no_pending_responses()
        found.invoked.assert_no_pending_responses()


def test_an_inactive_snapstart_version_is_activated_and_waited_for(aws: Lambda) -> None:
    for state in ("Inactive", "Inactive", "Pending", "Pending", "Active"):
        aws.answer(state)
    aws.refuse_invocation("SnapStartNotReadyException", NOT_READY, 409)

    aws.plane.wait_until_active(FUNCTION)

    assert aws.said == [
        "version 3 of cache-lab-snapstart is Inactive: it was not invoked for 14 days, and has no snapshot; one"
        " invocation makes Lambda take a new one",
        "version 3 of cache-lab-snapstart is Pending: Lambda prepares it; with SnapStart, that takes some minutes",
        "version 3 of cache-lab-snapstart is Active",
    ]


def test_a_pending_version_has_its_line_and_is_waited_for_with_news(
    aws: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_plane, "NEWS_S", -1.0)
    for state in ("Pending", "Pending", "Active"):
        aws.answer(state)

    aws.plane.wait_until_active(FUNCTION)

    assert [line.partition(":")[0] for line in aws.said] == [
        *["version 3 of cache-lab-snapstart is Pending"] * 2,
        "version 3 of cache-lab-snapstart is Active",
    ]
    assert aws.said[1].endswith("(0 s so far)")


def test_a_failed_version_has_one_line_with_its_reason_and_the_remedy(aws: Lambda) -> None:
    aws.answer("Pending")
    aws.answer("Failed", StateReason="The handler raised in init.", StateReasonCode="FunctionError")

    with pytest.raises(LabError) as raised:
        aws.plane.wait_until_active(FUNCTION)

    assert str(raised.value) == (
        "version 3 of cache-lab-snapstart is Failed: The handler raised in init. (FunctionError); correct that, and run"
        " `lab deploy --target aws` again"
    )


def test_a_version_that_is_ready_says_nothing(aws: Lambda) -> None:
    aws.answer("Active")

    aws.plane.wait_until_active(FUNCTION)

    assert aws.said == []


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException"])
def test_a_throttled_control_plane_has_a_line_of_its_own_and_is_asked_again(aws: Lambda, code: str) -> None:
    aws.throttle(code)
    aws.throttle(code)
    aws.answer("Active")

    assert aws.plane.state(FUNCTION).state == "Active"
    assert aws.said == [
        f"Lambda throttles its control plane in this account ({code}): cannot read the state of cache-lab-snapstart"
        f" yet; trying again in {seconds} s"
        for seconds in ("0.01", "0.02")
    ]


def test_a_control_plane_that_throttles_for_too_long_is_given_up(aws: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_plane, "PATIENCE_S", 0.0)
    aws.throttle()

    with pytest.raises(LabError, match="AWS throttled every attempt"):
        aws.plane.state(FUNCTION)


def test_a_version_that_never_becomes_ready_is_given_up(aws: Lambda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_plane, "PATIENCE_S", -1.0)
    aws.answer("Pending")

    with pytest.raises(LabError, match=r"is Pending: .*; it is not ready after .* minutes; try again later"):
        aws.plane.wait_until_active(FUNCTION)


def test_who_may_not_invoke_an_inactive_version_is_refused(aws: Lambda) -> None:
    aws.answer("Inactive")
    aws.refuse_invocation("AccessDeniedException", "not authorized to perform: lambda:InvokeFunction", 403)

    with pytest.raises(LabError, match="cannot activate version 3 of cache-lab-snapstart: no permission"):
        aws.plane.wait_until_active(FUNCTION)
