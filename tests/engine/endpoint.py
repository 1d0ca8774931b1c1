"""A running endpoint for tests, and functions on it, made and called with stock boto3."""

import contextlib
import functools
import io
import itertools
import json
import os
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config

from lab.endpoint.control_secret import HEADER, read_secret
from lab.endpoint.process import started_endpoint
from lab.engine.settings import Transport
from tests.engine.raw_http import Answer, request

ROLE = "arn:aws:iam::000000000000:role/role"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
LIMIT_S = 60
BLANK_FUNCTIONS = 20
HTTP_NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the runtime client's HTTP half is for Linux")
BOTH_TRANSPORTS = (Transport.SOCKET, pytest.param(Transport.HTTP, marks=HTTP_NEEDS_LINUX))
OVER_THE_CHANNEL = pytest.mark.parametrize("harness", [Transport.SOCKET], indirect=True)
"""For tests of what is the same in both transports, and of the channel itself."""
in_both_transports = pytest.mark.parametrize("endpoint", BOTH_TRANSPORTS, indirect=True)
"""Marks a test of `tests/endpoint` for what the way between engine and runtime can change."""

_numbers = itertools.count(1)


class Invoked(NamedTuple):
    """What boto3's invoke gave, taken apart."""

    status: int
    payload: Any
    function_error: str | None
    version: str | None
    headers: dict[str, str]

    @property
    def request_id(self) -> str:
        return self.headers["x-amzn-requestid"]


class Endpoint:
    """An endpoint and what tests do there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.aws_lambda = self.client("lambda")
        self._functions: dict[str, str] = {}
        self._blank: list[str] = []

    def client(self, service: str, **config: Any) -> Any:
        """A stock client that does not try again."""
        make: Any = boto3.client
        settings: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 60} | config
        return make(service, endpoint_url=self.url, config=Config(**settings), **KEYS)

    def function(self, source: str, **settings: Any) -> str:
        """The name of a function with this source and these settings: one that was made before is used again."""
        key = json.dumps([source, settings], sort_keys=True)
        if key not in self._functions:
            self._functions[key] = self.new_function(source, **settings)
        return self._functions[key]

    def new_function(self, source: str, **settings: Any) -> str:
        """Make a function whose handler is ``handler``; give its name. It can be invoked at once."""
        if not self._blank:
            self._blank = [self._new_blank() for _ in range(BLANK_FUNCTIONS)]
            for blank in self._blank:
                self.wait_until_active(blank)
        name = self._blank.pop()
        self.aws_lambda.update_function_code(FunctionName=name, ZipFile=zipped(source))
        self.wait_until_active(name)
        if settings:
            self.configure(name, **settings)
        return name

    def configure(self, name: str, **settings: Any) -> None:
        """Change the settings of a function, and wait until it is updated."""
        self.aws_lambda.update_function_configuration(FunctionName=name, **settings)
        self.wait_until_active(name)

    def _new_blank(self) -> str:
        # A new function is pending for half a second, an updated one is not: they are made several at a time.
        name = f"function-{next(_numbers):05}"  # no name begins with another
        self.aws_lambda.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="function.handler",
            Code={"ZipFile": zipped("")},
            MemorySize=512,
            Timeout=10,
        )
        return name

    def wait_until_active(self, name: str) -> None:
        """Wait until a function is created or updated, as boto3's waiter does, without its second between two looks."""

        def is_active() -> bool:
            found = self.aws_lambda.get_function_configuration(FunctionName=name)
            return bool(found["State"] == "Active" and found["LastUpdateStatus"] == "Successful")

        until(is_active)

    def publish(self, name: str, source: str) -> str:
        """Change the function's code and publish it; give the version."""
        self.aws_lambda.update_function_code(FunctionName=name, ZipFile=zipped(source))
        self.wait_until_active(name)
        version: str = self.aws_lambda.publish_version(FunctionName=name)["Version"]
        return version

    def invoke(self, name: str, event: Any = None, **arguments: Any) -> Invoked:
        """Invoke by boto3."""
        payload = {} if event is None else {"Payload": json.dumps(event).encode()}
        answer = self.aws_lambda.invoke(FunctionName=name, **payload, **arguments)
        body = answer["Payload"].read()
        return Invoked(
            status=answer["StatusCode"],
            payload=json.loads(body) if body else None,
            function_error=answer.get("FunctionError"),
            version=answer.get("ExecutedVersion"),
            headers=answer["ResponseMetadata"]["HTTPHeaders"],
        )

    def control(self, method: str, target: str, body: bytes = b"", **options: Any) -> Answer:
        """A request with the endpoint's secret."""
        return request(self.url, method, target, body, {HEADER: read_secret(self.url)}, **options)

    def control_bytes(self, method: str, target: str, *headers: str) -> bytes:
        """A request with the endpoint's secret, as bytes."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"{HEADER}: {read_secret(self.url)}", *headers]
        return "\r\n".join([*lines, "", ""]).encode()

    def function_url(self, name: str, **parameters: Any) -> str:
        """Make a URL that everyone may call: of the function, or of the alias that ``Qualifier`` names."""
        config = self.aws_lambda.create_function_url_config(FunctionName=name, AuthType="NONE", **parameters)
        for action, condition in (
            ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
            ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
        ):
            statement = {"StatementId": f"url-{next(_numbers)}", "Action": action, "Principal": "*"}
            self.aws_lambda.add_permission(FunctionName=name, **statement, **condition, **parameters)
        url: str = config["FunctionUrl"]
        return url

    def queue(self) -> tuple[str, str]:
        """A new SQS queue: its URL and its ARN."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=f"queue-{next(_numbers)}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn

    def message(self, queue_url: str) -> dict[str, Any]:
        """The next message of a queue, waited for."""
        sqs = self.client("sqs")
        found: list[dict[str, Any]] = []

        def came() -> bool:
            answer = sqs.receive_message(QueueUrl=queue_url, MessageAttributeNames=["All"], WaitTimeSeconds=1)
            found.extend(answer.get("Messages", []))
            return bool(found)

        until(came)
        return found[0]


def zipped(source: str) -> bytes:
    """A deployment package with one module."""
    entry = zipfile.ZipInfo("function.py")
    entry.external_attr = 0o644 << 16  # the default of zipfile is for the owner alone
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(entry, textwrap.dedent(source))
    return content.getvalue()


def until(is_so: Any) -> None:
    """Wait until it is so, for a while."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not become so"
        time.sleep(0.03)


@pytest.fixture(scope="session")
def endpoints() -> Iterator[Callable[[Transport], Endpoint]]:
    """Gives the endpoint of a transport, which is started once and lives as long as the test session."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def started(transport: Transport) -> Endpoint:
            options = ["--transport", transport, "--startup", "none"]
            before = os.umask(0o077)  # of a careful user: functions must be able to read their code nevertheless
            try:
                return Endpoint(stack.enter_context(started_endpoint(profile="none", options=options)))
            finally:
                os.umask(before)

        yield started


@pytest.fixture(scope="session", params=BOTH_TRANSPORTS)
def endpoint(request: pytest.FixtureRequest, endpoints: Callable[[Transport], Endpoint]) -> Endpoint:
    """The endpoint of each transport, for what can differ between them."""
    return endpoints(request.param)
