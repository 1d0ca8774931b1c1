"""The caller's AWS account: who calls, what the account allows, which stacks exist, and what their buckets hold."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from lab.aws.connection import Connection
from lab.aws.errors import DENIED, aws_errors, error_code
from lab.errors import LabError

CDK_STACK: Final = "CDKToolkit"


class Caller(NamedTuple):
    """The account and region of every call. ``elsewhere`` is the address of an endpoint that is not AWS."""

    account: str
    region: str
    elsewhere: str | None

    def __str__(self) -> str:
        """Describe the account and the region."""
        place = f"account {self.account}, region {self.region}"
        return f"AWS {place}" if self.elsewhere is None else f"{place}, at {self.elsewhere}, which is not AWS"


def identify(connection: Connection) -> Caller:
    """The caller. Every identity may ask (STS, "GetCallerIdentity").

    Raises `LabError` if the credentials are unknown or have expired, or nothing answers in this region.
    """
    with aws_errors("use AWS with these credentials"):
        account = connection.client("sts").get_caller_identity()["Account"]
    return Caller(account=account, region=connection.region, elsewhere=connection.elsewhere)


def concurrency_limit(connection: Connection) -> int | None:
    """The account's limit of concurrent executions in this region; None if the caller may not read it."""
    with aws_errors("read the account's limits"):
        settings = _unless_denied(connection.client("lambda").get_account_settings)
    limit: int | None = settings.get("AccountLimit", {}).get("ConcurrentExecutions")
    return limit


def reserved_concurrency(connection: Connection, function: str) -> int | None:
    """A function's reserved concurrency; None if there is none, or the caller may not read it."""
    with aws_errors(f"read the reserved concurrency of {function}"):
        found = _unless_denied(connection.client("lambda").get_function_concurrency, FunctionName=function)
    limit: int | None = found.get("ReservedConcurrentExecutions")
    return limit


def stack_outputs(connection: Connection, stack: str) -> dict[str, str] | None:
    """The outputs of a stack; None if it does not exist."""
    with aws_errors(f"read the outputs of stack {stack}"):
        try:
            found = connection.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def stack_bucket(connection: Connection, stack: str) -> str | None:
    """The bucket of a stack; None without a bucket or without the stack."""
    return (stack_outputs(connection, stack) or {}).get("BucketName")


def empty_bucket(connection: Connection, stack: str) -> None:
    """Empty the bucket of a stack, if it exists: CloudFormation cannot delete a bucket that holds objects.

    A page of the list and one `DeleteObjects` hold a thousand keys each (S3 API Reference). Raises `LabError` if S3
    kept some; it answers with success also then.
    """
    bucket = stack_bucket(connection, stack)
    if bucket is None:
        return
    s3 = connection.client("s3")
    with aws_errors(f"empty the bucket {bucket}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": found["Key"]} for found in page.get("Contents", [])]:
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                for kept in answer.get("Errors", []):
                    reason = f"{kept.get('Code')}: {kept.get('Message')}"
                    raise LabError(f"cannot delete s3://{bucket}/{kept['Key']}: {reason}")


def standing_stacks(connection: Connection, stacks: Iterable[str]) -> list[str]:
    """Those of the stacks that exist, in any state."""
    return [stack for stack in stacks if stack_outputs(connection, stack) is not None]


def _unless_denied(call: Any, **arguments: Any) -> dict[str, Any]:
    try:
        return dict(call(**arguments))
    except ClientError as error:
        if error_code(error) in DENIED:
            return {}
        raise
