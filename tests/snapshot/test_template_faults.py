"""Faults put into the templates on purpose: the checker that is named has to find each.

`docs/results/template-checks.md` lists them: see `tests/snapshot/faults_page.py`.
"""

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stacks.checks.__main__ import check_assembly
from stacks.checks.assembly import Assembly as CheckedAssembly
from tests.snapshot.synthesis import Assembly, Template, resource, synthesize, without_dashboards
from tests.snapshot.validators import linted, reviewed_template

SNAPSTART, TTL, SOURCE = "CacheLab-snapstart", "CacheLab-ttl-cache", "CacheLab-source"
FUNCTION, ALIAS, LAYER = "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::Lambda::LayerVersion"
ALARM, GROUP, POLICY = "AWS::CloudWatch::Alarm", "AWS::Logs::LogGroup", "AWS::IAM::Policy"
ROLE, URL, DASHBOARD = "AWS::IAM::Role", "AWS::Lambda::Url", "AWS::CloudWatch::Dashboard"
X86_64, ARM64 = 0x3E, 0xB7
Change = Callable[[Template], None]


class Fault(NamedTuple):
    """A fault of one stack: what is changed, and the rule that has to find it.

    ``everything_on``: in the application with every setting that adds something.
    """

    stack: str
    change: Change
    rule: str
    everything_on: bool = False


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


def _added(kind: str, **properties: Any) -> Change:
    return lambda template: template["Resources"].update(Added={"Type": kind, "Properties": properties})


def _copied(kind: str) -> Change:
    return lambda template: _added(kind, **_first(template, kind)["Properties"])(template)


def _graph(variant: str) -> dict[str, str]:
    metrics = [["CacheLab", "Hits", "Variant", variant]]
    properties = {"title": "Hits", "region": "${AWS::Region}", "metrics": metrics}
    return {"Fn::Sub": json.dumps({"widgets": [{"type": "metric", "properties": properties}]})}


def _allowed(template: Template, action: str, target: str) -> None:
    document = _first(template, POLICY)["Properties"]["PolicyDocument"]
    document["Statement"].append({"Effect": "Allow", "Action": action, "Resource": target})


def _environment(**variables: Any) -> Change:
    """Set environment variables of the function; None removes one."""

    def change(template: Template) -> None:
        given = _first(template, FUNCTION)["Properties"]["Environment"]["Variables"]
        merged = {**given, **variables}
        given.clear()
        given.update({name: value for name, value in merged.items() if value is not None})

    return change


def _statement(part: str, change: Callable[[list[Any], dict[str, Any]], Any]) -> Change:
    """Change the statement of the role's policy that has an action of this service."""

    def of_template(template: Template) -> None:
        statements = _first(template, POLICY)["Properties"]["PolicyDocument"]["Statement"]
        change(statements, next(found for found in statements if part in str(found["Action"])))

    return of_template


def _resource(part: str, resource: Any) -> Change:
    return _statement(part, lambda _, statement: statement.update(Resource=resource))


def _table(name: str, region: str = "${AWS::Region}") -> dict[str, str]:
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:dynamodb:{region}:${{AWS::AccountId}}:table/{name}"}


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
    "a layer that is not an asset": Fault(
        TTL, _set(LAYER, Content={"S3Bucket": "elsewhere", "S3Key": "layer.zip"}), "layer-asset"
    ),
    "an alarm on a metric that nobody emits": Fault(TTL, _set(ALARM, MetricName="Failures"), "alarm-metric"),
    "an alarm on a function that is not there": Fault(
        TTL, _set(ALARM, Dimensions=[{"Name": "FunctionName", "Value": "cache-lab-no_such_variant"}]), "alarm-metric"
    ),
    "an alarm on a dimension that Lambda does not have": Fault(
        TTL, _set(ALARM, Dimensions=[{"Name": "Function", "Value": "cache-lab-ttl_cache"}]), "alarm-metric"
    ),
    "an alarm that treats missing data as breaching": Fault(
        TTL, _set(ALARM, TreatMissingData="breaching"), "alarm-missing-data"
    ),
    "an alarm upside down": Fault(TTL, _set(ALARM, ComparisonOperator="LessThanThreshold"), "alarm-comparison"),
    "an alarm with an unknown statistic": Fault(TTL, _set(ALARM, Statistic="Median"), "alarm-statistic"),
    "an alarm over more than a day": Fault(TTL, _set(ALARM, EvaluationPeriods=1000), "alarm-period"),
    "an alarm with a period of 45 seconds": Fault(TTL, _set(ALARM, Period=45), "alarm-period"),
    "an alarm with a period of ten seconds": Fault(TTL, _set(ALARM, Period=10), "alarm-period"),
    "an alarm on a duration longer than the timeout": Fault(
        TTL, _all(_set(ALARM, MetricName="Duration", Threshold=10_001)), "alarm-threshold"
    ),
    "a role that may do everything but one action": Fault(
        TTL,
        _statement("dynamodb", lambda statements, _: statements.append({"Effect": "Allow", "NotAction": "iam:*"})),
        "role-more",
    ),
    "a function that does not wait for its role's policy": Fault(
        TTL, lambda template: _first(template, FUNCTION).pop("DependsOn"), "role-wait"
    ),
    "a role without the read": Fault(TTL, _statement("dynamodb", list.remove), "role-read"),
    "a role for another table": Fault(TTL, _resource("dynamodb", _table("cache-lab-other")), "role-read"),
    "a role for a table of one region": Fault(
        TTL, _resource("dynamodb", _table("cache-lab-items", "eu-west-1")), "role-read"
    ),
    "a role that may not read many, for SnapStart": Fault(
        SNAPSTART, _statement("dynamodb", lambda _, found: found.update(Action="dynamodb:GetItem")), "role-read"
    ),
    "a role that is denied the read": Fault(
        TTL,
        _statement("dynamodb", lambda statements, found: statements.append({**found, "Effect": "Deny"})),
        "role-read",
    ),
    "a policy of no role": Fault(TTL, _set(POLICY, Roles=[]), "role-read"),
    "a role that may write the table": Fault(
        TTL,
        _statement("dynamodb", lambda _, found: found.update(Action=["dynamodb:GetItem", "dynamodb:PutItem"])),
        "role-more",
    ),
    "a role that may read another table too": Fault(
        TTL,
        _statement("dynamodb", lambda _, found: found.update(Resource=[found["Resource"], _table("payroll")])),
        "role-more",
    ),
    "a role for another bucket": Fault(
        TTL, _resource("s3:GetObject", "arn:aws:s3:::elsewhere/items/*"), "role-read", everything_on=True
    ),
    "a role that may not list the bucket": Fault(
        TTL, _statement("s3:ListBucket", list.remove), "role-read", everything_on=True
    ),
    "a role that may not write the log": Fault(TTL, _statement("logs:", list.remove), "role-write"),
    "a role that may not write traces": Fault(TTL, _statement("xray:", list.remove), "role-write", everything_on=True),
    "a role that Lambda may not assume": Fault(
        TTL,
        lambda template: _first(template, ROLE)["Properties"]["AssumeRolePolicyDocument"]["Statement"][0].update(
            Principal={"Service": "ec2.amazonaws.com"}
        ),
        "role-trust",
    ),
    "a role that no stack makes": Fault(
        TTL, _set(FUNCTION, Role="arn:aws:iam::111111111111:role/elsewhere"), "role-unknown"
    ),
    "a log without retention": Fault(TTL, _without(GROUP, "RetentionInDays"), "log-retention"),
    "a log with the CDK's own retention of two years": Fault(TTL, _set(GROUP, RetentionInDays=731), "log-retention"),
    "a SnapStart alias at $LATEST": Fault(SNAPSTART, _set(ALIAS, FunctionVersion="$LATEST"), "alias-version"),
    "an alias at another function's version": Fault(
        TTL, _set("AWS::Lambda::Version", FunctionName="cache-lab-no_cache"), "alias-version"
    ),
    "SnapStart without a published version": Fault(
        SNAPSTART, _removed("AWS::Lambda::Version"), "snap-start-unpublished"
    ),
    "a function that is never run": Fault(TTL, _set(FUNCTION, ReservedConcurrentExecutions=0), "reserved-zero"),
    "a function without the table's variable": Fault(TTL, _environment(CACHE_LAB_TABLE=None), "variable-absent"),
    "a function with an empty table's variable": Fault(TTL, _environment(CACHE_LAB_TABLE=""), "variable-absent"),
    "a function with the variable of a table that no stack makes": Fault(
        TTL, _environment(CACHE_LAB_TABLE="cache-lab-other"), "variable-dangling"
    ),
    "a function with the variable of a bucket that no stack makes": Fault(
        TTL, _environment(CACHE_LAB_BUCKET="cache-lab-other"), "variable-dangling", everything_on=True
    ),
    "a function without a variant": Fault(TTL, _environment(CACHE_LAB_VARIANT=None), "variable-absent"),
    "two functions of one variant": Fault(TTL, _environment(CACHE_LAB_VARIANT="no_cache"), "variable-value"),
    "a function of another instance": Fault(TTL, _environment(CACHE_LAB_INSTANCE="other"), "variable-value"),
    "a function with an unknown source": Fault(TTL, _environment(CACHE_LAB_SOURCE="redis"), "variable-value"),
    "a function with a TTL that is not a number": Fault(TTL, _environment(CACHE_LAB_TTL_S="1s"), "variable-value"),
    "a table with another key": Fault(
        SOURCE, _set("AWS::DynamoDB::Table", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}]), "table-key"
    ),
    "a URL without authentication": Fault(TTL, _set(URL, AuthType="NONE"), "url-auth", everything_on=True),
    "a URL of no alias": Fault(TTL, _without(URL, "Qualifier"), "url-unpublished", everything_on=True),
    "a function that everybody may invoke": Fault(
        TTL,
        _added("AWS::Lambda::Permission", Action="lambda:InvokeFunction", FunctionName="f", Principal="*"),
        "function-public",
    ),
    "a handler that the asset does not define": Fault(TTL, _set(FUNCTION, Handler="handler.main"), "handler-name"),
    "a handler in a module that is not in the asset": Fault(TTL, _set(FUNCTION, Handler="app.handler"), "handler-file"),
    "code that is not an asset": Fault(
        TTL, _set(FUNCTION, Code={"S3Bucket": "elsewhere", "S3Key": "code.zip"}), "handler-asset"
    ),
    "a function without its layer": Fault(TTL, _without(FUNCTION, "Layers"), "handler-import"),
    "a function without the code's property": Fault(TTL, _without(FUNCTION, "Code"), "template-form"),
    "two dashboards with one name": Fault(
        TTL, _all(_copied(DASHBOARD), _set(DASHBOARD, DashboardBody='{"widgets": []}')), "name-taken"
    ),
    "a variant's dashboard that shows another variant": Fault(
        TTL, _set(DASHBOARD, DashboardBody=_graph("no_cache")), "variant-more"
    ),
    "two functions with one name": Fault(TTL, _set(FUNCTION, FunctionName="cache-lab-no_cache"), "name-taken"),
    "two alarms with one name": Fault(TTL, _set(ALARM, AlarmName="cache-lab-ttl_cache-duration"), "name-taken"),
    "an alarm on metric math": Fault(TTL, _set(ALARM, Metrics=[{"Id": "e", "Expression": "1"}]), "alarm-plain"),
    "an alarm that can never go off": Fault(TTL, _set(ALARM, DatapointsToAlarm=2), "alarm-datapoints"),
    "a log group that outlives the stack": Fault(
        TTL, lambda template: _first(template, GROUP).update(DeletionPolicy="Retain"), "left-behind"
    ),
    "a function that writes to another function's log": Fault(
        TTL, _set(FUNCTION, LoggingConfig={"LogGroup": "/aws/lambda/cache-lab-no_cache"}), "log-group"
    ),
    "a function without a log group": Fault(TTL, _removed(GROUP), "log-group"),
}
CFN_LINT = {
    "a property that is not there": Fault(TTL, _set(FUNCTION, MemoryMB=512), "E3002"),
    "less memory than there can be": Fault(TTL, _set(FUNCTION, MemorySize=64), "E3034"),
    "a retention that CloudWatch does not know": Fault(TTL, _set(GROUP, RetentionInDays=8), "E3030"),
    "a reference to nothing": Fault(TTL, _set(FUNCTION, Role={"Fn::GetAtt": ["Rolle", "Arn"]}), "E1010"),
    "a runtime that is no longer offered": Fault(TTL, _set(FUNCTION, Runtime="python3.7"), "E2531"),
    "an unknown comparison": Fault(TTL, _set(ALARM, ComparisonOperator="Above"), "E3030"),
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


@pytest.fixture(scope="module")
def undrawn(assembly: Assembly, everything_on: Assembly) -> tuple[Assembly, Assembly]:
    """Both applications without dashboards, which take most of the time of a check."""
    return without_dashboards(assembly), without_dashboards(everything_on)


@pytest.mark.parametrize("name", OURS)
def test_our_checks_find(name: str, undrawn: tuple[Assembly, Assembly]) -> None:
    fault = OURS[name]
    made = undrawn[fault.everything_on]
    templates = {**made.templates, fault.stack: changed(made, fault)}
    rules = {found.rule for found in check_assembly(CheckedAssembly(made.folder, templates))}
    assert fault.rule in rules


@pytest.mark.parametrize("source", ["ssm", "secretsmanager"])
def test_our_checks_find_a_role_without_the_read_of_another_source(source: str, tmp_path: Path) -> None:
    made = without_dashboards(synthesize(tmp_path, source=source, variants="no_cache,snapstart", alarms="false"))
    for action in [found for found in _actions(made.templates[SNAPSTART]) if found.startswith(source)]:
        renamed = json.dumps(made.templates[SNAPSTART]).replace(f'"{action}"', f'"{action}Else"')
        templates = {**made.templates, SNAPSTART: json.loads(renamed)}
        rules = [found.rule for found in check_assembly(CheckedAssembly(made.folder, templates))]
        assert rules == ["role-read", "role-more"], action


def _actions(template: Template) -> list[str]:
    statements = resource(template, POLICY)["PolicyDocument"]["Statement"]
    actions = [found["Action"] for found in statements]
    return [each for action in actions for each in (action if isinstance(action, list) else [action])]


@pytest.fixture(scope="module")
def lint_before(assembly: Assembly) -> dict[str, list[str]]:
    """What cfn-lint finds in the templates as they are."""
    return {stack: linted(assembly.templates[stack]) for stack in {fault.stack for fault in CFN_LINT.values()}}


@pytest.mark.parametrize("name", CFN_LINT)
def test_cfn_lint_sees(name: str, assembly: Assembly, lint_before: dict[str, list[str]]) -> None:
    fault = CFN_LINT[name]
    assert fault.rule not in lint_before[fault.stack]
    assert fault.rule in linted(changed(assembly, fault))


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
    after = reviewed_template(tmp_path, changed(everything_on, fault)).open
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
    for asset in assembly.folder.glob("asset.*"):
        if asset.name != f"asset.{key}":
            (folder / asset.name).symlink_to(asset)
    shutil.copytree(assembly.folder / f"asset.{key}", folder / f"asset.{key}")
    file = folder / f"asset.{key}" / "python" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return {found.rule for found in check_assembly(CheckedAssembly(folder, assembly.templates))}


def changed(assembly: Assembly, fault: Fault) -> Template:
    """The template of the fault's stack, with the fault."""
    template = copy.deepcopy(assembly.templates[fault.stack])
    fault.change(template)
    return template
