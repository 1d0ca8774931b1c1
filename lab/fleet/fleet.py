"""A fleet at the target (see `stacks/load_stack.py`): a state machine, and the bucket that has its runs."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from facts.names import LOAD_STACK
from lab.aws.account import stack_outputs
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.aws.objects import delete_objects
from lab.errors import LabError, UsageError
from lab.records.record import RUN_FILE


class Fleet(NamedTuple):
    """What is deployed to drive with: a bucket and a state machine."""

    bucket: str
    state_machine: str


def find_fleet(connection: Connection) -> Fleet:
    """The fleet as it is deployed.

    Raises:
        LabError: it is not.
    """
    outputs = stack_outputs(connection, LOAD_STACK)
    if outputs is None:
        raise LabError(
            f"--fleet needs stack {LOAD_STACK}, which is not in region {connection.region}; deploy with --context"
            " load=true"
        )
    return Fleet(outputs["BucketName"], outputs["StateMachineArn"])


def check_new(connection: Connection, fleet: Fleet, run_id: str) -> None:
    """See that the bucket holds no run of this id: a dead driver's records would be taken from there.

    Raises:
        UsageError: it does.
        LabError: it cannot be looked at.
    """
    with aws_errors(f"look into the bucket {fleet.bucket}"):
        found = connection.client("s3").list_objects_v2(Bucket=fleet.bucket, Prefix=f"{run_id}/", MaxKeys=1)
    if found.get("Contents"):
        raise UsageError(f"s3://{fleet.bucket}/{run_id} holds a run already; name another folder with --out")


def put_run(connection: Connection, fleet: Fleet, run_id: str, content: dict[str, Any]) -> None:
    """Write ``run.json`` beside the records, so that the run can be reported from S3.

    Raises:
        LabError: it cannot be written.
    """
    put_lines(connection.client("s3"), fleet.bucket, f"{run_id}/{RUN_FILE}", [json.dumps(content, indent=2)])


def kept_runs(connection: Connection) -> str | None:
    """The fleet's bucket, if there is one that holds runs.

    Raises:
        LabError: it cannot be looked at.
    """
    bucket = (stack_outputs(connection, LOAD_STACK) or {}).get("BucketName")
    if bucket is None:
        return None
    with aws_errors(f"look into the bucket {bucket}"):
        found = connection.client("s3").list_objects_v2(Bucket=bucket, MaxKeys=1)
    return bucket if found.get("Contents") else None


def empty_fleet(connection: Connection) -> None:
    """Empty the fleet's bucket, if there is one: CloudFormation cannot delete a bucket that holds anything.

    Raises:
        LabError: it cannot be emptied.
    """
    bucket = (stack_outputs(connection, LOAD_STACK) or {}).get("BucketName")
    if bucket is None:
        return
    with aws_errors(f"empty the bucket {bucket}"):
        delete_objects(connection.client("s3"), bucket)


def put_lines(s3: Any, bucket: str, key: str, lines: Iterable[str]) -> None:
    """Write an object of so many lines.

    Raises:
        LabError: it cannot be written.
    """
    with aws_errors(f"write s3://{bucket}/{key}"):
        s3.put_object(Bucket=bucket, Key=key, Body="".join(f"{line}\n" for line in lines).encode())
