"""The stack that drives load from many functions: a driver, a state machine that starts one a shard, and a bucket."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import ArnFormat, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from facts import fleet
from facts.names import PROJECT
from functions.registry import Variant
from stacks.function_parts import ARCHITECTURES, PYTHON_VERSION, RUNTIME, own_log_group, own_role, wait_for_policy
from stacks.layer import install_locked
from stacks.reviewed import reviewed
from stacks.settings import ApplicationSettings

ROOT = Path(__file__).resolve().parent.parent
CODE = ("facts", "lab/__init__.py", "lab/errors.py", "lab/records", "lab/aws", "lab/drive", "lab/fleet")
"""The parts of the repository that a driver function is made of. It does not import all of `lab/drive`."""

LONGEST = Duration.seconds(fleet.LONGEST_DRIVER_S)
KEPT = Duration.days(30)
REVIEWED = {
    "AwsSolutions-S1": "No server access log: plans and records are made up, and go after a month or with the stack.",
    "AwsSolutions-IAM5[Resource::<RunsE45A2291.Arn>/*/plan/*]": "Every run has a plan of its own: drivers read plans.",
    "AwsSolutions-IAM5[Resource::<RunsE45A2291.Arn>/*/records/*]": "Drivers write records of any run, nothing else.",
    "AwsSolutions-IAM5[Resource::<Driver24866893.Arn>:*]": "The CDK allows every version of the one driver function.",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:"
    '{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"Machine6FC8AE80"}]}]}:*]': "A Distributed Map's own executions.",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:"
    '{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"Machine6FC8AE80"}]}]}/*:*]': "A Distributed Map's own executions.",
    "AwsSolutions-SF1": "What became of each shard is in the records, and for 90 days in the execution's history.",
    "AwsSolutions-SF2": "A shard is one call: a trace would show nothing that the history does not.",
    "Serverless-LambdaDLQ": "Called by the state machine alone, which waits for the answer.",
    "Serverless-LambdaTracing": "The driver is not what is measured, and a trace a request would slow it.",
    "Serverless-StepFunctionStateMachineXray": "A shard is one call: as for AwsSolutions-SF2.",
}
"""Accepted findings of cdk-nag, each with its reason."""


class LoadStack(Stack):
    """A driver function and the Distributed Map that runs it, one shard a driver; records land in the bucket."""

    def __init__(self, scope: Construct, *, variants: Sequence[Variant], settings: ApplicationSettings) -> None:
        names = settings.names
        super().__init__(
            scope,
            names.load_stack,
            description="Lambda Cache Lab: load from many functions.",
            tags={"project": PROJECT},
        )
        bucket = s3.Bucket(
            self,
            "Runs",
            bucket_name=names.runs_bucket(account=self.account, region=self.region),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=KEPT)],
            removal_policy=RemovalPolicy.DESTROY,
        )
        driver = self._driver(bucket, variants, settings)
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=names.state_machine,
            definition_body=sfn.DefinitionBody.from_chainable(self._shards(driver)),
            timeout=Duration.minutes(20),
        )
        wait_for_policy(machine, machine.role)
        reviewed(self, REVIEWED)
        CfnOutput(self, "BucketName", value=bucket.bucket_name, description="Where runs are, by their id.")
        CfnOutput(self, "StateMachineArn", value=machine.state_machine_arn, description="What drives.")

    def _shards(self, driver: lambda_.IFunction) -> sfn.DistributedMap:
        # If a shard fails, the others go on. None is driven twice, since an invocation that is sent again would be
        # measured twice. The records show which planned starts were lost.
        shards = sfn.DistributedMap(
            self,
            "Shards",
            items_path="$.shards",
            max_concurrency=fleet.MOST_DRIVERS,
            tolerated_failure_percentage=100,
            result_path=sfn.JsonPath.DISCARD,
        )
        return shards.item_processor(
            tasks.LambdaInvoke(
                self, "Drive", lambda_function=driver, payload_response_only=True, retry_on_service_exceptions=False
            )
        )

    def _driver(
        self, bucket: s3.IBucket, variants: Sequence[Variant], settings: ApplicationSettings
    ) -> lambda_.Function:
        log_group = own_log_group(self, settings.names.driver, settings)
        role = own_role(self, log_group, "Invokes the variants, reads plans and writes records.")
        aliases = [self._alias_arn(settings.names.alias_resource(variant.name)) for variant in variants]
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=aliases))
        for action, part in (("s3:GetObject", "plan"), ("s3:PutObject", "records")):
            role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[bucket.arn_for_objects(f"*/{part}/*")]))
        with built_driver(settings.architecture) as code:
            function = lambda_.Function(
                self,
                "Driver",
                function_name=settings.names.driver,
                description="Drives one shard of a run's planned starts.",
                runtime=RUNTIME,
                architecture=ARCHITECTURES[settings.architecture],
                handler="lab.fleet.function.handler",
                code=lambda_.Code.from_asset(str(code)),
                memory_size=fleet.DRIVER_MB,
                timeout=LONGEST,
                role=role,
                log_group=log_group,
            )
        wait_for_policy(function, role)
        return function

    def _alias_arn(self, alias: str) -> str:
        return self.format_arn(
            service="lambda",
            resource="function",
            resource_name=alias,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


@contextmanager
def built_driver(architecture: str) -> Iterator[Path]:
    """Build the driver's folder as Lambda unpacks it: parts of `lab` and the driver's locked requirements.

    Yields:
        The folder. It is removed afterwards.

    Raises:
        ApplicationError: the requirements cannot be installed.
    """
    with TemporaryDirectory(prefix="cache-lab-driver-") as folder:
        target = Path(folder)
        for part in CODE:
            _copy(ROOT / part, target / part)
        requirements = ROOT / "lab" / "fleet" / "function-requirements.txt"
        install_locked(requirements, target=target, python_version=PYTHON_VERSION, architecture=architecture)
        yield target


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
