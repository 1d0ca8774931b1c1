"""Synthesize the CDK application, and deploy or destroy it with the stock CDK CLI."""

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from facts.names import Names
from lab.aws.connection import LOCAL_CREDENTIALS
from lab.aws.target import Target
from lab.deploy.child_process import running
from lab.errors import LabError, UsageError

logger = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
CDK_CLI = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
LOCAL_ENVIRONMENT = "aws://000000000000/us-east-1"
"""The account and the region of every local endpoint, as the CDK CLI takes them."""
NO_APP = ("--app", "")
"""Otherwise the CDK CLI synthesizes what cdk.json names."""
ERROR = re.compile(r"❌|[Ee]rror|failed|Need to perform|Unable to|must|Cannot")
FAILED = re.compile(r"\| \w+_FAILED\s*\| \S+\s*\| (\S+ \(\w+\)) (.+)")  # a resource, and CloudFormation's reason
DONE = re.compile(r"✅\s+(.*)")
UNDER_WAY = re.compile(r"^(\S+) \|\s*(\d+)/(\d+) \|")
NOT_LOCAL = "provisioned_concurrency"
"""The setting of the application that the local endpoint cannot keep."""
SILENT_S = 10.0  # between two lines of progress; a stack on AWS can take minutes


class Application:
    """The synthesized application at one target, with its ``names``.

    Each method that runs the CDK CLI raises `LabError` with the CLI's reason if it failed.
    """

    def __init__(
        self, assembly: Path, target: Target, endpoint_url: str | None, names: Names, echo: Callable[[str], None]
    ) -> None:
        self.names = names
        self._assembly = assembly
        self._echo = echo
        self._env = _environment(target, endpoint_url)

    @property
    def templates(self) -> dict[str, dict[str, Any]]:
        """The templates, by stack name."""
        artifacts = json.loads((self._assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        return {
            each["properties"].get("stackName", name): json.loads(
                (self._assembly / each["properties"]["templateFile"]).read_text(encoding="utf-8")
            )
            for name, each in artifacts.items()
            if each["type"] == "aws:cloudformation:stack"
        }

    def bootstrap(self) -> None:
        """Create the CDK's own bucket and roles at the target."""
        self._cdk("bootstrap")

    def deploy(self, stacks: Sequence[str] | None = None) -> None:
        """Deploy these stacks only, or all."""
        options = ["--require-approval", "never", "--concurrency", "4", "--progress", "events"]
        self._cdk("deploy", *options, *_chosen(stacks))

    def destroy(self, stacks: Sequence[str] | None = None) -> None:
        """Remove these stacks only, or all."""
        self._cdk("destroy", "--force", *_chosen(stacks))

    def _cdk(self, command: str, *arguments: str) -> None:
        arguments = ("--app", str(self._assembly), *arguments)
        with _started(command, *arguments, folder=self._assembly.parent, env=self._env) as process:
            _follow(process, command, self._echo)


@contextlib.contextmanager
def bootstrapping(endpoint_url: str) -> Iterator[Callable[[], None]]:
    """Begin to create the CDK's own bucket and roles at a local endpoint. The function that is yielded waits for it.

    It needs no assembly, so it goes on while the application is synthesized. The function raises `LabError` if the CDK
    CLI failed.
    """
    env = _environment("local", endpoint_url)
    with (
        tempfile.TemporaryDirectory(prefix="cache-lab-bootstrap-") as folder,
        _started("bootstrap", LOCAL_ENVIRONMENT, *NO_APP, folder=Path(folder), env=env) as process,
    ):
        yield lambda: _follow(process, "bootstrap", lambda _: None)


@contextlib.contextmanager
def _started(command: str, *arguments: str, folder: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    if not CDK_CLI.is_file():
        raise LabError("the CDK CLI is not installed: run `make setup`")
    node = Path(sys.executable).with_name("node")
    if not node.exists():
        raise LabError("node is not installed: run `make setup`")
    logger.info("running cdk %s", " ".join((command, *arguments)))
    with running(
        [str(node), str(CDK_CLI), command, *arguments, "--no-notices", "--ci"], folder=folder, env=env
    ) as process:
        yield process


def _follow(process: subprocess.Popen[str], command: str, echo: Callable[[str], None]) -> None:
    """Show the progress of the CDK CLI until it ends. Raises `LabError` with its reason if it failed."""
    output: list[str] = []
    progress_at = time.monotonic()
    assert process.stdout is not None
    for text in process.stdout:
        output.append(text.rstrip())
        logger.debug("cdk: %s", output[-1])
        if done := DONE.search(text):
            echo(f"  {done[1].strip()}")
            progress_at = time.monotonic()
        elif (part := UNDER_WAY.match(text)) and time.monotonic() - progress_at > SILENT_S:
            echo(f"  {part[1]}: {part[2]} of {part[3]} resources")
            progress_at = time.monotonic()
    if process.wait() != 0:
        raise LabError(f"cdk {command} failed: {_reason(output)}")


def _chosen(stacks: Sequence[str] | None) -> list[str]:
    return ["--exclusively", *stacks] if stacks else ["--all"]


@contextlib.contextmanager
def application(
    *, target: Target, endpoint_url: str | None, names: Names, context: Mapping[str, str], echo: Callable[[str], None]
) -> Iterator[Application]:
    """Synthesize the application into a folder that is removed when the block ends.

    ``context`` has settings of the application other than the defaults; see `stacks/settings.py`. ``echo`` takes
    progress, line by line. Raises `LabError` if the application refused a setting, or could not be synthesized;
    `UsageError` for a setting that the local endpoint does not have.
    """
    context = {**context, "instance": names.instance or "none"}
    if target == "local":
        if context.get(NOT_LOCAL, "none") != "none":
            raise UsageError(
                f"--context {NOT_LOCAL}={context[NOT_LOCAL]} works on AWS only: the local endpoint has no provisioned"
                " concurrency; leave it out, or deploy with --target aws"
            )
        context = {"architecture": "x86_64", **context}
    with tempfile.TemporaryDirectory(prefix="cache-lab-assembly-") as folder:
        yield Application(synthesize(Path(folder), context), target, endpoint_url, names, echo)


def synthesize(folder: Path, context: Mapping[str, str]) -> Path:
    """Synthesize the application in a folder, and return the cloud assembly in it. See `application`."""
    assembly = folder / "cdk.out"
    env = {
        **os.environ,
        "PATH": _path(),
        "CDK_CONTEXT_JSON": json.dumps(dict(context)),
        "CDK_OUTDIR": str(assembly),
        "CDK_VALIDATION": "false",  # the tests validate the templates; here that would take most of the time
        "TMPDIR": str(folder),
    }
    with running([sys.executable, "app.py"], folder=folder, env=env) as process:
        assert process.stdout is not None
        output = process.stdout.readlines()
    if process.returncode != 0:
        raise LabError(f"the application could not be synthesized: {_reason(output)}")
    return assembly


def _environment(target: Target, endpoint_url: str | None) -> dict[str, str]:
    env = {**os.environ, "PATH": _path(), "CDK_DISABLE_CLI_TELEMETRY": "true"}
    if target == "aws":
        # The CDK CLI prefers AWS_REGION and boto3 knows AWS_DEFAULT_REGION only: give both the same region.
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return env | ({"AWS_REGION": region} if region else {})
    assert endpoint_url is not None, "the command line requires it"
    env = {name: value for name, value in env.items() if not name.startswith("AWS_")}
    endpoint = {"AWS_ENDPOINT_URL": endpoint_url, "AWS_ENDPOINT_URL_S3": endpoint_url}
    return env | LOCAL_CREDENTIALS | endpoint | {"CDK_HOME": str(ROOT / ".lab" / "cdk")}


def _path() -> str:
    # PyPI's Node is in the folder of this interpreter.
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _reason(output: Sequence[str]) -> str:
    """Why the first resource failed; else the last line of the output that looks like an error, else the last line."""
    lines = [line.strip() for line in output if line.strip()]
    failed = next(filter(None, map(FAILED.search, lines)), None)
    if failed is not None:
        return f"{failed[1]}: {failed[2]}"
    errors = [line for line in lines if ERROR.search(line)]
    return (errors or lines or ["it printed nothing"])[-1].lstrip("❌ ")
