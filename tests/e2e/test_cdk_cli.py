"""The stock CDK CLI against the local endpoint: from an empty account to an empty account."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from facts.names import Names
from lab.deploy.cdk import CDK_CLI, Application
from lab.endpoint.process import ROOT, started_endpoint
from lab.errors import LabError

STACKS = ["CacheLab-source", "CacheLab-no-cache", "CacheLab-ttl-cache", "CacheLab-comparison"]
CHANGED = STACKS[2]
FAILS_LATE = """
    from aws_cdk import CfnWaitCondition, CfnWaitConditionHandle

    stack = app.node.find_child("CacheLab-ttl-cache")
    stack.node.find_child("Function").node.default_child.memory_size = 1024
    # Nobody signals it, so it fails when all else of the stack has been updated.
    handle = CfnWaitConditionHandle(stack, "Handle")
    signal = CfnWaitCondition(stack, "Signal", handle=handle.ref, timeout="1", count=1)
    signal.node.add_dependency(stack.node.find_child("Live"))
"""
PARTS = ("app.py", "cdk.json", "facts", "functions", "layer", "stacks")


class Project:
    """A copy of the application that tests may change, and an endpoint that it is deployed to."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url
        self._assemblies = 0
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        self.unchanged = self.synthesized()

    def synthesized(self) -> tuple[Path, Application]:
        """The cloud assembly of the copy as it is now, and the CDK CLI over it."""
        self._assemblies += 1
        assembly = self.folder / f"cdk.out.{self._assemblies}"
        context = {"architecture": "x86_64", "variants": "no_cache,ttl_cache"}
        variables = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(assembly), "CDK_VALIDATION": "false"}
        env = {**os.environ, **variables, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run([sys.executable, "app.py"], cwd=self.folder, env=env, check=True)
        return assembly, Application(assembly, "local", self._url, Names(), print)

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return make(service, endpoint_url=self._url, **keys)

    def stack_states(self) -> dict[str, str]:
        """The state of every stack that is there, the CDK's own left out."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in stacks if stack["StackName"] != "CDKToolkit"}

    def live(self) -> dict[str, Any]:
        """The configuration that callers of `ttl_cache` reach through the alias."""
        found = self.client("lambda").get_function_configuration(FunctionName="cache-lab-ttl_cache", Qualifier="live")
        return dict(found)

    def diff(self, assembly: Path) -> subprocess.CompletedProcess[str]:
        return self.cdk("diff", assembly, "--fail")

    def cdk(self, command: str, assembly: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The CDK CLI as a user calls it."""
        node = Path(sys.executable).with_name("node")
        line = [str(node), str(CDK_CLI), command, "--app", str(assembly), *arguments, "--no-notices", "--ci"]
        addresses = {"AWS_ENDPOINT_URL": self._url, "AWS_ENDPOINT_URL_S3": self._url, "AWS_REGION": "us-east-1"}
        keys = {"AWS_ACCESS_KEY_ID": "cachelab", "AWS_SECRET_ACCESS_KEY": "cachelab"}
        env = {**os.environ, **addresses, **keys, "CDK_HOME": str(self.folder / "cdk")}
        return subprocess.run(line, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The application, deployed to an account that was empty."""
    with started_endpoint() as url:
        project = Project(tmp_path_factory.mktemp("project"), url)
        _, app = project.unchanged
        app.bootstrap()
        app.deploy()
        yield project


@pytest.fixture
def edited(project: Project) -> Iterator[Callable[[str, str, str], None]]:
    """Changes a file of the copy for one test: path, old text, new text."""
    before: dict[Path, str] = {}

    def edit(path: str, old: str, new: str) -> None:
        file = project.folder / path
        content = before.setdefault(file, file.read_text(encoding="utf-8"))
        assert old in content
        file.write_text(content.replace(old, new), encoding="utf-8")

    yield edit
    for file, content in before.items():
        file.write_text(content, encoding="utf-8")


def test_every_stack_is_deployed(project: Project) -> None:
    assert sorted(project.stack_states()) == sorted(STACKS)
    assert {state.partition("_")[2] for state in project.stack_states().values()} == {"COMPLETE"}
    assert project.client("lambda").get_alias(FunctionName="cache-lab-ttl_cache", Name="live")["FunctionVersion"] == "1"


def test_what_was_deployed_has_no_differences(project: Project) -> None:
    assembly, _ = project.unchanged
    said = project.diff(assembly)

    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count("There were no differences") + said.stderr.count("There were no differences") == len(
        STACKS
    )


def test_a_change_of_code_moves_the_alias(project: Project, edited: Callable[[str, str, str], None]) -> None:
    before = project.live()
    edited("functions/ttl_cache/handler.py", '"""', '"""Changed. ')
    assembly, app = project.synthesized()

    assert project.diff(assembly).returncode == 1
    app.deploy([CHANGED])

    after = project.live()
    assert int(after["Version"]) == int(before["Version"]) + 1
    assert after["CodeSha256"] != before["CodeSha256"]
    assert after["Layers"] == before["Layers"]


def test_a_change_of_the_layer_moves_the_alias(project: Project, edited: Callable[[str, str, str], None]) -> None:
    before = project.live()
    edited("layer/python/instrumentation/errors.py", '"""', '"""Changed. ')
    project.synthesized()[1].deploy([CHANGED])

    after = project.live()
    assert int(after["Version"]) == int(before["Version"]) + 1
    assert after["Layers"] != before["Layers"]


def test_a_deployment_that_fails_is_rolled_back(project: Project, edited: Callable[[str, str, str], None]) -> None:
    before = project.live()
    edited("app.py", "    return app", FAILS_LATE + "    return app")
    _, app = project.synthesized()

    with pytest.raises(LabError, match="cdk deploy failed"):
        app.deploy([CHANGED])

    assert project.stack_states()[CHANGED] == "UPDATE_ROLLBACK_COMPLETE"
    after = project.live()
    assert (after["Version"], after["MemorySize"]) == (before["Version"], before["MemorySize"])


def test_stacks_come_and_go_alone_and_in_any_order(project: Project) -> None:
    assembly, _ = project.unchanged
    source, variant = STACKS[0], STACKS[2]
    for command, stack, present in (
        ("destroy", source, set(STACKS) - {source}),
        ("destroy", variant, set(STACKS) - {source, variant}),
        ("deploy", variant, set(STACKS) - {source}),
        ("deploy", source, set(STACKS)),
    ):
        answer = ["--force"] if command == "destroy" else ["--require-approval", "never"]
        said = project.cdk(command, assembly, "--exclusively", *answer, stack)

        assert said.returncode == 0, said.stdout + said.stderr
        assert set(project.stack_states()) == present


def test_destroy_leaves_nothing(project: Project) -> None:
    _, app = project.unchanged
    app.destroy()

    assert project.stack_states() == {}
    assert project.client("lambda").list_functions()["Functions"] == []
    assert project.client("lambda").list_layers()["Layers"] == []
    assert project.client("dynamodb").list_tables()["TableNames"] == []
    assert project.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert project.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    groups = project.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/cache-lab")["logGroups"]
    assert groups == []
