"""What every function of the application has: a runtime, its own log group, and a role that writes to it."""

from aws_cdk import CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from facts.names import log_group_name
from stacks.settings import ApplicationSettings

RUNTIME = lambda_.Runtime.PYTHON_3_14
"""The newest Python runtime that this release of aws-cdk-lib and Lambda offer."""

PYTHON_VERSION = RUNTIME.name.removeprefix("python")
ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
_RETENTIONS = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def own_log_group(scope: Construct, function_name: str, settings: ApplicationSettings) -> logs.LogGroup:
    """Make the log group of a function, which is destroyed with the stack."""
    return logs.LogGroup(
        scope,
        "Logs",
        log_group_name=log_group_name(function_name),
        retention=_RETENTIONS[settings.log_retention_days],
        removal_policy=RemovalPolicy.DESTROY,
    )


def own_role(scope: Construct, log_group: logs.LogGroup, description: str) -> iam.Role:
    """Make a role that may only write to this log group.

    AWSLambdaBasicExecutionRole may create log groups and write to all of them. This role may not, so that a late line
    does not create the group again after a destroy.
    """
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description)
    log_group.grant_write(role)
    return role


def wait_for_policy(resource: Construct, role: iam.IRole) -> None:
    """Make a resource that runs with this role wait for the role's policy, and no longer for the role itself.

    CloudFormation waits for the role because of the reference to it. cfn-lint reports the CDK's second wait (W3005).
    """
    policy, waiting = role.node.find_child("DefaultPolicy").node.default_child, resource.node.default_child
    assert isinstance(policy, CfnResource)
    assert isinstance(waiting, CfnResource)
    waiting.add_override("DependsOn", [Stack.of(role).get_logical_id(policy)])
