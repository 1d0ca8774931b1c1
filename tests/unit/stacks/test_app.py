import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import main
from functions.registry import VARIANTS
from tests.snapshot.synthesis import BIN, ROOT, Assembly, dashboard_body, synthesize


def test_each_variant_depends_on_the_source_and_nothing_else(assembly: Assembly) -> None:
    artifacts = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    dependencies = {
        name: [other for other in artifacts[name]["dependencies"] if not other.endswith(".assets")]
        for name in assembly.templates
    }
    variants = {f"CacheLab-{variant.name.replace('_', '-')}": ["CacheLab-source"] for variant in VARIANTS}
    assert dependencies == {"CacheLab-source": [], **variants, "CacheLab-comparison": []}


def test_no_stack_refers_to_another(assembly: Assembly) -> None:
    for name, template in assembly.templates.items():
        keys = set(_keys(template))
        assert not keys & {"Export", "Fn::ImportValue", "Fn::GetStackOutput"}, name


def test_no_custom_resource_which_the_local_endpoint_cannot_run(assembly: Assembly) -> None:
    kinds = {found["Type"] for template in assembly.templates.values() for found in template["Resources"].values()}
    assert kinds
    assert not [kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))]


def test_nothing_stays_behind_when_a_stack_is_destroyed(everything_on: Assembly) -> None:
    kept = [
        (name, logical_id)
        for name, template in everything_on.templates.items()
        for logical_id, found in template["Resources"].items()
        if found.get("DeletionPolicy", "Delete") != "Delete"
    ]
    assert kept == []


def test_only_the_chosen_variants_are_deployed_and_compared(tmp_path: Path) -> None:
    assembly = synthesize(tmp_path, variants="ttl_cache")
    assert set(assembly.templates) == {
        "CacheLab-source",
        "CacheLab-no-cache",
        "CacheLab-ttl-cache",
        "CacheLab-comparison",
    }
    text = json.dumps(dashboard_body(assembly.templates["CacheLab-comparison"]))
    assert "cache-lab-ttl_cache" in text
    assert "cache-lab-module_cache" not in text


def test_stacks_are_tagged(assembly: Assembly) -> None:
    artifacts = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    for name in assembly.templates:
        assert artifacts[name]["properties"]["tags"]["project"] == "cache-lab"
    for variant in VARIANTS:
        tags = artifacts[f"CacheLab-{variant.name.replace('_', '-')}"]["properties"]["tags"]
        assert tags["variant"] == variant.name


def test_after_cdk_acknowledge_the_application_still_synthesizes(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text('{"app": "true", "context": {"ttl_s": 3}}')
    cdk = ROOT / "node_modules" / ".bin" / "cdk"
    environment = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    subprocess.run([cdk, "acknowledge", "34892"], cwd=tmp_path, env=environment, check=True)
    written = json.loads((tmp_path / "cdk.context.json").read_text())
    assert written == {"acknowledged-issue-numbers": [34892]}
    synthesize(tmp_path / "out", variants="no_cache", alarms="false", **written)


def test_a_wrong_setting_is_one_line_and_no_traceback() -> None:
    with pytest.raises(SystemExit) as ended:
        main({"architecture": "riscv"})
    # A text as the code of SystemExit is printed to standard error, and the exit code is 1.
    assert str(ended.value.code).startswith("context architecture='riscv'")
    assert len(str(ended.value.code).splitlines()) == 1


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
