"""A share of a run's planned starts, driven by a Lambda function of its own (see `stacks/load_stack.py`).

The same window as on the reader's machine, without updates: those, and with them the staleness, are the coordinator's
(`lab.fleet.fleet_window`). The plan comes from S3, and the records go there, in parts.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final, Protocol

from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.drive.clock import steady_clock
from lab.drive.invoke import Invoker, by_invoke_api
from lab.drive.load import PlannedInvocation
from lab.drive.machine import allow_many_connections
from lab.drive.tally import Tally
from lab.drive.window import InvocationsRefusedError, Window, beside, undisturbed
from lab.errors import LabError
from lab.fleet.shard_place import ShardPlace
from lab.fleet.shard_records import ShardRecords

WRITING_S: Final = 30.0  # of the function's time, kept for writing the last records down
BETWEEN_PARTS_S: Final = 5.0


class Context(Protocol):
    """What is needed of Lambda's context object."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function's timeout."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Drive one shard.

    Args:
        event: ``bucket``, ``run_id``, ``shard``, ``target``, ``opens_at`` (Unix seconds) and ``timeout_s``, how long to
            wait for an answer.
        context: Lambda's.

    Returns:
        ``shard`` and ``records``, how many were written. What is still under way when the function's time is over, or
        when the coordinator has asked to stop, has no record; the coordinator counts it as lost. So it does with what
        was not sent because Lambda refused all that had been.
    """
    connection = Connection(target="aws", endpoint_url=None)
    s3 = connection.client("s3")
    place = ShardPlace(event["bucket"], event["run_id"], event["shard"])
    with aws_errors("read the shard's plan"):
        plan = s3.get_object(Bucket=place.bucket, Key=place.plan)["Body"].read().decode().splitlines()
    records = ShardRecords(s3, place)
    allow_many_connections()
    try:
        with undisturbed():
            limit_s = context.get_remaining_time_in_millis() / 1000 - WRITING_S
            asyncio.run(_drive(event, connection, plan, records, limit_s))
    finally:
        records.write(last=True)
    return {"shard": event["shard"], "records": records.count}


async def _drive(
    event: dict[str, Any], connection: Connection, plan: list[str], records: ShardRecords, limit_s: float
) -> None:
    sign = by_invoke_api(
        endpoint_url=connection.address("lambda"), region=connection.region, credentials=connection.credentials()
    )
    schedule = list(planned(plan))
    async with Invoker(timeout_s=event["timeout_s"]) as invoker:
        window = Window(
            run_id=event["run_id"],
            target=event["target"],
            opens_at=event["opens_at"],
            schedule=schedule,
            sign=sign,
            invoker=invoker,
            timeline=None,
            append=records.append,
            clock=steady_clock(),
            tally=Tally(tuple({each.variant for each in schedule})),
        )
        driving = asyncio.create_task(window.run())
        async with beside(_write_parts(records, driving)):
            # Refused: the records tell it, and the other shards may fare better. The coordinator sees them all.
            with contextlib.suppress(TimeoutError, asyncio.CancelledError, InvocationsRefusedError):
                await asyncio.wait_for(driving, limit_s)


async def _write_parts(records: ShardRecords, driving: "asyncio.Task[None]") -> None:
    while True:
        await asyncio.sleep(BETWEEN_PARTS_S)
        with contextlib.suppress(LabError):  # the next part, or the last, has these records too
            await asyncio.to_thread(records.write)
        if await asyncio.to_thread(records.told_to_stop):
            driving.cancel()


def planned(lines: list[str]) -> Iterator[PlannedInvocation]:
    """The planned starts in the lines of a plan, each a JSON array in the order of the fields."""
    return (PlannedInvocation(*json.loads(line)) for line in lines)
