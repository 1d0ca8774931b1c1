"""Reserved concurrency and the account's limit, and what is throttled.

"Recorded" is an answer of AWS in LocalStack's validated snapshots of November 2025.
"""

from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from lab.endpoint.api_error import ApiError
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.deployments.functions import EventSettings, Functions, Resolved
from lab.endpoint.invoke.invoker import Invoker
from lab.engine.engine import Engine
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation
from tests.endpoint.gate import WAITS, running
from tests.engine.endpoint import Endpoint
from tests.function_versions import function_version


def throttle(endpoint: Endpoint, name: str, **arguments: str) -> dict[str, object]:
    """boto3's response for an invocation that is throttled."""
    with pytest.raises(ClientError) as caught:
        endpoint.invoke(name, **arguments)
    return dict(caught.value.response)


@pytest.fixture
def waiter(endpoint: Endpoint) -> str:
    name = endpoint.new_function(WAITS, Timeout=60)
    endpoint.invoke(name)
    return name


def test_versions_share_their_functions_reserved_concurrency(endpoint: Endpoint, waiter: str) -> None:
    """Developer Guide, "Configuring reserved concurrency for a function": all versions count toward the limit."""
    endpoint.aws_lambda.publish_version(FunctionName=waiter)
    endpoint.aws_lambda.put_function_concurrency(FunctionName=waiter, ReservedConcurrentExecutions=1)
    endpoint.invoke(waiter, Qualifier="1")
    with running(lambda event: endpoint.invoke(waiter, event, Qualifier="1")):
        assert throttle(endpoint, waiter)["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_no_reserved_concurrency_turns_a_function_off_until_it_is_deleted(endpoint: Endpoint, waiter: str) -> None:
    """Developer Guide, as above: "To throttle a function, set the reserved concurrency to zero"."""
    endpoint.aws_lambda.put_function_concurrency(FunctionName=waiter, ReservedConcurrentExecutions=0)
    throttle(endpoint, waiter)
    endpoint.aws_lambda.delete_function_concurrency(FunctionName=waiter)
    assert endpoint.invoke(waiter).status == 200


def test_a_function_error_gives_its_concurrency_back(endpoint: Endpoint) -> None:
    name = endpoint.new_function("import os\ndef handler(event, context): os._exit(1)\n")
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert [endpoint.invoke(name).function_error for _ in range(3)] == ["Unhandled"] * 3


def test_a_dry_run_is_never_throttled(endpoint: Endpoint, waiter: str) -> None:
    """Nothing runs: there is nothing to throttle."""
    endpoint.aws_lambda.put_function_concurrency(FunctionName=waiter, ReservedConcurrentExecutions=0)
    assert endpoint.invoke(waiter, InvocationType="DryRun").status == 204


class BusyEngine:
    """An engine whose invocations do not end by themselves."""

    def __init__(self) -> None:
        self.running: list[Invocation] = []

    def invoke(self, _: FunctionVersion, invocation: Invocation) -> None:
        self.running.append(invocation)

    def throttled(self, *_: object) -> None:
        pass


def resolved(name: str, *, reserved: int | None, unreserved: int) -> Resolved:
    """A function with these limits."""
    version = function_version(name)
    return Resolved(
        name=FunctionName(name),
        version=version,
        invoked_arn=version.arn,
        reserved_concurrency=reserved,
        unreserved_concurrency=unreserved,
        events=EventSettings(),
    )


def test_functions_without_reserved_concurrency_share_what_is_left() -> None:
    """Model: ThrottleReason; the limit is tested below."""
    engine = BusyEngine()
    invoker = Invoker(cast("Engine", engine))

    def invoke(function: Resolved) -> None:
        invoker.invoke(function, b"{}", "id", lambda _: None)

    one, other, reserved = (
        resolved("one", reserved=None, unreserved=2),
        resolved("other", reserved=None, unreserved=2),
        resolved("reserved", reserved=1, unreserved=2),
    )
    invoke(one)
    invoke(other)
    with pytest.raises(ApiError, match="'ConcurrentInvocationLimitExceeded'"):
        invoke(one)
    invoke(reserved)
    engine.running[1].on_done(cast("Any", None))
    invoke(one)


async def test_the_account_may_run_a_thousand_less_what_is_reserved(endpoint: Endpoint, tmp_path: Path) -> None:
    """Developer Guide, "Lambda quotas": concurrent executions, 1,000, whatever the emulator says of its machine."""
    functions, client = Functions(endpoint.url, tmp_path), endpoint.aws_lambda
    limited, unlimited = (FunctionName(endpoint.new_function(WAITS)) for _ in range(2))
    names = [function["FunctionName"] for function in client.list_functions(MaxItems=10_000)["Functions"]]
    settings = (client.get_function_concurrency(FunctionName=name) for name in names)
    others = sum(found.get("ReservedConcurrentExecutions", 0) for found in settings)
    client.put_function_concurrency(FunctionName=limited.name, ReservedConcurrentExecutions=100)
    reserved = await functions.resolve(limited, key="limited")
    unreserved = await functions.resolve(unlimited, key="unlimited")
    assert (reserved.reserved_concurrency, unreserved.reserved_concurrency) == (100, None)
    assert unreserved.unreserved_concurrency == 1000 - 100 - others
