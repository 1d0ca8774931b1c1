"""The stack that drives load from many functions."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from functions.registry import VARIANTS
from stacks.load_stack import built_driver
from tests.snapshot.synthesis import NAMES, Assembly, Template, resource


@pytest.fixture
def template(everything_on: Assembly) -> Template:
    return everything_on.templates[NAMES.load_stack]


def definition(template: Template) -> dict[str, Any]:
    parts = resource(template, "AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"][1]
    content: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "arn" for part in parts))
    return content


def test_it_is_there_only_when_asked_for(assembly: Assembly) -> None:
    assert NAMES.load_stack not in assembly.templates


def test_shards_run_side_by_side_and_none_twice(template: Template) -> None:
    shards = definition(template)["States"]["Shards"]
    drive = shards["ItemProcessor"]["States"]["Drive"]

    assert (shards["Type"], shards["ItemsPath"]) == ("Map", "$.shards")
    assert shards["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert shards["ToleratedFailurePercentage"] == 100
    assert "Retry" not in drive
    assert "Retry" not in shards


def test_a_driver_may_invoke_the_variants_and_use_its_parts_of_the_bucket(template: Template) -> None:
    policies = [each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Policy"]
    (policy,) = (each["Properties"] for each in policies if "records" in json.dumps(each))
    by_action = {
        json.dumps(each["Action"]): json.dumps(each["Resource"]) for each in policy["PolicyDocument"]["Statement"]
    }

    invoked = by_action['"lambda:InvokeFunction"']
    assert sorted(re.findall(r"function:([\w-]+:\w+)", invoked)) == sorted(
        NAMES.alias_resource(variant.name) for variant in VARIANTS
    )
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
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()) == folder / "lab" / "__init__.py"


def test_everything_goes_with_the_stack(template: Template) -> None:
    kept = ("AWS::S3::Bucket", "AWS::Logs::LogGroup")
    found = [each for each in template["Resources"].values() if each["Type"] in kept]
    assert len(found) == 2
    assert all(each["DeletionPolicy"] == "Delete" for each in found)
