"""Checks before a run on AWS: a run that could not finish is refused before it starts."""

from typing import NamedTuple

from botocore.exceptions import ClientError

from facts.names import ALIAS, function_name
from lab.aws.account import Caller, concurrency_limit, identify, reserved_concurrency
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.deploy.deployment import Deployment, read_deployment
from lab.errors import LabError, UsageError
from lab.run.settings import RunSettings


class Preflight(NamedTuple):
    """What the checks found. ``limit`` is the account's limit of concurrent executions; None if unknown."""

    caller: Caller
    deployment: Deployment
    limit: int | None


def check(connection: Connection, settings: RunSettings) -> Preflight:
    """Check that a run can be made. Creates nothing, and runs no function.

    Raises:
        LabError: AWS refuses the credentials; a function does not exist, is switched off, or may not be invoked.
        UsageError: another source is deployed.
    """
    caller = identify(connection)
    deployment = read_deployment(connection, settings.variants)
    if deployment.source not in (None, settings.source):
        raise UsageError(
            f"--source {settings.source}, but the functions read {deployment.source}; give --source"
            f" {deployment.source}, or deploy with --source {settings.source} first"
        )
    for variant in settings.variants:
        _check_invocable(connection, function_name(variant))
    return Preflight(caller, deployment, concurrency_limit(connection))


def _check_invocable(connection: Connection, function: str) -> None:
    if reserved_concurrency(connection, function) == 0:
        raise LabError(
            f"{function} is switched off: its reserved concurrency is 0, so every invocation is throttled; raise or"
            " remove it"
        )
    client = connection.client("lambda", attempts=1)
    with aws_errors(f"invoke {function}"):
        try:
            client.invoke(FunctionName=function, Qualifier=ALIAS, InvocationType="DryRun")
        except ClientError as error:
            if error_code(error) != "TooManyRequestsException":
                raise
            reason = error.response.get("Reason") or error_code(error)
            raise LabError(
                f"{function} is throttled ({reason}); wait until the account's concurrency is free, or raise the limit"
            ) from None
