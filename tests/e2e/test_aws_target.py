"""`--target aws` with an instance, from the first question to an account without it; AWS is the local endpoint here."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lab.deploy.cdk import CDK_CLI
from lab.endpoint.process import ROOT, started_endpoint
from lab.fleet.parts import RecordPart
from lab.records.record import Record
from lab.records.run_file import read_run
from tests.e2e.program import COMMAND
from tests.records import read_records

VARIANTS = ("no_cache", "ttl_cache")
INSTANCE = "anna"
LOAD_BUCKET = f"cache-lab-{INSTANCE}-load-000000000000-us-east-1"
CHOSEN = [word for variant in VARIANTS for word in ("--variant", variant)]
CONTEXT = ["--context", f"variants={','.join(VARIANTS)}", "--context", "load=true"]


class Aws:
    """The lab as a user calls it, whose AWS configuration leads to an endpoint."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "cachelab-user",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": str(folder),
        }

    def start(self, command: str, *arguments: str) -> "subprocess.Popen[str]":
        line = [*COMMAND, command, "--target", "aws", "--instance", INSTANCE, *arguments]
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(line, env=self.env, cwd=ROOT, text=True, **streams)

    def lab(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        with self.start(command, *arguments) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return make(service, endpoint_url=self.url, **keys)

    def stacks(self) -> set[str]:
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in stacks} - {"CDKToolkit"}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with started_endpoint() as url:  # of its own: nothing is there yet
        yield Aws(url, tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="module")
def deployed(aws: Aws) -> Aws:
    said = aws.lab("deploy", "--yes", *CONTEXT)
    assert said.returncode == 0, said.stderr
    assert "account 000000000000, region us-east-1" in said.stderr
    assert "which is not AWS" in said.stderr
    assert "CDKToolkit" in said.stderr
    return aws


class Run:
    """A run of a user, and what it wrote."""

    def __init__(self, said: subprocess.CompletedProcess[str], folder: Path) -> None:
        assert said.returncode == 0, said.stderr
        self.said = said
        self.folder = folder
        self.content = json.loads((folder / "run.json").read_text())
        self.records: list[Record] = list(read_records(folder))


@pytest.fixture(scope="module")
def run(deployed: Aws, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "aws"
    load = ["--rate", "8", "--concurrency", "1", "--duration", "5", "--metrics-wait", "1"]
    return Run(deployed.lab("run", "--yes", "--out", str(folder), *CHOSEN, *load), folder)


def test_nothing_is_deployed_before_the_answer(aws: Aws, tmp_path: Path) -> None:
    before = aws.stacks()
    said = aws.lab("deploy", *CONTEXT)

    assert said.returncode == 2
    assert said.stderr.splitlines()[-1].startswith("lab: --target aws asks before it does anything")
    assert "creates or updates 5 stacks: CacheLab-anna-source, CacheLab-anna-no-cache" in said.stderr
    assert aws.stacks() == before


def test_what_is_deployed_is_measured_as_it_is(run: Run) -> None:
    assert "80 invocations (40 of each of 2 variants), 8 items in dynamodb" in run.said.stderr
    assert "estimated cost: about US$" in run.said.stderr
    assert "deploy" not in run.said.stderr
    assert {(record.target, record.status) for record in run.records} == {("aws", "ok")}
    assert len(run.records) == 80
    assert {(record.repetition, record.phase) for record in run.records} == {(None, None)}
    assert (run.content["run"]["repetitions"], run.content["repetitions"]) == (None, [])
    assert run.content["run"]["instance"] == INSTANCE
    assert all(record.duration_ms is not None for record in run.records)


def test_the_run_tells_the_clocks_the_retries_and_dynamodbs_own_count(run: Run) -> None:
    observed = run.content["aws"]
    assert abs(observed["clock_difference_ms"]) <= observed["clock_uncertainty_ms"] + 1
    assert observed["sdk_retries"] == 0
    assert observed["endpoint_url"].startswith("http://127.0.0.1:")
    assert observed["downstream"]["functions_calls"] == sum(record.downstream_calls or 0 for record in run.records)
    assert observed["downstream"]["cloudwatch_whole"] is False  # the local endpoint keeps no metrics of DynamoDB
    codes = {warning["code"] for warning in run.content["warnings"]}
    assert codes >= {"not_aws", "clock_difference"}
    assert "000000000000" not in json.dumps(run.content)


def test_what_was_logged_tells_of_every_invocation(deployed: Aws, run: Run, tmp_path: Path) -> None:
    collected = Run(deployed.lab("collect", "--since", "15m", "--out", str(tmp_path / "c")), tmp_path / "c")

    found = {record.request_id: record for record in collected.records}
    for record in run.records:
        if record.request_id is None:  # no answer came in time, on a busy machine
            continue
        logged = found[record.request_id]
        assert (logged.planned_at, logged.key, logged.latency_ms) == (None, None, None)
        assert (logged.variant, logged.status, logged.cache) == (record.variant, record.status, record.cache)
        assert (logged.duration_ms, logged.billed_ms, logged.init_ms, logged.environment_id) == (
            record.duration_ms,
            record.billed_ms,
            record.init_ms,
            record.environment_id,
        )
        assert logged.downstream_calls == record.downstream_calls
    assert (collected.content["run"]["scenario"], collected.content["run"]["instance"]) == ("collected", INSTANCE)


def test_a_span_without_traffic_leaves_no_folder(deployed: Aws, tmp_path: Path) -> None:
    said = deployed.lab("collect", "--since", "2d", "--until", "1d", "--out", str(tmp_path / "c"))

    assert said.returncode == 1
    assert "no invocation was logged between these times" in said.stderr
    assert not (tmp_path / "c").exists()


def _assert_as_deployed(aws: Aws) -> None:
    client = aws.client("lambda")
    for variant in VARIANTS:
        name = f"cache-lab-{INSTANCE}-{variant}"
        versions = client.list_versions_by_function(FunctionName=name)["Versions"]
        assert [each["Version"] for each in versions] == ["$LATEST", "1"]
        assert {"CACHE_LAB_REPETITION" in each["Environment"]["Variables"] for each in versions} == {False}
        assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == "1"


def test_repetitions_have_environments_of_versions_that_are_removed(deployed: Aws, tmp_path: Path) -> None:
    load = ["--rate", "12", "--duration", "2", "--repeat", "2", "--metrics-wait", "0", "--fresh-environments"]
    run = Run(deployed.lab("run", "--yes", "--out", str(tmp_path / "f"), *CHOSEN, *load), tmp_path / "f")

    assert "132 invocations (33 of each of 2 variants, in 2 repetitions)" in run.said.stderr
    assert "4 versions of the functions are published" in run.said.stderr
    assert run.content["run"]["repetitions"] == 2
    repetitions = run.content["repetitions"]
    assert len(repetitions) >= 2
    environments = [
        {record.environment_id for record in run.records if record.repetition == each["number"]} for each in repetitions
    ]
    assert sum(map(len, environments)) == len(set.union(*environments)) >= 2 * 2 * 3
    assert {(record.invocation, record.cold_start) for record in run.records if record.phase == "start"} == {(1, True)}
    _assert_as_deployed(deployed)


def test_ctrl_c_removes_the_versions_of_a_run(deployed: Aws, tmp_path: Path) -> None:
    folder = tmp_path / "interrupted"
    load = ["--rate", "12", "--duration", "300", "--repeat", "2", "--metrics-wait", "0", "--fresh-environments"]
    with deployed.start("run", "--yes", "--out", str(folder), *CHOSEN, *load) as process:
        assert process.stderr is not None
        list(_until(process.stderr, r"driving: [1-9]"))
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate()

    assert process.returncode == 130
    assert "put the functions and aliases back" in rest
    assert {record.repetition for record in read_records(folder)} == {0}
    assert read_run(folder).repetitions == ()
    _assert_as_deployed(deployed)


@pytest.fixture
def with_urls(deployed: Aws) -> Iterator[None]:
    """A function URL on each alias, as `function_url=true` makes them."""
    client = deployed.client("lambda")
    for variant in VARIANTS:
        with contextlib.suppress(client.exceptions.ResourceConflictException):
            name = f"cache-lab-{INSTANCE}-{variant}"
            client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="AWS_IAM")
    yield
    for variant in VARIANTS:
        client.delete_function_url_config(FunctionName=f"cache-lab-{INSTANCE}-{variant}", Qualifier="live")


@pytest.mark.usefixtures("with_urls")
def test_function_urls_are_a_second_way_in(deployed: Aws, tmp_path: Path) -> None:
    load = ["--rate", "5", "--duration", "2", "--metrics-wait", "0", "--via", "url"]
    run = Run(deployed.lab("run", "--yes", "--out", str(tmp_path / "u"), *CHOSEN, *load), tmp_path / "u")

    assert {record.status for record in run.records} == {"ok"}
    assert {record.cache for record in run.records} <= {"hit", "miss"}
    assert all(record.request_id and record.environment_id for record in run.records)
    assert all(record.duration_ms is None and record.billed_ms is None for record in run.records)
    assert run.content["run"]["via"] == "url"


def test_a_function_at_its_limit_leaves_no_half_made_run(deployed: Aws, tmp_path: Path) -> None:
    client = deployed.client("lambda")
    client.put_function_concurrency(FunctionName="cache-lab-anna-no_cache", ReservedConcurrentExecutions=0)
    try:
        said = deployed.lab("run", "--yes", "--out", str(tmp_path / "t"), "--variant", "no_cache")
    finally:
        client.delete_function_concurrency(FunctionName="cache-lab-anna-no_cache")

    assert said.returncode == 1
    assert "cache-lab-anna-no_cache is switched off: its reserved concurrency is 0" in said.stderr.splitlines()[-1]
    assert not (tmp_path / "t").exists()


@contextlib.contextmanager
def _one_at_a_time(aws: Aws, function: str) -> Iterator[None]:
    client = aws.client("lambda")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=function)


def _throttles_by_lambda(aws: Aws, function: str) -> int:
    """How many Lambda says that it has refused in the last hour."""
    now = time.time()
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Throttles",
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - 3600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))


def test_a_fleet_counts_what_is_throttled_and_loses_none_of_it(deployed: Aws, tmp_path: Path) -> None:
    folder = tmp_path / "throttled"
    load = ["--rate", "20", "--concurrency", "2", "--duration", "4", "--metrics-wait", "0", "--fleet", "2"]
    before = _throttles_by_lambda(deployed, "cache-lab-anna-no_cache")
    with _one_at_a_time(deployed, "cache-lab-anna-no_cache"):
        run = Run(deployed.lab("run", "--yes", "--out", str(folder), *CHOSEN, *load), folder)

    assert {(record.variant, record.sequence) for record in run.records} == {
        (variant, sequence) for variant in VARIANTS for sequence in range(80)
    }
    assert len(run.records) == 160
    throttled = [record for record in run.records if record.status == "throttled"]
    assert 0 < len(throttled) < 80
    assert {(record.variant, record.error_type) for record in throttled} == {
        ("no_cache", "ReservedFunctionConcurrentInvocationLimitExceeded")
    }
    assert all(record.sent_at and record.service_ms and record.duration_ms is None for record in throttled)
    assert {record.status for record in run.records if record not in throttled} == {"ok"}
    assert len(throttled) == _throttles_by_lambda(deployed, "cache-lab-anna-no_cache") - before
    _assert_same_in_s3(deployed, run)
    _assert_reported(folder, {"no_cache": len(throttled), "ttl_cache": 0})


def _assert_reported(folder: Path, throttles: dict[str, int]) -> None:
    line = [*COMMAND, "report", str(folder), "--format", "json"]
    shown = json.loads(subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert {each["variant"]: (each["invocations"], each["throttles"], each["lost"]) for each in shown["variants"]} == {
        variant: (80, times, 0) for variant, times in throttles.items()
    }


@pytest.mark.skipif(sys.platform != "linux", reason="finds the driver by /proc, which Linux has")
def test_a_driver_that_dies_is_counted_as_lost(deployed: Aws, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    load = ["--rate", "6", "--duration", "10", "--metrics-wait", "0", "--fleet", "2"]
    with deployed.start("run", "--yes", "--out", str(folder), *CHOSEN, *load) as process:
        _kill_a_driver(deployed, "fleet")
        out, err = process.communicate()
    run = Run(subprocess.CompletedProcess(process.args, process.returncode, out, err), folder)

    assert len({(record.variant, record.sequence) for record in run.records}) == len(run.records) == 120
    lost = [record for record in run.records if record.status == "lost"]
    # Half of the planned starts were the dead driver's. What it had written by then is kept.
    assert 0 < len(lost) < 60
    assert {(record.error_type, record.sent_at, record.latency_ms) for record in lost} == {("ShardLost", None, None)}
    assert {record.status for record in run.records} == {"lost", "ok"}
    assert {record.staleness_ms is None for record in run.records if record.status == "ok"} == {False}
    _assert_same_in_s3(deployed, run)


def test_ctrl_c_stops_the_drivers_and_settles_the_fleet(deployed: Aws, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    load = ["--rate", "5", "--duration", "300", "--metrics-wait", "0", "--fleet", "2"]
    with deployed.start("run", "--yes", "--out", str(folder), *CHOSEN, *load) as process:
        assert process.stderr is not None
        said = "".join(_until(process.stderr, r"driving: [1-9]"))
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate()

    assert "0 of 2 shards done" in said
    assert process.returncode == 130
    assert rest.splitlines()[-1].startswith("lab: interrupted; 3,000 records are kept: `lab report ")
    outcomes = {(record.status, record.error_type) for record in read_records(folder)}
    assert outcomes == {("ok", None), ("lost", "RunInterrupted")}
    assert read_run(folder).finished is False
    assert sum(part.last for part in _parts(deployed.client("s3"), "stopped")) == 2, "the drivers go on"


def _until(lines: Iterable[str], start: str) -> Iterator[str]:
    """The lines up to the one that begins like this (a regular expression)."""
    for line in lines:
        yield line
        if re.match(start, line):
            return


def _assert_same_in_s3(aws: Aws, run: Run) -> None:
    s3 = aws.client("s3")
    name = run.folder.name
    listed = s3.list_objects_v2(Bucket=LOAD_BUCKET, Prefix=f"{name}/")["Contents"]
    wanted = [f"{name}/{part}/000{shard}.jsonl" for part in ("plan", "records") for shard in range(2)]
    assert {each["Key"] for each in listed if RecordPart.parse(each["Key"]) is None} == {
        *wanted,
        f"{name}/run.json",
        f"{name}/dashboards.json",
    }
    content = json.loads(s3.get_object(Bucket=LOAD_BUCKET, Key=f"{name}/run.json")["Body"].read())
    assert content == run.content
    lines = [s3.get_object(Bucket=LOAD_BUCKET, Key=key)["Body"].read().decode() for key in wanted[2:]]
    assert sorted("".join(lines).splitlines()) == sorted(record.to_json() for record in run.records)


def _kill_a_driver(aws: Aws, run: str) -> None:
    """Wait until both drivers have written records, and kill one of them."""
    s3 = aws.client("s3")
    deadline = time.monotonic() + 240
    while len({part.shard for part in _parts(s3, run)}) < 2:
        assert time.monotonic() < deadline, "the drivers wrote no records"
        time.sleep(0.1)
    os.killpg(
        min(os.getpgid(each) for each in _processes(b"AWS_LAMBDA_FUNCTION_NAME=cache-lab-anna-driver")), signal.SIGKILL
    )


def _parts(s3: Any, run: str) -> list[RecordPart]:
    listed = s3.list_objects_v2(Bucket=LOAD_BUCKET, Prefix=f"{run}/records/").get("Contents", [])
    return [part for each in listed if (part := RecordPart.parse(each["Key"]))]


def _processes(variable: bytes) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if variable in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def _until_the_cdk_cli_runs() -> None:
    """Not longer: on a quick machine it is done in two seconds."""
    deadline = time.monotonic() + 240
    while not any(str(CDK_CLI).encode() in line for line in _command_lines()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _command_lines() -> Iterator[bytes]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (folder / "cmdline").read_bytes()


def _interrupt_a_destroy(aws: Aws) -> None:
    with aws.start("destroy", "--yes") as process:
        assert process.stderr is not None
        list(_until(process.stderr, "remove the items: "))
        _until_the_cdk_cli_runs()
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate()
    assert process.returncode == 130, rest
    assert rest.splitlines()[-1].startswith("lab: interrupted; CloudFormation completes what it has started")


Left = dict[str, set[str]]


def _left(aws: Aws) -> Left:
    """The names of all that is there, by what it is; the CDK's own left out."""
    parameters = aws.client("ssm").get_parameters_by_path(Path="/", Recursive=True)["Parameters"]
    cloudwatch = aws.client("cloudwatch")
    found = {
        "stacks": aws.stacks(),
        "tables": aws.client("dynamodb").list_tables()["TableNames"],
        "log groups": [each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]],
        "alarms": [each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]],
        "dashboards": [each["DashboardName"] for each in cloudwatch.list_dashboards()["DashboardEntries"]],
        "secrets": [each["Name"] for each in aws.client("secretsmanager").list_secrets()["SecretList"]],
        "parameters": [each["Name"] for each in parameters],
        "buckets": [each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]],
        "functions": [each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]],
        "state machines": [each["name"] for each in aws.client("stepfunctions").list_state_machines()["stateMachines"]],
    }
    return {what: {name for name in names if "cdk-" not in name} for what, names in found.items()}


def _make_what_others_have(aws: Aws) -> Left:
    """Make what belongs to other instances, with the names that are most like the instance's."""
    before = _left(aws)
    aws.client("dynamodb").create_table(
        TableName="cache-lab-items",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    aws.client("s3").create_bucket(Bucket="cache-lab-load-000000000000-us-east-1")
    for prefix in ("cache-lab", f"cache-lab-{INSTANCE}-b"):
        aws.client("ssm").put_parameter(Name=f"/{prefix}/item-0000", Value="{}", Type="String")
        aws.client("secretsmanager").create_secret(Name=f"{prefix}/item-0000", SecretString="{}")
        aws.client("logs").create_log_group(logGroupName=f"/aws/lambda/{prefix}-no_cache")
    for name in ("CacheLab-no-cache-us-east-1", f"CacheLab-{INSTANCE}-no-cache-eu-west-1"):
        aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
    return {what: names - before[what] for what, names in _left(aws).items()}


def test_everything_of_the_instance_has_its_name(deployed: Aws) -> None:
    found = _left(deployed)
    assert [what for what, names in found.items() if not names] == ["secrets", "parameters"]
    for names in found.values():
        assert all(re.search(rf"(?i:cache-?lab)-{INSTANCE}-", name) for name in names)


def test_destroy_leaves_nothing_but_what_other_instances_have(deployed: Aws) -> None:
    others = _make_what_others_have(deployed)
    # Of earlier deployments with other sources.
    deployed.client("ssm").put_parameter(Name=f"/cache-lab-{INSTANCE}/item-0000", Value="{}", Type="String")
    deployed.client("secretsmanager").create_secret(Name=f"cache-lab-{INSTANCE}/item-0000", SecretString="{}")
    deployed.client("s3").put_object(Bucket=LOAD_BUCKET, Key="kept/run.json", Body=b"{}")
    asked = deployed.lab("destroy")
    assert asked.returncode == 2
    assert f"removes the runs that fleets left in s3://{LOAD_BUCKET}" in asked.stderr

    _interrupt_a_destroy(deployed)
    said = deployed.lab("destroy", "--yes")
    again = deployed.lab("destroy", "--yes")

    assert said.returncode == 0, said.stderr
    assert again.returncode == 0, again.stderr
    assert f"no stack of instance {INSTANCE} exists" in again.stderr
    assert "destroyed" not in again.stderr
    assert again.stderr.endswith("nothing is deployed: there is no stack to remove\n")
    assert _left(deployed) == others
