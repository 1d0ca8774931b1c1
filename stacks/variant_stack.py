"""The stack of one variant: its function, published, behind the alias that callers use."""

from pathlib import Path

from aws_cdk import Annotations, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from functions.registry import Variant
from stacks import names
from stacks.settings import Settings
from stacks.source import read_statements, source_environment

FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
RUNTIME = lambda_.Runtime.PYTHON_3_14
"""The newest Python runtime that this release of aws-cdk-lib and Lambda offer."""

PYTHON_VERSION = RUNTIME.name.removeprefix("python")
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
# More than a read takes at worst, retries and their pauses included: see warmcache.sources.
TIMEOUT = Duration.seconds(10)


class VariantStack(Stack):
    """One variant, deployable by itself once the source is there."""

    def __init__(self, scope: Construct, *, variant: Variant, settings: Settings, layer: Path) -> None:
        super().__init__(
            scope,
            names.stack_name(variant.name),
            description=f"Lambda Cache Lab: {variant.title}. {variant.summary}",
            tags={"project": names.PROJECT, "variant": variant.name},
        )
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=names.log_group_name(variant.name),
            retention=settings.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            self,
            "Function",
            function_name=names.function_name(variant.name),
            description=variant.summary,
            runtime=RUNTIME,
            architecture=ARCHITECTURES[settings.architecture],
            handler="handler.handler",
            code=_code(FUNCTIONS / variant.name),
            layers=[self._layer(variant, settings, layer)],
            environment={
                "CACHE_LAB_VARIANT": variant.name,
                "CACHE_LAB_TTL_S": str(settings.ttl_s),
                "CACHE_LAB_KEYS": str(settings.keys),
                **source_environment(self, settings),
            },
            memory_size=settings.memory_mb,
            timeout=TIMEOUT,
            role=self._role(log_group, settings),
            log_group=log_group,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if variant.snap_start else None,
        )
        if variant.snap_start:
            Annotations.of(function).acknowledge_warning(
                "@aws-cdk/aws-lambda:snapStartRequirePublish", "The alias publishes, and is what callers use."
            )
        # A change of code, layer or configuration makes current_version a new one, and the alias follows.
        alias = lambda_.Alias(self, "Live", alias_name=names.ALIAS, version=function.current_version)
        CfnOutput(self, "FunctionName", value=function.function_name, description="The function.")
        CfnOutput(self, "AliasArn", value=alias.function_arn, description="What to invoke.")

    def _layer(self, variant: Variant, settings: Settings, layer: Path) -> lambda_.LayerVersion:
        # One layer version a stack, from the one asset: one that the stacks shared by an export could not be
        # replaced while any of them used it.
        return lambda_.LayerVersion(
            self,
            "Layer",
            layer_version_name=names.function_name(variant.name),
            description="warmcache and its locked requirements",
            code=_code(layer),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURES[settings.architecture]],
        )

    def _role(self, log_group: logs.LogGroup, settings: Settings) -> iam.Role:
        # In place of AWSLambdaBasicExecutionRole, which may create log groups and write to all of them.
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Writes its function's logs and reads the source.",
        )
        log_group.grant_write(role)
        for statement in read_statements(self, settings):
            role.add_to_policy(statement)
        return role


def _code(folder: Path) -> lambda_.Code:
    return lambda_.Code.from_asset(str(folder), exclude=["**/__pycache__"])
