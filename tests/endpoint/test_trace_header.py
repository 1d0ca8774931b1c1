"""Which requests Lambda samples for X-Ray.

Source: AWS Lambda Developer Guide, "Visualize Lambda function invocations using AWS X-Ray".
"""

import dataclasses
import time

import pytest

from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.deployments.functions import EventSettings, Resolved
from lab.endpoint.invoke.trace_header import TraceHeaders
from tests.function_versions import function_version

REQUESTS = 2_000


def resolved(name: str, *, traced: bool) -> Resolved:
    version = dataclasses.replace(function_version(name), traced=traced)
    return Resolved(
        name=FunctionName(name),
        version=version,
        invoked_arn=version.arn,
        reserved_concurrency=None,
        unreserved_concurrency=1000,
        events=EventSettings(),
    )


def sampled(headers: TraceHeaders, function: Resolved, callers: bytes = b"") -> bool:
    return ";Sampled=1;" in headers.of(function, callers)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_795_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


def test_active_tracing_samples_a_request_a_second_and_five_percent_of_the_rest(clock: list[float]) -> None:
    headers, function, other = TraceHeaders(), resolved("traced", traced=True), resolved("other", traced=True)
    assert sampled(headers, function)
    assert sampled(headers, other)
    assert 40 <= sum(sampled(headers, function) for _ in range(REQUESTS)) <= 180  # 100 expected, deviation 10
    clock[0] += 1
    assert sampled(headers, function)


@pytest.mark.usefixtures("clock")
def test_no_request_is_sampled_without_active_tracing() -> None:
    headers, function = TraceHeaders(), resolved("untraced", traced=False)
    assert not any(sampled(headers, function) for _ in range(REQUESTS))


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("decision", "expected"), [(b"0", False), (b"1", True)])
def test_the_callers_decision_to_sample_holds(decision: bytes, expected: bool) -> None:
    headers, function = TraceHeaders(), resolved("traced", traced=True)
    callers = b"Root=1-5e34a614-10bd8d4f1fb44f07bc535a1a;Parent=07f5a1b2c3d4e5f6;Sampled=" + decision
    assert all(sampled(headers, function, callers) is expected for _ in range(200))
