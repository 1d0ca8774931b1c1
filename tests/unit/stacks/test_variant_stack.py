import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from awslambdaric.lambda_context import LambdaContext

from app import CDK_JSON
from facts.sources import SOURCES
from functions.registry import VARIANTS, Variant
from instrumentation.downstream import METER
from instrumentation.errors import DownstreamError
from instrumentation.handler import lambda_handler
from instrumentation.settings import load_settings
from instrumentation.sources import DynamoDbSource
from stacks import variant_stack
from stacks.settings import ApplicationSettings
from stacks.variant_stack import VariantStack
from tests.snapshot.synthesis import EVERYTHING_ON, Assembly, resource, resources, synthesize
from tests.unit.layer.http_server import Response, served

TTL = next(variant for variant in VARIANTS if variant.name == "ttl_cache")
SNAPSTART = next(variant for variant in VARIANTS if variant.snap_start)
FUNCTION = "AWS::Lambda::Function"
ALARM = "AWS::CloudWatch::Alarm"
KEYS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def _template(assembly: Assembly, variant: Variant) -> dict[str, Any]:
    return assembly.templates[f"CacheLab-{variant.name.replace('_', '-')}"]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_callers_reach_a_published_version_by_the_alias(variant: Variant, assembly: Assembly) -> None:
    template = _template(assembly, variant)
    alias = resource(template, "AWS::Lambda::Alias")
    (version,) = [name for name, found in template["Resources"].items() if found["Type"] == "AWS::Lambda::Version"]
    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_function_is_what_the_registry_and_the_settings_say(variant: Variant, assembly: Assembly) -> None:
    function = resource(_template(assembly, variant), FUNCTION)
    assert function["FunctionName"] == f"cache-lab-{variant.name}"
    assert function["Handler"] == "handler.handler"
    assert function["Runtime"] == "python3.14"
    assert function["Architectures"] == ["arm64"]
    assert function["MemorySize"] == 512
    # Lambda refuses a longer one, and the built-in validation does not see it.
    assert len(function["Description"]) <= 256
    assert function["Environment"]["Variables"] == {
        "CACHE_LAB_VARIANT": variant.name,
        "CACHE_LAB_SOURCE": "dynamodb",
        "CACHE_LAB_TABLE": "cache-lab-items",
        "CACHE_LAB_TTL_S": "1",
        "CACHE_LAB_KEYS": "8",
    }


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_snap_start_is_where_the_registry_says(variant: Variant, assembly: Assembly) -> None:
    function = resource(_template(assembly, variant), FUNCTION)
    assert function.get("SnapStart") == ({"ApplyOn": "PublishedVersions"} if variant.snap_start else None)
    # With SnapStart it may have no more than the 512 MB it has by default, which no validation sees either.
    assert "EphemeralStorage" not in function


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_logs_go_to_a_group_of_its_own_that_does_not_grow_for_ever(variant: Variant, assembly: Assembly) -> None:
    group = resource(_template(assembly, variant), "AWS::Logs::LogGroup")
    assert group == {"LogGroupName": f"/aws/lambda/cache-lab-{variant.name}", "RetentionInDays": 7}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_concurrency_tracing_and_the_log_format_are_set(variant: Variant, everything_on: Assembly) -> None:
    template = _template(everything_on, variant)
    function = resource(template, FUNCTION)
    assert function["ReservedConcurrentExecutions"] == 20
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Architectures"] == ["x86_64"]
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    provisioned = resource(template, "AWS::Lambda::Alias").get("ProvisionedConcurrencyConfig")
    # Lambda takes none with SnapStart.
    assert provisioned == (None if variant.snap_start else {"ProvisionedConcurrentExecutions": 2})


def test_a_function_url_is_the_aliass_and_takes_signed_requests_alone(
    assembly: Assembly, everything_on: Assembly
) -> None:
    assert resources(_template(assembly, TTL), "AWS::Lambda::Url") == []
    template = _template(everything_on, TTL)
    url = resource(template, "AWS::Lambda::Url")
    assert url["AuthType"] == "AWS_IAM"
    assert url["Qualifier"] == "live"
    # No resource policy: in the account, the caller's own permission is enough, and nobody else is to call.
    assert resources(template, "AWS::Lambda::Permission") == []


def test_traces_may_be_written_where_tracing_is_on_alone(assembly: Assembly, everything_on: Assembly) -> None:
    for found, traced in ((assembly, False), (everything_on, True)):
        text = json.dumps(resource(_template(found, TTL), "AWS::IAM::Policy"))
        assert ("xray:PutTraceSegments" in text) == traced


def test_alarms_are_on_plain_metrics_of_the_variant(assembly: Assembly) -> None:
    alarms = {
        found["Properties"]["AlarmName"]: found["Properties"] for found in resources(_template(assembly, TTL), ALARM)
    }
    assert {name: (found["MetricName"], found["Threshold"]) for name, found in alarms.items()} == {
        "cache-lab-ttl_cache-errors": ("Errors", 1),
        "cache-lab-ttl_cache-throttles": ("Throttles", 1),
        "cache-lab-ttl_cache-downstream-errors": ("DownstreamFailures", 1),
        "cache-lab-ttl_cache-duration": ("Duration", 1000),
    }
    assert alarms["cache-lab-ttl_cache-duration"]["ExtendedStatistic"] == "p99"
    for found in alarms.values():
        assert "Metrics" not in found
        assert "AlarmActions" not in found
        assert found["TreatMissingData"] == "notBreaching"


def test_the_cdk_grants_both_permissions_that_a_function_url_needs_since_october_2025() -> None:
    stack = Stack(App(analytics_reporting=False), "Any")
    arn = "arn:aws:lambda:us-east-1:111111111111:function:f"
    function = lambda_.Function.from_function_attributes(stack, "Any", function_arn=arn, same_environment=True)
    role = iam.Role(stack, "Role", assumed_by=iam.AccountRootPrincipal())
    function.grant_invoke_url(role)
    statements = resource(dict(Template.from_stack(stack).to_json()), "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    given = {found["Action"]: found["Condition"] for found in statements}
    assert given == {
        "lambda:InvokeFunctionUrl": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
        "lambda:InvokeFunction": {"Bool": {"lambda:InvokedViaFunctionUrl": True}},
    }
    page = (CDK_JSON.parent / "docs" / "how-to" / "measure-on-aws.md").read_text(encoding="utf-8")
    rule = page.partition("## Invoke through function URLs")[2].partition("\n## ")[0]
    assert "Since October 2025" in rule
    assert all(f"`{action}`" in rule for action in given)


@pytest.mark.parametrize(("failed_attempts", "fires"), [(1, False), (2, False), (3, True)])
def test_one_retried_attempt_does_not_set_off_the_downstream_errors_alarm(
    failed_attempts: int,
    fires: bool,
    assembly: Assembly,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A read is given up after three attempts: the alarm goes off then, also where a cache served an older value."""
    name = "cache-lab-ttl_cache-downstream-errors"
    (alarm,) = [
        found["Properties"]
        for found in resources(_template(assembly, TTL), ALARM)
        if found["Properties"]["AlarmName"] == name
    ]
    answer = b'{"Item": {"key": {"S": "a"}, "value": {"S": "x"}, "version": {"N": "1"}}}'
    with served(lambda _: Response(200, {}, answer)) as wire, monkeypatch.context() as environment:
        for variable, value in {"CACHE_LAB_VARIANT": "ttl_cache", "CACHE_LAB_TABLE": "t", **KEYS}.items():
            environment.setenv(variable, value)
        environment.setenv("AWS_ENDPOINT_URL", wire.url)
        load_settings.cache_clear()
        source = DynamoDbSource("t", METER)
        wire.failures_left = failed_attempts
        with contextlib.suppress(DownstreamError):
            lambda_handler(source.read)({"key": "a"}, LambdaContext("request-1", None, None, 0))
    load_settings.cache_clear()
    line = json.loads(capsys.readouterr().out)
    assert line["DownstreamErrors"] == failed_attempts
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert (line[alarm["MetricName"]] >= alarm["Threshold"]) == fires


def test_alarms_go_to_the_topic_that_is_given(everything_on: Assembly) -> None:
    alarms = resources(_template(everything_on, TTL), ALARM)
    assert len(alarms) == 4
    for found in alarms:
        assert found["Properties"]["AlarmActions"] == [EVERYTHING_ON["alarm_topic"]]
        assert found["Properties"]["OKActions"] == [EVERYTHING_ON["alarm_topic"]]


def test_alarms_can_be_left_out(tmp_path: Path) -> None:
    assembly = synthesize(tmp_path, alarms="false", variants="ttl_cache")
    assert resources(_template(assembly, TTL), ALARM) == []


def test_the_bucket_is_encrypted_private_and_reached_by_tls_alone(everything_on: Assembly) -> None:
    template = everything_on.templates["CacheLab-source"]
    bucket = resource(template, "AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in json.dumps(bucket["BucketEncryption"])
    (statement,) = resource(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.fixture(scope="module", params=SOURCES)
def by_source(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    assembly: Assembly,
    everything_on: Assembly,
) -> tuple[str, Assembly]:
    source: str = request.param
    there = {"dynamodb": assembly, EVERYTHING_ON["source"]: everything_on}
    variants = f"{TTL.name},{SNAPSTART.name}"
    return source, there.get(source) or synthesize(tmp_path_factory.mktemp(source), source=source, variants=variants)


HERE = "<Region>:<AccountId>"
BUCKET = "arn:<Partition>:s3:::cache-lab-items-<AccountId>-<Region>"
TABLE = f"arn:<Partition>:dynamodb:{HERE}:table/cache-lab-items"
PARAMETERS = f"arn:<Partition>:ssm:{HERE}:parameter/cache-lab/*"
SECRETS = f"arn:<Partition>:secretsmanager:{HERE}:secret:cache-lab/*"
ALLOWED = {
    "dynamodb": {("dynamodb:GetItem", TABLE)},
    "ssm": {("ssm:GetParameter", PARAMETERS)},
    "secretsmanager": {("secretsmanager:GetSecretValue", SECRETS)},
    "s3": {("s3:GetObject", f"{BUCKET}/items/*"), ("s3:ListBucket", BUCKET)},
}
MANY_ALLOWED = {
    "dynamodb": {("dynamodb:BatchGetItem dynamodb:GetItem", TABLE)},
    "ssm": {("ssm:GetParameter ssm:GetParameters", PARAMETERS)},
    "secretsmanager": {*ALLOWED["secretsmanager"], ("secretsmanager:BatchGetSecretValue", "*")},
    "s3": ALLOWED["s3"],
}


@pytest.mark.parametrize("variant", [TTL, SNAPSTART], ids=lambda variant: variant.name)
def test_a_role_writes_its_logs_and_reads_its_source_and_no_more(
    by_source: tuple[str, Assembly], variant: Variant
) -> None:
    source, assembly = by_source
    template = _template(assembly, variant)
    assert "ManagedPolicyArns" not in resource(template, "AWS::IAM::Role")
    statements = resource(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    # Tracing is on in one of the assemblies, and has a test of its own.
    logs, *reads = [found for found in statements if "xray" not in str(found["Action"])]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert logs["Resource"]["Fn::GetAtt"][1] == "Arn"
    assert {(_actions(read), _arn(read)) for read in reads} == (MANY_ALLOWED if variant.snap_start else ALLOWED)[source]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_only_a_function_with_snap_start_reads_many_items_at_a_time(variant: Variant) -> None:
    # Only its role may, and only AWS would refuse it: the local endpoint checks no permission.
    handler = (variant_stack.FUNCTIONS / variant.name / "handler.py").read_text(encoding="utf-8")
    assert ("read_many" in handler) <= variant.snap_start


def _actions(statement: dict[str, Any]) -> str:
    action: str | list[str] = statement["Action"]
    return action if isinstance(action, str) else " ".join(action)


def _arn(statement: dict[str, Any]) -> str:
    """The ARN of a statement's resource, with pseudo parameters as ``<Region>``."""
    arn: Any = statement["Resource"]
    pieces = [arn] if isinstance(arn, str) else arn["Fn::Join"][1]
    return "".join(piece if isinstance(piece, str) else f"<{piece['Ref'].removeprefix('AWS::')}>" for piece in pieces)


def test_a_function_knows_where_its_source_is(by_source: tuple[str, Assembly]) -> None:
    source, assembly = by_source
    function = resource(_template(assembly, TTL), FUNCTION)
    variables = function["Environment"]["Variables"]
    assert variables["CACHE_LAB_SOURCE"] == source
    assert ("CACHE_LAB_TABLE" in variables) == (source == "dynamodb")
    assert ("CACHE_LAB_BUCKET" in variables) == (source == "s3")


def test_the_bucket_is_there_for_s3_alone_and_under_the_name_functions_know(by_source: tuple[str, Assembly]) -> None:
    source, assembly = by_source
    template = assembly.templates["CacheLab-source"]
    assert len(resources(template, "AWS::DynamoDB::Table")) == 1
    assert ("BucketName" in template["Outputs"]) == (source == "s3")
    if source == "s3":
        bucket = resource(template, "AWS::S3::Bucket")
        variables = resource(_template(assembly, TTL), FUNCTION)["Environment"]["Variables"]
        assert bucket["BucketName"] == variables["CACHE_LAB_BUCKET"]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A layer and a variant's folder that a test may change."""
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (tmp_path / "layer" / "python" / "shared.py").write_text("one = 1\n")
    shutil.copytree(variant_stack.FUNCTIONS / TTL.name, tmp_path / "functions" / TTL.name)
    monkeypatch.setattr(variant_stack, "FUNCTIONS", tmp_path / "functions")
    return tmp_path


def _version(folders: Path, settings: ApplicationSettings | None = None) -> str:
    """The logical ID of the version that the alias points to, in an application of its own."""
    flags = json.loads(CDK_JSON.read_text())["context"]
    stack = VariantStack(
        App(context=flags), variant=TTL, settings=settings or ApplicationSettings(), layer=folders / "layer"
    )
    (version,) = Template.from_stack(stack).find_resources("AWS::Lambda::Version")
    return version


def test_nothing_changed_is_the_same_version(folders: Path) -> None:
    before = _version(folders)
    compiled = folders / "functions" / TTL.name / "__pycache__"
    compiled.mkdir(exist_ok=True)
    (compiled / "handler.cpython-314.pyc").write_bytes(b"compiled")
    (folders / "functions" / TTL.name / "handler.py").touch()
    assert _version(folders) == before


def test_a_change_of_code_layer_or_configuration_is_a_new_version(folders: Path) -> None:
    versions = [_version(folders)]
    (folders / "functions" / TTL.name / "handler.py").write_text("def handler(event, context): ...\n")
    versions.append(_version(folders))
    (folders / "layer" / "python" / "shared.py").write_text("one = 2\n")
    versions.append(_version(folders))
    versions.append(_version(folders, ApplicationSettings(ttl_s=11)))
    assert len(set(versions)) == 4
