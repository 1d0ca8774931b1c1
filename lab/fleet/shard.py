"""A share of a run's planned starts, driven by a Lambda function of its own (see `stacks/load_stack.py`).

It drives a window as the reader's machine does, without updates: those, and with them the staleness, are the
coordinator's (`lab.fleet.fleet_window`). The plan comes from S3, and the records go there in parts.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any, Final

from facts.names import Names
from lab.aws.connection import Connection
from lab.drive.clock import steady_clock
from lab.drive.invoke import Invoker, by_invoke_api
from lab.drive.load import PlannedInvocation
from lab.drive.machine import allow_many_connections
from lab.drive.tally import Tally
from lab.drive.window import InvocationsRefusedError, Window, beside, undisturbed
from lab.errors import LabError
from lab.fleet.parts import ShardObjects, ShardRecords, read_lines

WRITING_S: Final = 30.0  # reserved at the end of the function's time, to write the last records
BETWEEN_PARTS_S: Final = 5.0

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Drive one shard.

    The event has ``bucket``, ``run_id``, ``shard``, ``target``, ``instance`` (or null), ``opens_at`` (Unix seconds) and
    ``timeout_s``, how long to wait for an answer. Returns ``shard`` and ``records``, how many were written. The
    coordinator counts planned starts without a record as lost: what is under way when the function's time is over or
    the coordinator asks to stop, and what was not sent because Lambda refused all that had been.
    """
    connection = Connection(target="aws", endpoint_url=None)
    s3 = connection.client("s3")
    objects = ShardObjects(event["bucket"], event["run_id"], event["shard"])
    schedule = list(planned(read_lines(s3, objects.bucket, objects.plan)))
    records = ShardRecords(s3, objects)
    allow_many_connections()
    try:
        with undisturbed():
            limit_s = context.get_remaining_time_in_millis() / 1000 - WRITING_S
            asyncio.run(_drive(event, connection, schedule, records, limit_s))
    finally:
        records.write(last=True)
    return {"shard": event["shard"], "records": records.count}


async def _drive(
    event: dict[str, Any],
    connection: Connection,
    schedule: list[PlannedInvocation],
    records: ShardRecords,
    limit_s: float,
) -> None:
    sign = by_invoke_api(
        endpoint_url=connection.address("lambda"),
        names=Names(event["instance"]),
        region=connection.region,
        credentials=connection.credentials(),
    )
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
            # When Lambda refuses all, the records show it; the coordinator judges by those of every shard.
            with contextlib.suppress(TimeoutError, asyncio.CancelledError, InvocationsRefusedError):
                await asyncio.wait_for(driving, limit_s)


async def _write_parts(records: ShardRecords, driving: "asyncio.Task[None]") -> None:
    while True:
        await asyncio.sleep(BETWEEN_PARTS_S)
        try:
            await asyncio.to_thread(records.write)
        except LabError as error:
            logger.warning("%s; the next part will have these records", error)
        if await asyncio.to_thread(records.stop_requested):
            driving.cancel()


def planned(lines: list[str]) -> Iterator[PlannedInvocation]:
    """Parse the lines of a plan, each a JSON array of a planned start's fields."""
    return (PlannedInvocation(*json.loads(line)) for line in lines)
