"""The options of `lab serve` reach the engine: what each does is tested where the engine's settings are."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import lab.endpoint.serve
from lab.cli.program import commands
from lab.endpoint.process import started_endpoint
from lab.endpoint.startup_profiles import TYPICAL
from lab.engine.settings import EngineSettings, Routing, Transport
from tests.endpoint.gate import WAITS, gate
from tests.engine.endpoint import ROLE, Endpoint, until, zipped

OVER_HTTP = (
    "import os\ndef handler(event, context): return not os.environ['AWS_LAMBDA_RUNTIME_API'].endswith(':9001')\n"
)
FAILS_TWICE = """
calls = []
def handler(event, context):
    calls.append(context.aws_request_id)
    if len(calls) < 3: raise ValueError("not yet")
    return calls
"""
Serve = Callable[..., Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts `lab serve` with these options."""
    with ExitStack() as stack:
        yield lambda *options: Endpoint(
            stack.enter_context(started_endpoint(profile="none", options=["--startup", "none", *options]))
        )


def oldest_or_newest(endpoint: Endpoint) -> str:
    """Which of two idle environments takes an invocation: the one that has been idle for longer, or the other."""
    name = endpoint.new_function(WAITS, Timeout=60)
    with ThreadPoolExecutor(2) as pool, gate() as first, gate() as second:
        futures = []
        for each in (first, second):
            futures.append(pool.submit(endpoint.invoke, name, each.event))
            each.wait_for(1)
        first.open()
        oldest = futures[0].result().payload
        second.open()
        newest = futures[1].result().payload
    taken = endpoint.invoke(name).payload
    return {oldest: "oldest", newest: "newest"}[taken]


def limits(endpoint: Endpoint) -> str:
    tier = str(endpoint.control("GET", "/_lab/info").json["tiers"]["limits"])
    return tier.partition(": ")[2] if tier.startswith("cgroup") else "none"


def test_the_defaults(endpoint: Endpoint) -> None:
    assert oldest_or_newest(endpoint) == "newest"
    assert limits(endpoint) in ("memory, cpu", "none")


def test_other_settings(serve: Serve) -> None:
    options = ("--routing", "least-recently-used", "--transport", "http", "--no-cpu-share")
    endpoint = serve(*options)
    assert oldest_or_newest(endpoint) == "oldest"
    assert limits(endpoint) in ("memory", "none")
    assert endpoint.invoke(endpoint.new_function(OVER_HTTP)).payload is True


def test_a_faster_clock_and_a_log_file(serve: Serve, tmp_path: Path) -> None:
    """The event queue's intervals pass faster, too: 0.2 and 0.4 s in place of one minute and two."""
    log = tmp_path / "lab.log"
    endpoint = serve("--clock-speed", "300", "--log-file", str(log))
    name = endpoint.new_function(FAILS_TWICE)
    url, arn = endpoint.queue()
    config = {"OnSuccess": {"Destination": arn}}
    endpoint.aws_lambda.put_function_event_invoke_config(FunctionName=name, DestinationConfig=config)
    request_id = endpoint.invoke(name, InvocationType="Event").request_id
    record = json.loads(endpoint.message(url)["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responsePayload"] == [request_id] * 3

    endpoint.client("sqs").delete_queue(QueueUrl=url)
    endpoint.invoke(name, InvocationType="Event")
    until(lambda: f"cannot send to {arn}\nTraceback (most recent call last)" in log.read_text())


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ((), EngineSettings(startup=TYPICAL)),
        (("--startup", "none"), EngineSettings()),
        (("--idle", "0.4"), EngineSettings(startup=TYPICAL, idle_s=0.4)),
        (("--clock-speed", "1500"), EngineSettings(startup=TYPICAL, clock_speed=1500)),
        (("--routing", "random"), EngineSettings(startup=TYPICAL, routing=Routing.RANDOM)),
        (("--transport", "http"), EngineSettings(startup=TYPICAL, transport=Transport.HTTP)),
        (("--no-cpu-share",), EngineSettings(startup=TYPICAL, limit_cpu=False)),
    ],
)
def test_each_option_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], settings: EngineSettings
) -> None:
    served: dict[str, Any] = {}
    monkeypatch.setattr(lab.endpoint.serve, "serve", lambda **given: served.update(given))
    result = CliRunner().invoke(commands, ["serve", *options])
    assert result.exit_code == 0, result.output
    assert served["settings"] == settings


def test_it_ends_when_the_standard_input_of_its_leash_closes() -> None:
    command = [sys.executable, "-m", "lab", "serve", "--port", "0", "--leash"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready ")
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_profile_of_ones_own_delays_the_calls_of_its_function(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text("[functions.slow]\nssm = {p50_ms = 400, p99_ms = 400}\n", encoding="utf-8")
    source = """
        import boto3, time
        client = boto3.client("ssm")
        def handler(event, context):
            began = time.monotonic()
            client.describe_parameters()
            return time.monotonic() - began
    """
    with started_endpoint(profile=str(profile)) as url:
        endpoint = Endpoint(url)
        endpoint.aws_lambda.create_function(
            FunctionName="slow",
            Runtime="python3.13",
            Role=ROLE,
            Handler="function.handler",
            Code={"ZipFile": zipped(source)},
            Timeout=20,
        )
        endpoint.wait_until_active("slow")
        other = endpoint.new_function(source, Timeout=20)
        assert endpoint.invoke("slow").payload >= 0.4
        endpoint.invoke(other)
        calls = endpoint.control("GET", "/_lab/wire").json["functions"]
        assert (calls["slow"]["downstream_calls"], calls[other]["downstream_calls"]) == (1, 1)
        assert endpoint.control("GET", "/_lab/info").json["profile"]["name"] == "mine.toml"


def test_the_third_tier_says_plainly_that_it_protects_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))  # without unshare(1) there are no namespaces
    with started_endpoint(profile="none", options=["--startup", "none"]) as url:
        answer = Endpoint(url).control("GET", "/_lab/info").json
    assert str(answer["tiers"]["isolation"]).startswith("process groups: protects nothing")
    assert [each["code"] for each in answer["warnings"]] == ["not_confined"]
    assert "functions run without a sandbox on this machine: they can do what you can do" in caplog.text


def test_the_endpoint_calls_its_own_processes_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        with monkeypatch.context() as environment:
            for name in ("HTTP_PROXY", "http_proxy"):
                environment.setenv(name, "http://127.0.0.1:9")
            for name in ("NO_PROXY", "no_proxy"):
                environment.delenv(name, raising=False)
            url = stack.enter_context(started_endpoint(profile="none", options=["--startup", "none"]))
        served = Endpoint(url)
        assert served.invoke(served.function("def handler(event, context): return 1")).payload == 1
