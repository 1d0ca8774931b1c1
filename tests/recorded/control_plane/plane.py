"""The control plane as its checks see it: requests that no client checks first, and what is answered."""

import functools
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.engine.endpoint import ROLE, Endpoint, zipped
from tests.recorded.behaviour import behaviour

ECHO = "def handler(event, context): return event\n"
UNKNOWN = "arn:aws:lambda:us-east-1:000000000000:function:unknown"
LAMBDA = "arn:aws:lambda:us-east-1:000000000000"


class Refusal(NamedTuple):
    """What a refused request is answered with."""

    status: int
    code: str
    message: str | None


class Answered(NamedTuple):
    """What a request that was taken is answered with."""

    status: int
    body: dict[str, Any]


class ControlPlane:
    """A function with two versions and the alias ``live`` of the first, and the requests of the checks."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.client = endpoint.client("lambda", parameter_validation=False)
        self.name = self.new()
        self.arn = f"{LAMBDA}:function:{self.name}"
        self.do("publish_version", FunctionName=self.name)
        endpoint.configure(self.name, Description="second")
        self.do("publish_version", FunctionName=self.name)
        self.do("create_alias", FunctionName=self.name, Name="live", FunctionVersion="1")

    def new(self, **settings: Any) -> str:
        """A function of its own for a check."""
        return self.endpoint.new_function(ECHO, **settings)

    @functools.cached_property
    def queue(self) -> str:
        """The ARN of a queue."""
        return self.endpoint.queue()[1]

    def do(self, operation: str, **params: Any) -> Answered:
        """The answer to a request that is taken."""
        body: dict[str, Any] = getattr(self.client, operation)(**params)
        return Answered(body.pop("ResponseMetadata")["HTTPStatusCode"], body)

    def refusal(self, operation: str, **params: Any) -> Refusal:
        """The answer to a request that is refused."""
        with pytest.raises(ClientError) as caught:
            getattr(self.client, operation)(**params)
        response = caught.value.response
        error = response["Error"]
        return Refusal(response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error.get("Message"))

    def filled(self, template: Any) -> Any:
        """A template with the names of this plane: ``<name>`` and ``<queue>``."""
        if isinstance(template, dict):
            return {self.filled(key): self.filled(value) for key, value in template.items()}
        if isinstance(template, list):
            return [self.filled(each) for each in template]
        if not isinstance(template, str):
            return template
        queue = self.queue if "<queue>" in template else ""
        return template.replace("<name>", self.name).replace("<arn>", self.arn).replace("<queue>", queue)


def refused(  # noqa: PLR0917 -- a line of a table
    says: str,
    test: str,
    operation: str,
    params: dict[str, Any],
    status: int,
    code: str,
    message: str | None,
    *,
    differs: str | None = None,
) -> Any:
    """A parameter for `check_refusal`: a message that ends with … is the beginning of AWS's."""
    mark = behaviour(says, source=test, differs=differs)
    return pytest.param(operation, params, Refusal(status, code, message), marks=mark, id=says.replace(" ", "-")[:60])


def check_refusal(plane: ControlPlane, operation: str, params: dict[str, Any], expected: Refusal) -> None:
    """Send a request, and compare the refusal with the recorded one."""
    found = plane.refusal(operation, **plane.filled(params))
    wanted = Refusal(*plane.filled(list(expected)))
    if wanted.message is not None and wanted.message.endswith("…") and found.message is not None:
        beginning = wanted.message[:-1]
        found = found._replace(message=found.message[: len(beginning)] + "…")
    assert found == wanted


def new_settings(**settings: Any) -> dict[str, Any]:
    """Settings of a function to create, valid but for those that a check gives."""
    valid = {"FunctionName": "recorded-new", "Runtime": "python3.13", "Role": ROLE, "Handler": "function.handler"}
    return {**valid, "Code": {"ZipFile": zipped(ECHO)}, **settings}
