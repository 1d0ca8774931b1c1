"""Faults put into the templates on purpose: the checker that is named has to see each."""

import copy
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stacks.checks.__main__ import check_assembly
from stacks.checks.assembly import Assembly as CheckedAssembly
from tests.snapshot.synthesis import Assembly, Template, resource
from tests.snapshot.validators import linted, reviewed_template

SNAPSTART, TTL, SOURCE = "CacheLab-snapstart", "CacheLab-ttl-cache", "CacheLab-source"
FUNCTION, ALIAS, LAYER = "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::LayerVersion"
ALARM, GROUP, POLICY = "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup", "AWS::IAM::Policy"
X86_64, ARM64 = 0x3E, 0xB7
Change = Callable[[Template], None]


class Fault(NamedTuple):
    """A fault of one stack: what is changed, and the rule that has to tell."""

    stack: str
    change: Change
    rule: str


def _first(template: Template, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(value for value in template["Resources"].values() if value["Type"] == kind)
    return found


def _set(kind: str, **properties: Any) -> Change:
    return lambda template: _first(template, kind)["Properties"].update(properties)


def _without(kind: str, name: str) -> Change:
    return lambda template: _first(template, kind)["Properties"].pop(name)


def _removed(kind: str) -> Change:
    def change(template: Template) -> None:
        wanted = _first(template, kind)
        template["Resources"] = {name: found for name, found in template["Resources"].items() if found is not wanted}

    return change


def _allowed(template: Template, action: str, target: str) -> None:
    document = _first(template, POLICY)["Properties"]["PolicyDocument"]
    document["Statement"].append({"Effect": "Allow", "Action": action, "Resource": target})


def _all(*changes: Change) -> Change:
    def change(template: Template) -> None:
        for one in changes:
            one(template)

    return change


PROVISIONED = {"ProvisionedConcurrentExecutions": 5}
OURS = {
    "SnapStart with more than 512 MB of /tmp": Fault(
        SNAPSTART, _set(FUNCTION, EphemeralStorage={"Size": 1024}), "snap-start-storage"
    ),
    "SnapStart with a runtime that has none": Fault(
        SNAPSTART, _set(FUNCTION, Runtime="python3.11"), "snap-start-runtime"
    ),
    "SnapStart and provisioned concurrency": Fault(
        SNAPSTART, _set(ALIAS, ProvisionedConcurrencyConfig=PROVISIONED), "provisioned-snap-start"
    ),
    "more provisioned than reserved": Fault(
        TTL,
        _all(_set(ALIAS, ProvisionedConcurrencyConfig=PROVISIONED), _set(FUNCTION, ReservedConcurrentExecutions=4)),
        "provisioned-reserved",
    ),
    "another architecture than the layer's": Fault(TTL, _set(FUNCTION, Architectures=["x86_64"]), "layer-architecture"),
    "another runtime than the layer's": Fault(TTL, _set(FUNCTION, Runtime="python3.13"), "layer-runtime"),
    "a layer that is no asset": Fault(
        TTL, _set(LAYER, Content={"S3Bucket": "elsewhere", "S3Key": "layer.zip"}), "layer-asset"
    ),
    "an alarm on a metric that nobody emits": Fault(TTL, _set(ALARM, MetricName="Failures"), "alarm-metric"),
    "an alarm on a function that is not there": Fault(
        TTL, _set(ALARM, Dimensions=[{"Name": "FunctionName", "Value": "cache-lab-no_such_variant"}]), "alarm-metric"
    ),
    "an alarm on a dimension that Lambda has not": Fault(
        TTL, _set(ALARM, Dimensions=[{"Name": "Function", "Value": "cache-lab-ttl_cache"}]), "alarm-metric"
    ),
    "an alarm on metric math": Fault(TTL, _set(ALARM, Metrics=[{"Id": "e", "Expression": "1"}]), "alarm-plain"),
    "an alarm that can never go off": Fault(TTL, _set(ALARM, DatapointsToAlarm=2), "alarm-datapoints"),
    "a log group that outlives the stack": Fault(
        TTL, lambda template: _first(template, GROUP).update(DeletionPolicy="Retain"), "left-behind"
    ),
    "a function without a log group": Fault(TTL, _removed(GROUP), "log-group"),
}
CFN_LINT = {
    "a property that is not there": Fault(TTL, _set(FUNCTION, MemoryMB=512), "E3002"),
    "less memory than there can be": Fault(TTL, _set(FUNCTION, MemorySize=64), "E3034"),
    "a retention that CloudWatch does not know": Fault(TTL, _set(GROUP, RetentionInDays=8), "E3030"),
    "a reference to nothing": Fault(TTL, _set(FUNCTION, Role={"Fn::GetAtt": ["Rolle", "Arn"]}), "E1010"),
    "a runtime that is no longer offered": Fault(TTL, _set(FUNCTION, Runtime="python3.7"), "E2531"),
    "a comparison that is none": Fault(TTL, _set(ALARM, ComparisonOperator="Above"), "E3030"),
    "a function without code": Fault(TTL, _without(FUNCTION, "Code"), "E3003"),
}
CDK_NAG = {
    "a role that may read everything": Fault(
        TTL, lambda template: _allowed(template, "dynamodb:*", "*"), "AwsSolutions-IAM5"
    ),
    "a role with AWS's basic policy": Fault(
        TTL,
        _set(
            "AWS::IAM::Role",
            ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
        ),
        "AwsSolutions-IAM4",
    ),
    "a bucket that answers without TLS": Fault(SOURCE, _removed("AWS::S3::BucketPolicy"), "AwsSolutions-S10"),
    "a bucket that may be made public": Fault(
        SOURCE, _set("AWS::S3::Bucket", PublicAccessBlockConfiguration={"BlockPublicAcls": False}), "AwsSolutions-S2"
    ),
    "an old runtime": Fault(TTL, _set(FUNCTION, Runtime="python3.10"), "AwsSolutions-L1"),
}


@pytest.mark.parametrize("name", OURS)
def test_our_checks_see(name: str, assembly: Assembly) -> None:
    fault = OURS[name]
    templates = {**assembly.templates, fault.stack: _changed(assembly, fault)}
    rules = {(found.stack, found.rule) for found in check_assembly(CheckedAssembly(assembly.folder, templates))}
    assert (fault.stack, fault.rule) in rules


@pytest.fixture(scope="module")
def lint_before(assembly: Assembly) -> dict[str, list[str]]:
    """What cfn-lint finds in the templates as they are."""
    return {stack: linted(assembly.templates[stack]) for stack in {fault.stack for fault in CFN_LINT.values()}}


@pytest.mark.parametrize("name", CFN_LINT)
def test_cfn_lint_sees(name: str, assembly: Assembly, lint_before: dict[str, list[str]]) -> None:
    fault = CFN_LINT[name]
    assert fault.rule not in lint_before[fault.stack]
    assert fault.rule in linted(_changed(assembly, fault))


@pytest.fixture(scope="module")
def nag_before(everything_on: Assembly, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What cdk-nag finds in the templates as they are, where no acknowledgement is left."""
    return {
        stack: reviewed_template(tmp_path_factory.mktemp("before"), everything_on.templates[stack]).open
        for stack in {fault.stack for fault in CDK_NAG.values()}
    }


@pytest.mark.parametrize("name", CDK_NAG)
def test_cdk_nag_sees(name: str, everything_on: Assembly, nag_before: dict[str, list[str]], tmp_path: Path) -> None:
    fault = CDK_NAG[name]
    after = reviewed_template(tmp_path, _changed(everything_on, fault)).open
    assert _of(fault.rule, after) > _of(fault.rule, nag_before[fault.stack])


def _of(rule: str, found: list[str]) -> int:
    return sum(re.match(rf"{rule}\b", text) is not None for text in found)


def _elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little")


PACKAGES: dict[str, tuple[str, bytes]] = {
    "compiled for another machine": ("fast.cpython-314-aarch64-linux-gnu.so", _elf(X86_64)),
    "compiled for another runtime": ("fast.cpython-313-aarch64-linux-gnu.so", _elf(ARM64)),
    "compiled for another system": ("fast.cpython-314-darwin.so", b"\xcf\xfa\xed\xfe".ljust(20, b"\0")),
    "a wheel of another architecture": (
        "fast-1.0.dist-info/WHEEL",
        b"Wheel-Version: 1.0\nTag: cp314-cp314-manylinux_2_28_x86_64\n",
    ),
    "a wheel of another runtime": ("fast-1.0.dist-info/WHEEL", b"Tag: cp313-cp313-manylinux_2_28_aarch64\n"),
}
FITTING: dict[str, tuple[str, bytes]] = {
    "compiled for this runtime and machine": ("fast.cpython-314-aarch64-linux-gnu.so", _elf(ARM64)),
    "a library that is no module": ("fast.libs/libz.so.1", _elf(ARM64)),
    "a wheel of the stable ABI": ("fast-1.0.dist-info/WHEEL", b"Tag: cp39-abi3-manylinux_2_17_aarch64\n"),
    "a wheel for any Python": ("fast-1.0.dist-info/WHEEL", b"Tag: py2-none-any\nTag: py3-none-any\n"),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_our_checks_see_in_a_layer_what_is(name: str, assembly: Assembly, tmp_path: Path) -> None:
    assert _rules_with(PACKAGES[name], assembly, tmp_path) == {"layer-package"}


@pytest.mark.parametrize("name", FITTING)
def test_our_checks_let_pass_in_a_layer_what_is(name: str, assembly: Assembly, tmp_path: Path) -> None:
    assert _rules_with(FITTING[name], assembly, tmp_path) == set()


def _rules_with(package: tuple[str, bytes], assembly: Assembly, folder: Path) -> set[str]:
    """The rules that are broken once a file more is in the layer."""
    name, content = package
    key = resource(assembly.templates[TTL], LAYER)["Content"]["S3Key"].removesuffix(".zip")
    shutil.copytree(assembly.folder / f"asset.{key}", folder / f"asset.{key}")
    file = folder / f"asset.{key}" / "python" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return {found.rule for found in check_assembly(CheckedAssembly(folder, assembly.templates))}


def _changed(assembly: Assembly, fault: Fault) -> Template:
    template = copy.deepcopy(assembly.templates[fault.stack])
    fault.change(template)
    return template
