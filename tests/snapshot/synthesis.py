"""The application, synthesized in this process once a session, for every test that looks at its templates.

To be imported by a conftest.py, before any test module imports aws_cdk.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

# The first import of aws_cdk starts node, which takes its environment along: the venv's own node, since the CDK
# warns of others, and no validation, which is slow and has a test of its own. Nobody else's environment changes.
with pytest.MonkeyPatch.context() as environment:
    environment.setenv("PATH", str(BIN), prepend=os.pathsep)
    environment.setenv("CDK_VALIDATION", "false")
    from app import make_app

Template = dict[str, Any]


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


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The application with its default settings."""
    return synthesize(tmp_path_factory.mktemp("assembly"))


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
    return synthesize(tmp_path_factory.mktemp("everything-on"), **EVERYTHING_ON)


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
    pieces = resource(template, "AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    text = "".join(piece if isinstance(piece, str) else f"${{{piece['Ref']}}}" for piece in pieces)
    body: dict[str, Any] = json.loads(text)
    return body
