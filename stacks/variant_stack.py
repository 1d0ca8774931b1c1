"""The stack of one variant: its function, published, behind the alias that callers use."""

from pathlib import Path

from aws_cdk import Annotations, CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from facts import variables
from facts.names import ALIAS, PROJECT
from functions.registry import Variant
from stacks.alarms import VariantAlarms
from stacks.dashboard import SectionedDashboard
from stacks.function_parts import ARCHITECTURES, RUNTIME, own_log_group, own_role, wait_for_policy
from stacks.reviewed import FUNCTION, reviewed, reviewed_wildcard
from stacks.sections import sections
from stacks.settings import ApplicationSettings
from stacks.source import read_statements, source_environment

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
LOG_FORMATS = {"text": lambda_.LoggingFormat.TEXT, "json": lambda_.LoggingFormat.JSON}
INTRODUCTION = """\
# {title}
{summary} Stale data: {staleness}. Choose it when {choose_when}."""
# Longer than the slowest read with all its retries: see instrumentation.sources.
TIMEOUT = Duration.seconds(10)


class VariantStack(Stack):
    """One variant with its log group, alarms and dashboard. It can be deployed by itself after the source."""

    def __init__(self, scope: Construct, *, variant: Variant, settings: ApplicationSettings, layer: Path) -> None:
        super().__init__(
            scope,
            settings.names.stack_name(variant.name),
            description=f"Lambda Cache Lab: {variant.title}. {variant.summary}",
            tags={"project": PROJECT, "variant": variant.name},
        )
        function = self._function(variant, settings, layer)
        if variant.snap_start:
            Annotations.of(function).acknowledge_warning(
                "@aws-cdk/aws-lambda:snapStartRequirePublish", "The alias publishes, and is what callers use."
            )
        # A change of code, layer or configuration makes a new current_version, and the alias follows.
        alias = lambda_.Alias(
            self,
            "Live",
            alias_name=ALIAS,
            version=function.current_version,
            provisioned_concurrent_executions=(
                settings.provisioned_concurrency if settings.keeps_ready(variant) else None
            ),
        )
        if settings.function_url:
            url = alias.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
            CfnOutput(self, "FunctionUrl", value=url.url, description="Where to send a signed request.")
        if settings.alarms:
            VariantAlarms(self, variant=variant, settings=settings)
        SectionedDashboard(
            self,
            name=settings.names.dashboard_name(variant.name, self.region),
            names=settings.names,
            variants=[variant],
            sections=sections(settings),
            introduction=INTRODUCTION.format(**variant._asdict()),
            introduction_height=2,
        )
        CfnOutput(self, "FunctionName", value=function.function_name, description="The function.")
        CfnOutput(self, "AliasArn", value=alias.function_arn, description="What to invoke.")

    def _function(self, variant: Variant, settings: ApplicationSettings, layer: Path) -> lambda_.Function:
        name = settings.names.function_name(variant.name)
        log_group = own_log_group(self, name, settings)
        role = self._role(variant, log_group, settings)
        function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=variant.summary,
            runtime=RUNTIME,
            architecture=ARCHITECTURES[settings.architecture],
            handler="handler.handler",
            code=_code(FUNCTIONS / variant.name),
            layers=[self._layer(variant, settings, layer)],
            environment={
                variables.VARIANT: variant.name,
                **({} if settings.instance is None else {variables.INSTANCE: settings.instance}),
                variables.TTL_S: f"{settings.ttl_s:.9g}",
                variables.KEYS: str(settings.keys),
                **source_environment(self, settings),
            },
            memory_size=settings.memory_mb,
            timeout=TIMEOUT,
            role=role,
            log_group=log_group,
            logging_format=LOG_FORMATS[settings.log_format],
            tracing=lambda_.Tracing.ACTIVE if settings.tracing else None,
            reserved_concurrent_executions=settings.reserved_concurrency,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if variant.snap_start else None,
        )
        wait_for_policy(function, role)
        reviewed(function, FUNCTION)
        return function

    def _layer(self, variant: Variant, settings: ApplicationSettings, layer: Path) -> lambda_.LayerVersion:
        # One layer version for each stack, from the same asset: a version that stacks share by an export cannot be
        # replaced while a stack uses it.
        return lambda_.LayerVersion(
            self,
            "Layer",
            layer_version_name=settings.names.function_name(variant.name),
            description="warmcache and its locked requirements",
            code=_code(layer),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURES[settings.architecture]],
        )

    def _role(self, variant: Variant, log_group: logs.LogGroup, settings: ApplicationSettings) -> iam.Role:
        role = own_role(self, log_group, "Writes its function's logs and reads the source.")
        for statement in read_statements(self, settings, many=variant.snap_start):
            role.add_to_policy(statement)
            for resource in statement.resources:
                if "*" in resource:
                    reviewed_wildcard(role, resource)
        if settings.tracing:
            reviewed_wildcard(role, "*")
        return role


def _code(folder: Path) -> lambda_.Code:
    return lambda_.Code.from_asset(str(folder), exclude=["**/__pycache__"])
