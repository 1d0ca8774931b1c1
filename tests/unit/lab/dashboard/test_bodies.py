import json
from pathlib import Path
from typing import Any

import pytest

from lab.dashboard import bodies
from lab.dashboard.bodies import in_assembly
from lab.errors import LabError


def assembly(tmp_path: Path, **body_of: Any) -> Path:
    for name, body in body_of.items():
        resource = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardName": name, "DashboardBody": body}}
        template = {"Resources": {"D": resource, "F": {"Type": "AWS::Lambda::Function", "Properties": {}}}}
        (tmp_path / f"{name}.template.json").write_text(json.dumps(template))
    return tmp_path


def test_the_region_is_put_into_the_body(tmp_path: Path) -> None:
    body = {"Fn::Join": ["", ['{"region": "', {"Ref": "AWS::Region"}, '"}']]}
    assert in_assembly(assembly(tmp_path, a="{}", b=body)) == [("a", "{}"), ("b", '{"region": "us-east-1"}')]


def test_what_only_cloudformation_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r'refers to \{"Ref": "AWS::AccountId"\}'):
        in_assembly(assembly(tmp_path, a={"Ref": "AWS::AccountId"}))


def test_an_application_without_dashboards_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no dashboard in the synthesized application"):
        in_assembly(tmp_path)


def test_what_was_synthesized_is_kept_until_a_source_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, str]] = []

    def synthesize(folder: Path, context: dict[str, str]) -> Path:
        made.append(context)
        assembly(folder, a=json.dumps(context))
        return folder

    root = tmp_path / "root"
    (root / "stacks").mkdir(parents=True)
    for name in ("app.py", "cdk.json", "stacks/dashboard.py"):
        (root / name).write_text("1")
    monkeypatch.setattr(bodies, "ROOT", root)
    monkeypatch.setattr(bodies, "CACHE", tmp_path / "kept")
    monkeypatch.setattr(bodies, "synthesize", synthesize)

    assert bodies.synthesized({"ttl_s": "1"}) == bodies.synthesized({"ttl_s": "1"}) == [("a", '{"ttl_s": "1"}')]
    assert len(made) == 1
    assert bodies.synthesized({"ttl_s": "2"}) == [("a", '{"ttl_s": "2"}')]
    (root / "stacks" / "widgets.py").write_text("2")
    bodies.synthesized({"ttl_s": "1"})
    assert len(made) == 3
    (next((tmp_path / "kept").glob("*.json"))).write_text("[")
    for context in ("1", "2"):
        bodies.synthesized({"ttl_s": context})
