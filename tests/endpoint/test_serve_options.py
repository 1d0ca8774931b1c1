"""The options of `lab serve` reach the engine: what each does is tested where the engine's settings are."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from lab.endpoint.process import started_endpoint
from tests.engine.endpoint import Endpoint
from tests.engine.raw_http import request

WHO = """
import os, time, uuid
ME = str(uuid.uuid4())
def handler(event, context):
    time.sleep(event)
    return [ME, "AWS_LAMBDA_RUNTIME_API" in os.environ]
"""
Serve = Callable[..., Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts `lab serve` with these options."""
    with ExitStack() as stack:
        yield lambda *options: Endpoint(stack.enter_context(started_endpoint(profile="none", options=options)))


def together(endpoint: Endpoint, name: str, *seconds: float) -> list[str]:
    """Which environments ran invocations that began at the same time."""
    with ThreadPoolExecutor(len(seconds)) as pool:
        return list(pool.map(lambda event: who(endpoint, name, event), seconds))


def who(endpoint: Endpoint, name: str, event: float = 0) -> str:
    return str(endpoint.invoke(name, event).payload[0])


@pytest.mark.parametrize(("routing", "expected"), [("least-recently-used", "early"), ("most-recently-used", "late")])
def test_routing(serve: Serve, routing: str, expected: str) -> None:
    endpoint = serve("--routing", routing)
    name = endpoint.function(WHO)
    together(endpoint, name, 1.0, 1.0)  # two that are warm
    late, early = together(endpoint, name, 0.8, 0.1)
    assert who(endpoint, name) == {"early": early, "late": late}[expected]


@pytest.mark.parametrize("options", [("--idle", "0.4"), ("--clock-speed", "1500")])
def test_idle_times(serve: Serve, options: tuple[str, str]) -> None:
    """Ten minutes are the default."""
    endpoint = serve(*options)
    name = endpoint.function(WHO)
    first = who(endpoint, name)
    time.sleep(0.9)
    assert who(endpoint, name) != first


@pytest.mark.parametrize(("options", "controllers"), [((), "memory, cpu"), (("--no-cpu-share",), "memory")])
def test_processor_share(serve: Serve, options: tuple[str, ...], controllers: str) -> None:
    tier: Any = request(serve(*options).url, "GET", "/_lab/info").json["tiers"]["limits"]
    if not tier.startswith("cgroup"):
        pytest.skip(f"needs control groups; here: {tier}")
    assert tier.partition(": ")[2] == controllers


@pytest.mark.parametrize(("options", "over_http"), [((), False), (("--transport", "http"), True)])
def test_transport(serve: Serve, options: tuple[str, ...], over_http: bool) -> None:
    endpoint = serve(*options)
    assert endpoint.invoke(endpoint.function(WHO), 0).payload[1] is over_http
