"""A run driven by many functions: the planned starts are cut into shards, and every one of them is accounted for.

The state machine of `stacks/load_stack.py` starts one driver function a shard. This process writes the updates
meanwhile, and settles each shard afterwards: a planned start without a record is `lost`.
"""

import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from rich.console import Console

from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.drive.clock import Clock
from lab.drive.load import PlannedInvocation, PlannedUpdate
from lab.drive.progress import show_progress
from lab.drive.tally import Tally, is_refused
from lab.drive.updates import VersionTimeline, writing_updates
from lab.drive.window import REFUSED_AT_START, InvocationsRefusedError, beside
from lab.errors import LabError
from lab.fleet.arrivals import Arrivals
from lab.fleet.fleet import Fleet, put_lines
from lab.fleet.shard_place import ShardPlace
from lab.records.record import Record

LEAD_S: Final = 10.0  # from the start of the state machine to the opening of the window: the drivers' own cold starts
POLL_S: Final = 1.0
LOOK_S: Final = 2.0  # between two looks at what has arrived
STOPPING_S: Final = 15.0  # how long drivers that were told to stop are waited for: they ask every five seconds
LOST: Final = "ShardLost"
REFUSED: Final = "ShardRefused"
INTERRUPTED: Final = "RunInterrupted"


@dataclasses.dataclass(slots=True, kw_only=True)
class FleetWindow:
    """One window, driven by a fleet.

    Attributes:
        connection: the target.
        fleet: what drives.
        run_id: the run that the records belong to.
        target: where the functions are.
        drivers: how many shards the starts are cut into.
        schedule: the planned invocations.
        updates: the planned updates.
        update: writes the next version of an item and gives its number.
        timeline: of the versions, by this machine's clock.
        append: writes a record down, here.
        clock: Unix seconds.
        ahead_s: AWS's clock less this machine's.
        timeout_s: how long a driver waits for an answer.
        tally: is told of every outcome.
        console: where progress goes.
    """

    connection: Connection
    fleet: Fleet
    run_id: str
    target: str
    drivers: int
    schedule: Sequence[PlannedInvocation]
    updates: Sequence[PlannedUpdate]
    update: Callable[[str], int]
    timeline: VersionTimeline
    append: Callable[[Record], None]
    clock: Clock
    ahead_s: float
    timeout_s: float
    tally: Tally
    console: Console

    def run(self) -> None:
        """Have every planned request sent, and account for each.

        Raises:
            KeyboardInterrupt: Ctrl-C. The fleet has been stopped, and what had no record by then is lost as
                ``RunInterrupted``.
            InvocationsRefusedError: Lambda refused every invocation that was sent.
            LabError: the state machine could not be started; or it could not be watched, and then the fleet has been
                stopped as by Ctrl-C; or records could not be read or written. What the drivers have written stays in
                the bucket.
        """
        s3 = self.connection.client("s3")
        shards = [self.schedule[number :: self.drivers] for number in range(self.drivers)]
        places = [ShardPlace(self.fleet.bucket, self.run_id, number) for number in range(self.drivers)]
        for place, shard in zip(places, shards, strict=True):
            put_lines(s3, place.bucket, place.plan, (json.dumps(planned) for planned in shard))
        opens_at = self.clock() + LEAD_S
        updating = writing_updates(
            self.updates,
            opens_at=opens_at,
            update=self.update,
            timeline=self.timeline,
            clock=self.clock,
            tally=self.tally,
        )
        with updating:
            cut_short = self._drive(opens_at, s3, places[0])
        lost_by = None if cut_short is None else INTERRUPTED
        sent = sum(
            self._settle(s3, place, shard, opens_at, lost_by) for place, shard in zip(places, shards, strict=True)
        )
        if cut_short is not None:
            raise cut_short
        if self.tally.refused == sent >= REFUSED_AT_START:
            raise InvocationsRefusedError(sent, *self.tally.commonest_error(besides=f"lost: {REFUSED}"))

    def _drive(self, opens_at: float, s3: Any, place: ShardPlace) -> KeyboardInterrupt | LabError | None:
        """Run the state machine to its end. What cut it short, if anything did; then the fleet has been stopped."""
        arrivals = Arrivals(s3, self.fleet.bucket, self.run_id)
        execution = None
        try:
            execution = self._start(opens_at)
            asyncio.run(self._watch(execution, opens_at, arrivals))
        except (KeyboardInterrupt, LabError) as error:
            if execution is None and isinstance(error, LabError):
                raise
            self._stop(execution, s3, place, arrivals)
            return error
        return None

    def _start(self, opens_at: float) -> str:
        """Start the state machine; the execution's ARN. How it ends does not matter: the records tell what happened."""
        client = self.connection.client("stepfunctions", attempts=1)
        common = {
            "bucket": self.fleet.bucket,
            "run_id": self.run_id,
            "target": self.target,
            "opens_at": opens_at + self.ahead_s,
        }
        shards = [common | {"shard": number, "timeout_s": self.timeout_s} for number in range(self.drivers)]
        with aws_errors("start the fleet"):
            answer = client.start_execution(
                stateMachineArn=self.fleet.state_machine, input=json.dumps({"shards": shards})
            )
        return str(answer["executionArn"])

    async def _watch(self, execution: str, opens_at: float, arrivals: Arrivals) -> None:
        client = self.connection.client("stepfunctions")

        def is_running() -> bool:
            with aws_errors("watch the fleet"):
                return bool(client.describe_execution(executionArn=execution)["status"] == "RUNNING")

        async with beside(self._show(opens_at, arrivals)):
            while await asyncio.to_thread(is_running):
                await asyncio.sleep(POLL_S)

    async def _show(self, opens_at: float, arrivals: Arrivals) -> None:
        await asyncio.sleep(opens_at - self.clock())
        progress = show_progress(
            arrivals,
            total=len(self.schedule),
            console=self.console,
            remark=lambda: f"{arrivals.ended} of {self.drivers} shards done",
        )
        async with beside(progress):
            while True:
                with contextlib.suppress(LabError):  # only progress: what is wrong shows when the shards are settled
                    await asyncio.to_thread(arrivals.look)
                await asyncio.sleep(LOOK_S)

    def _stop(self, execution: str | None, s3: Any, place: ShardPlace, arrivals: Arrivals) -> None:
        """Stop the state machine, and the drivers, which it leaves going; wait for their last parts.

        Whatever of it fails, the rest is tried: what has arrived is settled in any case.
        """
        self.console.print("stopping the drivers; Ctrl-C again does not wait for them", soft_wrap=True)
        until = time.monotonic() + STOPPING_S
        with contextlib.suppress(KeyboardInterrupt):
            try:
                put_lines(s3, place.bucket, place.stop, [])
            except LabError as error:
                self.console.print(f"the drivers go on to the end of their window: {error}", soft_wrap=True)
            if execution is not None:
                with contextlib.suppress(LabError), aws_errors("stop the fleet"):
                    self.connection.client("stepfunctions").stop_execution(executionArn=execution, cause="cut short")
            while arrivals.ended < self.drivers and time.monotonic() < until:
                time.sleep(POLL_S)
                with contextlib.suppress(LabError):
                    arrivals.look()

    def _settle(
        self, s3: Any, place: ShardPlace, shard: Sequence[PlannedInvocation], opens_at: float, cut_short: str | None
    ) -> int:
        """Write one record a planned start: the driver's with its staleness, or that it was lost.

        Returns:
            How many the driver has sent.
        """
        written = {(record.variant, record.sequence): record for record in _records(s3, place)}
        lost_by = cut_short or (REFUSED if _gave_up(written.values()) else LOST)
        settled = [
            self._settled(planned, written.get((planned.variant, planned.sequence)), opens_at, lost_by)
            for planned in shard
        ]
        for record in settled:
            self.tally.count(record.variant, record)
            if record.sent_at is not None and record.planned_at is not None:
                self.tally.lateness_s.append(record.sent_at - record.planned_at)
            self.append(record)
        put_lines(s3, place.bucket, place.records, (record.to_json() for record in settled))
        return len(written)

    def _settled(self, planned: PlannedInvocation, record: Record | None, opens_at: float, lost_by: str) -> Record:
        if record is None:
            return Record(
                run_id=self.run_id,
                target=self.target,
                variant=planned.variant,
                sequence=planned.sequence,
                key=planned.key,
                planned_at=opens_at + self.ahead_s + planned.at,
                sent_at=None,
                received_at=None,
                latency_ms=None,
                service_ms=None,
                status="lost",
                error_type=lost_by,
            )
        if record.version is None or record.sent_at is None:
            return record
        staleness_ms = self.timeline.staleness_ms(planned.key, record.version, record.sent_at - self.ahead_s)
        return dataclasses.replace(record, staleness_ms=staleness_ms)


def _gave_up(written: Collection[Record]) -> bool:
    """Whether a driver has sent no more because Lambda refused all that it had sent; see `Window`."""
    return len(written) >= REFUSED_AT_START and all(map(is_refused, written))


def _records(s3: Any, place: ShardPlace) -> Iterator[Record]:
    """What a driver has written; of one that died, what it had written by then."""
    with aws_errors(f"read s3://{place.bucket}/{place.parts}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.parts)
        for found in (found for page in pages for found in page.get("Contents", ())):
            body = s3.get_object(Bucket=place.bucket, Key=found["Key"])["Body"].read()
            for line in body.decode().splitlines():
                yield Record(**json.loads(line))
