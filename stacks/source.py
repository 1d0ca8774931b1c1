"""What the functions read: the variables that name it, and the permissions to read it.

Everything is named and nothing is referred to, so that no stack depends on an export of another.
"""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from facts import variables
from facts.sources import OBJECT_PREFIX
from stacks.settings import ApplicationSettings


def source_environment(stack: Stack, settings: ApplicationSettings) -> dict[str, str]:
    """Return the environment variables that name what a function reads. The layer parses them."""
    environment: dict[str, str] = {variables.SOURCE: settings.source}
    if settings.source == "dynamodb":
        environment[variables.TABLE] = settings.names.table
    if settings.source == "s3":
        environment[variables.BUCKET] = settings.names.items_bucket(account=stack.account, region=stack.region)
    return environment


def read_statements(stack: Stack, settings: ApplicationSettings, *, many: bool) -> list[iam.PolicyStatement]:
    """Return what a function may do: read the items of its source, and nothing else.

    Args:
        stack: the function's.
        settings: those that name the source.
        many: whether it reads many items at a time as well, as one with SnapStart does before its snapshot.

    https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
    """
    names = settings.names
    match settings.source:
        case "dynamodb":
            table = stack.format_arn(service="dynamodb", resource="table", resource_name=names.table)
            return [_allow(["dynamodb:GetItem", *(["dynamodb:BatchGetItem"] if many else [])], table)]
        case "ssm":
            parameters = stack.format_arn(
                service="ssm", resource="parameter", resource_name=f"{names.parameter_path.strip('/')}/*"
            )
            return [_allow(["ssm:GetParameter", *(["ssm:GetParameters"] if many else [])], parameters)]
        case "secretsmanager":
            secrets = stack.format_arn(
                service="secretsmanager",
                resource="secret",
                resource_name=f"{names.secret_prefix}*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            # The batch takes no resource: GetSecretValue says which secrets it may read.
            batch = [_allow(["secretsmanager:BatchGetSecretValue"], "*")] if many else []
            return [_allow(["secretsmanager:GetSecretValue"], secrets), *batch]
        case "s3":
            name = names.items_bucket(account=stack.account, region=stack.region)
            bucket = stack.format_arn(service="s3", region="", account="", resource=name)
            # Without the permission to list, S3 answers a read of a missing object with 403 and not 404.
            return [
                _allow(["s3:GetObject"], f"{bucket}/{OBJECT_PREFIX}*"),
                _allow(["s3:ListBucket"], bucket),
            ]


def _allow(actions: Sequence[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[resource])
