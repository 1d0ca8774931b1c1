"""The fleet at the target (see `stacks/load_stack.py`): a state machine, and the bucket that keeps its runs."""

from typing import NamedTuple

from facts.names import Names
from lab.aws.account import stack_bucket, stack_outputs
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.errors import LabError, UsageError
from lab.fleet.parts import put_lines


class Fleet(NamedTuple):
    """What is deployed to drive with."""

    bucket: str
    state_machine: str


def find_fleet(connection: Connection, names: Names) -> Fleet:
    """Return the deployed fleet. Raises `LabError` if there is none."""
    outputs = stack_outputs(connection, names.load_stack)
    if outputs is None:
        raise LabError(
            f"--fleet needs stack {names.load_stack}, which is not in region {connection.region}; deploy with --context"
            " load=true"
        )
    return Fleet(outputs["BucketName"], outputs["StateMachineArn"])


def check_new(connection: Connection, fleet: Fleet, run_id: str) -> None:
    """Check that the bucket holds no run of this id, so that no older records are taken for new ones.

    Raises `UsageError` if it does; `LabError` if it cannot be listed.
    """
    if _holds_objects(connection, fleet.bucket, f"{run_id}/"):
        raise UsageError(f"s3://{fleet.bucket}/{run_id} holds a run already; name another folder with --out")


def put_file(connection: Connection, fleet: Fleet, run_id: str, name: str, text: str) -> None:
    """Write a file of a run's folder beside the records, so that the run can be reported from S3."""
    put_lines(connection.client("s3"), fleet.bucket, f"{run_id}/{name}", [text.rstrip()])


def kept_runs(connection: Connection, names: Names) -> str | None:
    """Return the fleet's bucket if it exists and holds runs. Raises `LabError` if it cannot be listed."""
    bucket = stack_bucket(connection, names.load_stack)
    return bucket if bucket is not None and _holds_objects(connection, bucket, "") else None


def _holds_objects(connection: Connection, bucket: str, prefix: str) -> bool:
    with aws_errors(f"list the bucket {bucket}"):
        found = connection.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return bool(found.get("Contents"))
