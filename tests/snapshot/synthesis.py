"""The application, synthesized once a session, for every test that looks at its templates.

To be imported by a conftest.py, before any test module imports aws_cdk.
"""

import copy
import fcntl
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from facts.names import Names
from functions.registry import VARIANTS, Variant

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

# The first import of aws_cdk starts node, which takes its environment along: the venv's own node, since the CDK
# warns of others, and no validation, which is slow and has a test of its own. Nobody else's environment changes.
with pytest.MonkeyPatch.context() as environment:
    environment.setenv("PATH", str(BIN), prepend=os.pathsep)
    environment.setenv("CDK_VALIDATION", "false")
    from app import make_app

Template = dict[str, Any]
NAMES = Names()


class Assembly(NamedTuple):
    """What a synthesis wrote.

    Attributes:
        folder: the cloud assembly.
        templates: the CloudFormation template of each stack, by the stack's name.
    """

    folder: Path
    templates: dict[str, Template]


def read_assembly(folder: Path) -> Assembly:
    """The cloud assembly in a folder."""
    files = sorted(folder.glob("*.template.json"))
    return Assembly(folder, {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in files})


def synthesize(folder: Path, **context: object) -> Assembly:
    """Synthesize the application with these settings into an empty folder."""
    make_app(context=context, outdir=folder).synth()
    return read_assembly(folder)


def _once(factory: pytest.TempPathFactory, name: str, **context: object) -> Assembly:
    """Synthesize once for all workers of pytest-xdist, whose folders lie in one."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = factory.mktemp(name)
            synthesize(unfinished, **context)
            unfinished.rename(folder)
    return read_assembly(folder)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The application with its default settings."""
    return _once(tmp_path_factory, "assembly")


EVERYTHING_ON = {
    "source": "s3",
    "architecture": "x86_64",
    "function_url": "true",
    "log_format": "json",
    "tracing": "true",
    "load": "true",
    "reserved_concurrency": "20",
    "provisioned_concurrency": "2",
    "alarm_topic": "arn:aws:sns:us-east-1:123456789012:on-call",
}


@pytest.fixture(scope="session")
def everything_on(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The application with every setting that adds something, and every other architecture and format."""
    return _once(tmp_path_factory, "everything-on", **EVERYTHING_ON)


def readable(template: Template) -> Template:
    """The template with its asset hashes masked, and a dashboard's body in place of its text."""
    copied = copy.deepcopy(template)
    if resources(copied, "AWS::CloudWatch::Dashboard"):
        resource(copied, "AWS::CloudWatch::Dashboard")["DashboardBody"] = dashboard_body(template)
    text = re.sub(r"\b[0-9a-f]{64}\b", "<asset hash>", json.dumps(copied))
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<version hash>", text)
    masked: Template = json.loads(text)
    return masked


TEXTS = ("summary", "staleness", "choose_when", "title", "color", "name")
"""The fields of a variant that stand in its template, the longest texts first."""


def without_names(value: Any, variant: Variant) -> Any:
    """A variant's template with the name of its stack and its texts of the registry replaced by `<field>`."""
    match value:
        case dict():
            return {key: without_names(inner, variant) for key, inner in value.items()}
        case list():
            return [without_names(inner, variant) for inner in value]
        case str():
            value = value.replace(NAMES.stack_name(variant.name), "<stack>")
            for field in TEXTS:
                value = value.replace(getattr(variant, field), f"<{field}>")
            return value
        case _:
            return value


def distinct(assembly: Assembly) -> dict[str, Template]:
    """The templates by stack; of variants that differ in names alone, only the first."""
    found: dict[str, Template] = {}
    variants = {NAMES.stack_name(variant.name): variant for variant in VARIANTS}
    for stack, template in assembly.templates.items():
        masked = readable(template)
        key = json.dumps(without_names(masked, variants[stack]) if stack in variants else masked)
        found.setdefault(key, {stack: template})
    return {stack: template for each in found.values() for stack, template in each.items()}


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    """The resources of one type, as ``AWS::Lambda::Function``."""
    return [resource for resource in template["Resources"].values() if resource["Type"] == kind]


def resource(template: Template, kind: str) -> dict[str, Any]:
    """The properties of the one resource of a type."""
    (only,) = resources(template, kind)
    properties: dict[str, Any] = only["Properties"]
    return properties


def dashboard_body(template: Template) -> dict[str, Any]:
    """A dashboard's body, which the template holds as text in pieces, with the region as ``${AWS::Region}``."""
    body: dict[str, Any] = json.loads(_joined(resource(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]))
    return body


def without_dashboards(assembly: Assembly) -> Assembly:
    """The same with dashboards that have no widgets."""
    templates = copy.deepcopy(assembly.templates)
    for template in templates.values():
        for found in resources(template, "AWS::CloudWatch::Dashboard"):
            found["Properties"]["DashboardBody"] = '{"widgets": []}'
    return Assembly(assembly.folder, templates)


def dashboard_name(template: Template, region: str) -> str:
    """The name of a template's dashboard, deployed to this region."""
    name = _joined(resource(template, "AWS::CloudWatch::Dashboard")["DashboardName"])
    return name.replace("${AWS::Region}", region)


def _joined(value: dict[str, Any]) -> str:
    """The text of an ``Fn::Join``, with references as ``${…}``."""
    return "".join(piece if isinstance(piece, str) else f"${{{piece['Ref']}}}" for piece in value["Fn::Join"][1])
