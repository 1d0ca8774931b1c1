"""The coordinator of a run that many functions drive: it splits the planned starts into shards.

The state machine of `stacks/load_stack.py` starts one driver function for each shard. Meanwhile this process writes the
updates. Afterwards it settles each shard: a planned start without a record is `lost`.
"""

import asyncio
import contextlib
import dataclasses
import json
import logging
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
from lab.fleet.fleet import Fleet
from lab.fleet.parts import Arrivals, ShardObjects, put_lines, read_parts
from lab.records.record import Record

LEAD_S: Final = 10.0  # from the start of the state machine to the opening of the window: the drivers' own cold starts
POLL_S: Final = 1.0
WATCH_PATIENCE_S: Final = 120.0
"""How long the state machine may go unseen: the drivers do not need this process. Longer than botocore's attempts."""
COUNT_PERIOD_S: Final = 2.0  # of counting what has arrived
STOP_LIMIT_S: Final = 15.0  # how long to wait for drivers to stop: they ask every five seconds
LOST: Final = "ShardLost"
REFUSED: Final = "ShardRefused"
INTERRUPTED: Final = "RunInterrupted"

logger = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True, kw_only=True)
class FleetWindow:
    """One window, driven by a fleet. Attributes not listed are those of `lab.drive.window.Window`.

    ``drivers`` is the number of shards, ``instance`` a part of the functions' names. ``update`` writes the next version
    of an item and returns its number. ``timeline`` has the versions by this machine's clock; ``ahead_s`` is AWS's clock
    minus this machine's. ``timeout_s`` is how long a driver waits for an answer.
    """

    connection: Connection
    fleet: Fleet
    run_id: str
    target: str
    instance: str | None
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
        """Drive the window, and append one record for each planned start.

        Raises:
            KeyboardInterrupt: Ctrl-C. The fleet was stopped; starts without a record are lost as ``RunInterrupted``.
            InvocationsRefusedError: Lambda refused every invocation that was sent.
            LabError: the state machine could not be started; or it could not be watched for `WATCH_PATIENCE_S`, and the
                fleet was stopped as by Ctrl-C; or records could not be read or written. What the drivers wrote stays
                in the bucket.
        """
        s3 = self.connection.client("s3")
        shards = {
            ShardObjects(self.fleet.bucket, self.run_id, number): self.schedule[number :: self.drivers]
            for number in range(self.drivers)
        }
        for objects, shard in shards.items():
            put_lines(s3, objects.bucket, objects.plan, (json.dumps(planned) for planned in shard))
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
            interruption = self._drive(opens_at, s3)
        lost_by = None if interruption is None else INTERRUPTED
        sent = sum(self._settle(s3, objects, shard, opens_at, lost_by) for objects, shard in shards.items())
        if interruption is not None:
            raise interruption
        if self.tally.refused == sent >= REFUSED_AT_START:
            raise InvocationsRefusedError(sent, *self.tally.commonest_error(besides=f"lost: {REFUSED}"))

    def _drive(self, opens_at: float, s3: Any) -> KeyboardInterrupt | LabError | None:
        """Run the state machine to its end. Return what interrupted it, if anything did; the fleet is then stopped."""
        arrivals = Arrivals(s3, self.fleet.bucket, self.run_id)
        execution = None
        try:
            execution = self._start(opens_at)
            asyncio.run(self._watch(execution, opens_at, arrivals))
        except (KeyboardInterrupt, LabError) as error:
            if execution is None and isinstance(error, LabError):
                raise
            self._stop(execution, s3, arrivals)
            return error
        return None

    def _start(self, opens_at: float) -> str:
        """Start the state machine and return the execution's ARN. The records show what happened, not its status."""
        client = self.connection.client("stepfunctions", attempts=1)
        common = {
            "bucket": self.fleet.bucket,
            "run_id": self.run_id,
            "target": self.target,
            "instance": self.instance,
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

        seen_at, running = time.monotonic(), True
        async with beside(self._show(opens_at, arrivals)):
            while running:
                try:
                    running = await asyncio.to_thread(is_running)
                    seen_at = time.monotonic()
                except LabError as error:
                    if time.monotonic() - seen_at > WATCH_PATIENCE_S:
                        raise
                    logger.warning("%s; the drivers go on, and the lab asks again", error)
                await asyncio.sleep(POLL_S if running else 0.0)

    async def _show(self, opens_at: float, arrivals: Arrivals) -> None:
        await asyncio.sleep(opens_at - self.clock())
        progress = show_progress(
            arrivals,
            total=lambda: len(self.schedule),
            console=self.console,
            remark=lambda: f"{arrivals.ended} of {self.drivers} shards done",
        )
        async with beside(progress):
            while True:
                with _logged_errors():
                    await asyncio.to_thread(arrivals.count)
                await asyncio.sleep(COUNT_PERIOD_S)

    def _stop(self, execution: str | None, s3: Any, arrivals: Arrivals) -> None:
        """Stop the state machine and the drivers, which it leaves running; wait for their last parts.

        If one step fails, the others are tried: what has arrived is settled in any case.
        """
        self.console.print("stopping the drivers; Ctrl-C again does not wait for them", soft_wrap=True)
        until = time.monotonic() + STOP_LIMIT_S
        with contextlib.suppress(KeyboardInterrupt):
            try:
                put_lines(s3, self.fleet.bucket, ShardObjects(self.fleet.bucket, self.run_id, 0).stop, [])
            except LabError as error:
                self.console.print(f"the drivers run to the end of their window: {error}", soft_wrap=True)
            if execution is not None:
                with _logged_errors(), aws_errors("stop the fleet"):
                    client = self.connection.client("stepfunctions")
                    client.stop_execution(executionArn=execution, cause="interrupted")
            while arrivals.ended < self.drivers and time.monotonic() < until:
                time.sleep(POLL_S)
                with _logged_errors():
                    arrivals.count()

    def _settle(
        self,
        s3: Any,
        objects: ShardObjects,
        shard: Sequence[PlannedInvocation],
        opens_at: float,
        lost_by: str | None,
    ) -> int:
        """Append one record for each planned start: the driver's with its staleness, or a lost one.

        Returns how many the driver has sent.
        """
        written = {(record.variant, record.sequence): record for record in read_parts(s3, objects)}
        lost_by = lost_by or (REFUSED if _gave_up(written.values()) else LOST)
        settled = [
            self._settled(planned, written.get((planned.variant, planned.sequence)), opens_at, lost_by)
            for planned in shard
        ]
        for record in settled:
            self.tally.count(record.variant, record)
            if record.sent_at is not None and record.planned_at is not None:
                self.tally.lateness_s.append(record.sent_at - record.planned_at)
            self.append(record)
        put_lines(s3, objects.bucket, objects.records, (record.to_json() for record in settled))
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
                status="lost",
                error_type=lost_by,
            )
        if record.version is None or record.sent_at is None:
            return record
        staleness_ms = self.timeline.staleness_ms(planned.key, record.version, record.sent_at - self.ahead_s)
        return dataclasses.replace(record, staleness_ms=staleness_ms)


def _gave_up(written: Collection[Record]) -> bool:
    """Return whether a driver stopped because Lambda refused all that it had sent; see `Window`."""
    return len(written) >= REFUSED_AT_START and all(map(is_refused, written))


@contextlib.contextmanager
def _logged_errors() -> Iterator[None]:
    """Log a `LabError` and go on: records and progress do not depend on what is done inside."""
    try:
        yield
    except LabError as error:
        logger.warning("%s", error)
