import copy
import json
import re

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from functions.registry import VARIANTS
from tests.snapshot.synthesis import Assembly, Template, dashboard_body, resource

STACKS = [
    "CacheLab-source",
    *(f"CacheLab-{variant.name.replace('_', '-')}" for variant in VARIANTS),
    "CacheLab-comparison",
]


@pytest.mark.parametrize("stack", STACKS)
def test_template(stack: str, assembly: Assembly, snapshot: SnapshotAssertion) -> None:
    assert _readable(assembly.templates[stack]) == snapshot(extension_class=JSONSnapshotExtension)


def test_there_is_a_snapshot_of_every_stack(assembly: Assembly) -> None:
    assert set(assembly.templates) == set(STACKS)


def test_the_mask_takes_all_that_moves_with_the_code(assembly: Assembly) -> None:
    for template in assembly.templates.values():
        assert not re.search(r"[0-9a-f]{32}", json.dumps(_readable(template)))


def _readable(template: Template) -> Template:
    """The template with its asset hashes masked, and a dashboard's body in place of its text."""
    readable = copy.deepcopy(template)
    if any(found["Type"] == "AWS::CloudWatch::Dashboard" for found in readable["Resources"].values()):
        resource(readable, "AWS::CloudWatch::Dashboard")["DashboardBody"] = dashboard_body(template)
    text = re.sub(r"\b[0-9a-f]{64}\b", "<asset hash>", json.dumps(readable))
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<version hash>", text)
    masked: Template = json.loads(text)
    return masked
