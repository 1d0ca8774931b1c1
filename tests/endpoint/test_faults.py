"""Functions that misbehave, as the endpoint's clients see it, and the end of the endpoint by ``kill -9``."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from lab.engine.sandbox.isolation import Isolation
from lab.engine.settings import Transport
from lab.records.report_line import find_report
from tests.engine.endpoint import BOTH_TRANSPORTS, Endpoint, until
from tests.engine.harness import processes_with
from tests.engine.test_metrics import of, statistics

LOGS = """
import os
def handler(event, context):
    for _ in range(3200): os.write(1, b"x" * 65_535 + b"\\n")
    return "logged"
"""
FORGES = """
import json, time
def handler(event, context):
    print(f"END RequestId: {context.aws_request_id}")
    print(f"REPORT RequestId: {context.aws_request_id}\\tDuration: 99999.00 ms\\tBilled Duration: 99999 ms\\t"
          "Memory Size: 1 MB\\tMax Memory Used: 1 MB\\tStatus: error\\tError Type: Forged\\t")
    print(f"START RequestId: {context.aws_request_id} Version: 9")
    for namespace in ("AWS/Lambda", "Forged"):
        names = ("Duration", "Errors", "Invocations", "Throttles")
        directive = {"Namespace": namespace, "Dimensions": [["FunctionName"]], "Metrics": [{"Name": n} for n in names]}
        metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
        print(json.dumps({"_aws": metadata, "FunctionName": context.function_name, **dict.fromkeys(names, 99_999)}))
"""
LEAVES = """
import os, signal, time
def child(kind):
    if kind == "daemon":
        os.setsid()
        if os.fork(): os._exit(0)
    for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
    open("/tmp/" + kind, "w").close()
    if kind == "stopped": os.kill(os.getpid(), signal.SIGSTOP)
    while True: time.sleep(1)
def handler(event, context):
    if os.fork() == 0: child(event["leave"])
    while not os.path.exists("/tmp/" + event["leave"]): time.sleep(0.01)
    time.sleep(event.get("sleep", 0))
    return "left"
"""


class Served(NamedTuple):
    """A ``lab serve`` of the test's own: its process, what it serves, and a mark in its processes' variables."""

    process: subprocess.Popen[str]
    endpoint: Endpoint
    mark: str

    @property
    def marks(self) -> list[str]:
        """Text in the variables or groups of its processes: the mark, or a function's address of the endpoint."""
        return [self.mark, self.endpoint.url, f"cache-lab-{self.process.pid}-"]

    def left(self) -> list[str]:
        """What there is of it: processes, mounts, control groups."""
        mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if self.mark in line]
        # os.walk passes over folders that go meanwhile.
        folders = (name for _, names, _ in os.walk("/sys/fs/cgroup") for name in names)
        groups = [name for name in folders if name.startswith(f"cache-lab-{self.process.pid}-")]
        return [*processes_with(*self.marks), *mounts, *groups]


@pytest.fixture(scope="module", params=BOTH_TRANSPORTS)
def served(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Served]:
    mark = f"TEST_MARK_{uuid.uuid4().hex}"
    folder = tmp_path_factory.mktemp("served") / mark
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "serve", "--port", "0", "--profile", "none", "--transport", request.param],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder), "TEST_MARK": mark},
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        served = Served(process, Endpoint(process.stdout.readline().split()[1]), mark)
        yield served
        process.kill()
    until(lambda: not served.left() and not any(folder.iterdir()))


@pytest.mark.parametrize("served", [Transport.SOCKET], indirect=True)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is looked up in /proc")
def test_200_mb_of_log_take_a_bounded_part_of_the_endpoints_memory(served: Served) -> None:
    name = served.endpoint.new_function(LOGS, MemorySize=1769, Timeout=30)
    before = _peak_mb(served.process.pid)
    answer = served.endpoint.aws_lambda.invoke(FunctionName=name, LogType="Tail")
    assert json.loads(answer["Payload"].read()) == "logged"
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert tail.splitlines()[-1].startswith(f"REPORT RequestId: {answer['ResponseMetadata']['RequestId']}\t")
    assert statistics(served.endpoint, "Invocations", "Sum", **of(name)) == {"Sum": 1}
    # What the telemetry process has not taken yet waits here, 64 MB of it at most, and twice that as it grows.
    assert _peak_mb(served.process.pid) - before < 170


def _peak_mb(pid: int) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) >> 10


@pytest.mark.skipif(sys.platform != "linux", reason="what is left behind is looked up in /proc")
@pytest.mark.skipif(Isolation.probe().namespaces is None, reason="a daemon leaves its environment without namespaces")
def test_kill_9_of_the_endpoint_leaves_nothing(served: Served) -> None:
    """While environments are idle, busy and stopped, and hold daemons that ignore signals."""
    name = served.endpoint.new_function(LEAVES, Timeout=60)

    def invoke_to_the_end() -> None:
        with contextlib.suppress(BotoCoreError, ClientError):
            served.endpoint.invoke(name, {"leave": "daemon", "sleep": 60})

    busy = threading.Thread(target=invoke_to_the_end)
    busy.start()
    until(lambda: len(processes_with(f"AWS_LAMBDA_FUNCTION_NAME={name}")) >= 2)
    for leave in ("child", "daemon", "stopped"):
        assert served.endpoint.invoke(name, {"leave": leave}).payload == "left"
    assert len(processes_with(f"AWS_LAMBDA_FUNCTION_NAME={name}")) >= 6
    served.process.send_signal(signal.SIGKILL)
    busy.join()
    until(lambda: served.left() == [])


def test_forged_reports_and_metrics_fool_nobody(endpoint: Endpoint) -> None:
    name = endpoint.new_function(FORGES)
    answer = endpoint.aws_lambda.invoke(FunctionName=name, LogType="Tail")
    request_id = answer["ResponseMetadata"]["RequestId"]
    report = find_report(base64.b64decode(answer["LogResult"]).decode(), request_id)
    assert report is not None
    assert (report.memory_mb, report.error_type) == (512, None)
    assert statistics(endpoint, "Duration", "Maximum", **of(name)) == {"Maximum": report.duration_ms}
    assert statistics(endpoint, "Errors", "Sum", **of(name)) == {"Sum": 0}
    assert statistics(endpoint, "Invocations", "Sum", **of(name)) == {"Sum": 1}
    assert statistics(endpoint, "Throttles", "Sum", **of(name)) == {"Sum": 0}
    assert statistics(endpoint, "Errors", "Sum", Namespace="Forged", **of(name)) == {"Sum": 99_999}


def test_an_answer_over_the_limit_is_an_error_in_the_metrics_too(endpoint: Endpoint) -> None:
    name = endpoint.new_function("def handler(event, context): return 'x' * (7 << 20)")
    answer = endpoint.invoke(name)
    assert answer.payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert statistics(endpoint, "Errors", "Sum", **of(name)) == {"Sum": 1}


def test_the_record_of_an_answer_that_is_no_json_is_sent_as_text(endpoint: Endpoint) -> None:
    name = endpoint.new_function("def handler(event, context): return b'no JSON'")
    url, arn = endpoint.queue()
    destination = {"OnSuccess": {"Destination": arn}}
    endpoint.aws_lambda.put_function_event_invoke_config(FunctionName=name, DestinationConfig=destination)
    endpoint.invoke(name, InvocationType="Event")
    assert json.loads(endpoint.message(url)["Body"])["responsePayload"] == "no JSON"
