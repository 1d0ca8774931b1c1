"""What is looked at before a run on AWS, so that none is begun that could not end."""

from collections.abc import Sequence
from typing import NamedTuple

from botocore.exceptions import ClientError

from facts.names import ALIAS, function_name
from lab.aws.account import Caller, concurrency_limit, identify, reserved_concurrency
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.deploy.deployment import Deployment, read_deployment
from lab.errors import LabError, UsageError
from lab.run.settings import Settings


class Preflight(NamedTuple):
    """What was found: all is well.

    Attributes:
        caller: whose account is used.
        deployment: the functions.
        limit: how many executions the account may have at once; None if the caller may not ask.
    """

    caller: Caller
    deployment: Deployment
    limit: int | None


def check(connection: Connection, settings: Settings) -> Preflight:
    """See that a run can be made: nothing is created, and no function runs.

    Raises:
        LabError: the credentials are of no use, a function is not there, is switched off, or may not be invoked.
        UsageError: another source is deployed.
    """
    caller = identify(connection)
    deployment = read_deployment(connection, settings.variants)
    if deployment.source not in (None, settings.source):
        raise UsageError(
            f"--source {settings.source}, but the functions read {deployment.source}; give --source"
            f" {deployment.source}, or deploy with --source {settings.source} first"
        )
    _check_invocable(connection, settings.variants)
    return Preflight(caller, deployment, concurrency_limit(connection))


def _check_invocable(connection: Connection, variants: Sequence[str]) -> None:
    client = connection.client("lambda", attempts=1)
    for variant in variants:
        function = function_name(variant)
        if reserved_concurrency(connection, function) == 0:
            raise LabError(
                f"{function} is switched off: its reserved concurrency is 0, so every invocation is throttled; raise or"
                " remove it"
            )
        with aws_errors(f"invoke {function}"):
            try:
                client.invoke(FunctionName=function, Qualifier=ALIAS, InvocationType="DryRun")
            except ClientError as error:
                if error_code(error) != "TooManyRequestsException":
                    raise
                reason = error.response.get("Reason") or error_code(error)
                raise LabError(
                    f"{function} is throttled ({reason}); wait until what else uses the account's concurrency is over,"
                    " or have the limit raised"
                ) from None
