"""One endpoint, one deployment by the stock CDK CLI and one run, shared by the tests that look at them."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from lab.endpoint.process import ROOT, started_endpoint
from lab.records.record import Record
from tests.e2e.program import ASSEMBLIES, COMMAND
from tests.records import read_records

TTL_S = 4.0
CONTEXT = ("--context", f"ttl_s={TTL_S:.0f}")  # the same in every run, so that a second one deploys nothing new
REPEAT = 2
DURATION_S = 3
RATE = 16
CONCURRENCY = 3


class Run(NamedTuple):
    """A finished run of every variant."""

    folder: Path
    stdout: str
    stderr: str
    records: list[Record]
    content: dict[str, Any]

    def of(self, variant: str) -> list[Record]:
        """The variant's records, in order of completion."""
        return [record for record in self.records if record.variant == variant]


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`lab …` as a user calls it."""
    command = [*COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="session", autouse=True)
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder of assemblies that all workers share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "assemblies"
    folder.mkdir(exist_ok=True)
    os.environ[ASSEMBLIES] = str(folder)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with started_endpoint() as url:
        yield url


@pytest.fixture(scope="session")
def run(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "whole-path"
    load = [
        "--repeat",
        str(REPEAT),
        "--duration",
        str(DURATION_S),
        "--rate",
        str(RATE),
        "--updates",
        "2",
        "--seed",
        "7",
    ]
    answer = lab("run", "--endpoint-url", endpoint, "--out", str(folder), *load, *CONTEXT)
    assert answer.returncode == 0, answer.stderr
    return Run(
        folder, answer.stdout, answer.stderr, list(read_records(folder)), json.loads((folder / "run.json").read_text())
    )


@pytest.fixture(scope="session")
def clients(endpoint: str, run: Run) -> dict[str, Any]:
    """boto3 clients of the endpoint, where everything is deployed."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    make: Any = boto3.client
    return {name: make(name, endpoint_url=endpoint, **keys) for name in ("lambda", "dynamodb", "cloudwatch")}


def invoke(clients: dict[str, Any], variant: str, event: Any) -> tuple[dict[str, Any], Any]:
    """Invoke a variant through its alias: the answer and its payload."""
    answer = clients["lambda"].invoke(
        FunctionName=f"cache-lab-{variant}", Qualifier="live", LogType="Tail", Payload=json.dumps(event).encode()
    )
    return answer, json.loads(answer["Payload"].read())
