import copy
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from functions.registry import VARIANTS
from tests.snapshot.synthesis import BIN, ROOT, Assembly, Template, dashboard_body, read_assembly, resource

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


def test_the_cdk_cli_makes_the_same_templates_and_they_are_valid(assembly: Assembly, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "AWS_"))},
        "PATH": os.pathsep.join([str(BIN), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]),
        # The CLI would ask the machine it is on for an account.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    synth = subprocess.run(
        ["cdk", "synth", "--quiet", "--output", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert synth.returncode == 0, synth.stderr
    assert read_assembly(tmp_path).templates == assembly.templates
    # The report is written only by a synthesis that validates, and holds only what was found.
    assert json.loads((tmp_path / "validation-report.json").read_text())["pluginReports"] == []


def _readable(template: Template) -> Template:
    """The template with its asset hashes masked, and a dashboard's body in place of its text."""
    readable = copy.deepcopy(template)
    if any(found["Type"] == "AWS::CloudWatch::Dashboard" for found in readable["Resources"].values()):
        resource(readable, "AWS::CloudWatch::Dashboard")["DashboardBody"] = dashboard_body(template)
    text = re.sub(r"\b[0-9a-f]{64}\b", "<asset hash>", json.dumps(readable))
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<version hash>", text)
    masked: Template = json.loads(text)
    return masked
