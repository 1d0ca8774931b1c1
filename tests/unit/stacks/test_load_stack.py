"""The stack that drives load from many functions."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from app import make_app
from stacks.load_stack import built_driver
from tests.snapshot.validators import linted, reviewed_application

IGNORED = {"I1022", "W3005"}  # as in tests/snapshot/validators.py


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("assembly")
    make_app(context={"load": "true", "variants": "no_cache,ttl_cache"}, outdir=folder).synth()
    content: dict[str, Any] = json.loads((folder / "CacheLab-load.template.json").read_text(encoding="utf-8"))
    return content


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = (each for each in template["Resources"].values() if each["Type"] == kind)
    return dict(found["Properties"])


def definition(template: dict[str, Any]) -> dict[str, Any]:
    parts = only(template, "AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"][1]
    content: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "arn" for part in parts))
    return content


def test_it_is_there_only_when_asked_for(tmp_path: Path) -> None:
    make_app(context={"variants": "no_cache"}, outdir=tmp_path).synth()
    assert not (tmp_path / "CacheLab-load.template.json").exists()


def test_shards_run_side_by_side_and_none_twice(template: dict[str, Any]) -> None:
    shards = definition(template)["States"]["Shards"]
    drive = shards["ItemProcessor"]["States"]["Drive"]

    assert (shards["Type"], shards["ItemsPath"]) == ("Map", "$.shards")
    assert shards["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert shards["ToleratedFailurePercentage"] == 100
    assert "Retry" not in drive
    assert "Retry" not in shards


def test_a_driver_may_invoke_the_variants_and_use_its_parts_of_the_bucket(template: dict[str, Any]) -> None:
    policies = [each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Policy"]
    (policy,) = (each["Properties"] for each in policies if "records" in json.dumps(each))
    by_action = {
        json.dumps(each["Action"]): json.dumps(each["Resource"]) for each in policy["PolicyDocument"]["Statement"]
    }

    invoked = by_action['"lambda:InvokeFunction"']
    assert re.findall(r"function:([\w-]+:\w+)", invoked) == ["cache-lab-no_cache:live", "cache-lab-ttl_cache:live"]
    assert "/*/plan/*" in by_action['"s3:GetObject"']
    assert "/*/records/*" in by_action['"s3:PutObject"']
    assert set(by_action) == {
        '["logs:CreateLogStream", "logs:PutLogEvents"]',
        '"lambda:InvokeFunction"',
        '"s3:GetObject"',
        '"s3:PutObject"',
    }


def test_a_driver_has_all_that_it_imports() -> None:
    packages = sysconfig.get_path("purelib")  # in which is what Lambda's runtime has: boto3
    program = "import sys; sys.path[:0] = sys.argv[1:]; import lab.fleet.function; print(lab.__file__)"
    with built_driver("x86_64") as folder:
        # Without site (-S), whose .pth files put this repository on the path, and without the folder we are in (-I).
        line = [sys.executable, "-I", "-S", "-c", program, str(folder), packages]
        told = subprocess.run(line, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr
        assert Path(told.stdout.strip()) == folder / "lab" / "__init__.py"


def test_everything_goes_with_the_stack(template: dict[str, Any]) -> None:
    kept = ("AWS::S3::Bucket", "AWS::Logs::LogGroup")
    found = [each for each in template["Resources"].values() if each["Type"] in kept]
    assert len(found) == 2
    assert all(each["DeletionPolicy"] == "Delete" for each in found)


def test_validators_that_others_wrote_find_nothing(template: dict[str, Any], tmp_path: Path) -> None:
    assert set(linted(template)) <= IGNORED
    found = reviewed_application(tmp_path, {"load": "true", "variants": "no_cache"})
    assert [each for each in found.open if "CacheLab-load" in each] == []
