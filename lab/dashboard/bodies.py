"""Dashboard bodies: those that the application would deploy, or those that are deployed at a target.

A body is the JSON text that CloudWatch keeps; a synthesized one has the region put in by CloudFormation.
"""

import hashlib
import importlib.metadata
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from facts.names import COMPARISON_DASHBOARD, STACK_PREFIX
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.deploy.cdk import ROOT, synthesize
from lab.errors import LabError

CACHE: Final = ROOT / ".lab" / "dashboards"
REGION: Final = "us-east-1"
_INPUTS: Final = ("stacks/**/*.py", "functions/**/*.py", "layer/**/*.py", "layer/**/*.txt")
_KEPT: Final = 20


class Body(NamedTuple):
    """A dashboard's name, and what CloudWatch keeps of it: a JSON text."""

    name: str
    text: str


def synthesized(context: Mapping[str, str]) -> list[Body]:
    """The dashboards of the application, synthesized with these settings.

    Synthesis takes some seconds, so its outcome is kept under `.lab` until a source file of the application changes.

    Raises:
        LabError: the application refused a setting, or could not be synthesized.
    """
    kept = CACHE / f"{_key(context)}.json"
    try:
        return [Body(*pair) for pair in json.loads(kept.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        pass
    with tempfile.TemporaryDirectory(prefix="lab-dashboard-") as folder:
        bodies = in_assembly(synthesize(Path(folder), context))
    _keep(kept, bodies)
    return bodies


def in_assembly(assembly: Path) -> list[Body]:
    """The dashboards of a cloud assembly, the comparison first.

    Raises:
        LabError: there is none, or a body is made of something else than text and the region.
    """
    paths = sorted(assembly.glob("*.template.json"))
    return in_templates([json.loads(path.read_text(encoding="utf-8")) for path in paths])


def in_templates(templates: Iterable[Mapping[str, Any]]) -> list[Body]:
    """The dashboards of CloudFormation templates, the comparison first.

    Raises:
        LabError: as `in_assembly`.
    """
    resources = (resource for template in templates for resource in template.get("Resources", {}).values())
    return _ordered(
        [
            Body(_text(resource["Properties"]["DashboardName"]), _text(resource["Properties"]["DashboardBody"]))
            for resource in resources
            if resource["Type"] == "AWS::CloudWatch::Dashboard"
        ],
        "in the synthesized application",
    )


def deployed(endpoint_url: str) -> list[Body]:
    """The lab's dashboards at a local endpoint, by ListDashboards and GetDashboard.

    Raises:
        LabError: the endpoint does not answer, or has none.
    """
    client = Connection(target="local", endpoint_url=endpoint_url).client("cloudwatch")
    with aws_errors("read the dashboards"):
        pages = client.get_paginator("list_dashboards").paginate(DashboardNamePrefix=STACK_PREFIX)
        names = [entry["DashboardName"] for page in pages for entry in page["DashboardEntries"]]
        bodies = [Body(name, client.get_dashboard(DashboardName=name)["DashboardBody"]) for name in names]
    return _ordered(bodies, f"at {endpoint_url}; deploy there first, or leave out --endpoint-url")


def _ordered(bodies: list[Body], where: str) -> list[Body]:
    if not bodies:
        raise LabError(f"there is no dashboard {where}")
    return sorted(bodies, key=lambda body: (body.name != COMPARISON_DASHBOARD, body.name))


def _text(value: Any) -> str:
    """A text of a template, with the region in it."""
    match value:
        case str():
            return value
        case {"Ref": "AWS::Region"}:
            return REGION
        case {"Fn::Join": [str(between), list(parts)]}:
            return between.join(map(_text, parts))
    raise LabError(f"a dashboard refers to {json.dumps(value)[:100]}, which only CloudFormation knows")


def _key(context: Mapping[str, str]) -> str:
    digest = hashlib.sha256(json.dumps(dict(context), sort_keys=True).encode())
    digest.update(importlib.metadata.version("aws-cdk-lib").encode())
    for path in _inputs():
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:32]


def _inputs() -> Iterator[Path]:
    yield from (ROOT / "app.py", ROOT / "cdk.json")
    for pattern in _INPUTS:
        yield from sorted(ROOT.glob(pattern))


def _keep(path: Path, bodies: list[Body]) -> None:
    """Keep them, and forget the oldest; a folder that cannot be written costs time only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.new")
        draft.write_text(json.dumps(bodies), encoding="utf-8")
        draft.replace(path)
        kept = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-_KEPT]:
            old.unlink()
    except OSError:
        return
