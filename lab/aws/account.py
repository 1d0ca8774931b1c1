"""Who the caller is at AWS, and what the account allows."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from lab.aws.connection import Connection
from lab.aws.errors import DENIED, aws_errors, error_code

CDK_STACK: Final = "CDKToolkit"


class Caller(NamedTuple):
    """Whose account is used, and where.

    Attributes:
        account: its number.
        region: of every call.
        elsewhere: where calls go that do not go to AWS; None if they do.
    """

    account: str
    region: str
    elsewhere: str | None

    def __str__(self) -> str:
        """The account and the region, in words."""
        place = f"account {self.account}, region {self.region}"
        return f"AWS {place}" if self.elsewhere is None else f"{place}, at {self.elsewhere}, which is not AWS"


def identify(connection: Connection) -> Caller:
    """Who the caller is. Every identity may ask (STS, "GetCallerIdentity").

    Raises:
        LabError: the credentials are unknown or have expired, or nothing answers in this region.
    """
    with aws_errors("use AWS with these credentials"):
        account = connection.client("sts").get_caller_identity()["Account"]
    return Caller(account=account, region=connection.region, elsewhere=connection.elsewhere)


def concurrency_limit(connection: Connection) -> int | None:
    """How many executions the account may have at once in this region; None where the caller may not ask."""
    with aws_errors("read the account's limits"):
        settings = _unless_denied(connection.client("lambda").get_account_settings)
    limit = (settings or {}).get("AccountLimit", {}).get("ConcurrentExecutions")
    return None if limit is None else int(limit)


def reserved_concurrency(connection: Connection, function: str) -> int | None:
    """How many executions a function may have at once; None where that is not set, or the caller may not ask."""
    client = connection.client("lambda")
    with aws_errors(f"read the reserved concurrency of {function}"):
        found = _unless_denied(client.get_function_concurrency, FunctionName=function)
    limit = (found or {}).get("ReservedConcurrentExecutions")
    return None if limit is None else int(limit)


def stack_outputs(connection: Connection, stack: str) -> dict[str, str] | None:
    """The outputs of a stack as it is deployed now; None where there is no such stack."""
    with aws_errors(f"read the outputs of stack {stack}"):
        try:
            found = connection.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def standing_stacks(connection: Connection, stacks: Iterable[str]) -> list[str]:
    """Those of the stacks that are there, in whatever state.

    Raises:
        LabError: they cannot be looked at.
    """
    return [stack for stack in stacks if stack_outputs(connection, stack) is not None]


def is_bootstrapped(connection: Connection) -> bool:
    """Whether the CDK's own bucket and roles are there."""
    return stack_outputs(connection, CDK_STACK) is not None


def _unless_denied(call: Any, **arguments: Any) -> dict[str, Any] | None:
    try:
        return dict(call(**arguments))
    except ClientError as error:
        if error_code(error) in DENIED:
            return None
        raise
