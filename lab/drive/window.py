"""A window of time: sends each invocation at its planned start, and records each outcome."""

import asyncio
import contextlib
import dataclasses
import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any, Final

from lab.aws.errors import aws_errors
from lab.drive.clock import Clock, when_due
from lab.drive.invoke import Invoker, SignedRequest, SignInvocation
from lab.drive.load import PlannedInvocation
from lab.drive.machine import CpuMeter
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline
from lab.errors import LabError
from lab.records.record import Outcome, Record

SWITCH_INTERVAL_S: Final = 0.0005
CPU_PERIOD_S: Final = 1.0
REFUSED_AT_START: Final = 20
"""The run is given up when Lambda has refused this many invocations, has run none, and none is under way."""


class InvocationsRefusedError(LabError):
    """Lambda refused every invocation from the start: there is no run."""

    def __init__(self, sent: int, error: str, times: int) -> None:
        """Args: sent: how many were refused; error: the most frequent error; times: how often it occurred."""
        super().__init__(
            f"Lambda refused each of the first {sent} invocations ({error}, {times} times), so the run was given up;"
            " check the functions' reserved concurrency, the account's limit, and your permissions"
        )


@dataclasses.dataclass(slots=True, kw_only=True)
class Window:
    """One window, which opens at ``opens_at`` by ``clock``: Unix seconds, as every time in the records.

    ``schedule`` has the planned invocations, earliest first. ``append`` writes a record. ``timeline`` knows the
    versions of items; without it (a shard of a fleet), no record has a staleness.
    """

    run_id: str
    target: str
    opens_at: float
    schedule: Iterable[PlannedInvocation]
    sign: SignInvocation
    invoker: Invoker
    timeline: VersionTimeline | None
    append: Callable[[Record], None]
    clock: Clock
    tally: Tally
    _under_way: int = dataclasses.field(default=0, init=False)
    _stop: threading.Event = dataclasses.field(default_factory=threading.Event, init=False)

    async def run(self, *also: Coroutine[Any, Any, None]) -> None:
        """Send every planned request when it is due, and wait for the last outcome.

        A thread waits for the starts; the event loop sends and receives. ``also`` is work to do meanwhile, which ends
        by itself. Raises `InvocationsRefusedError` if Lambda refused all of the first invocations; `LabError` if a
        record cannot be written, a request cannot be signed, or ``also`` failed. The window then ends.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for work in also:
                    group.create_task(work)
                await self._start_all(group)
        except BaseExceptionGroup as errors:
            ours, others = errors.split(LabError)
            if ours is None or others is not None:
                raise
            raise ours.exceptions[0] from None

    async def _start_all(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()

        def start_each() -> None:
            for planned, request in when_due(self._requests(), clock=self.clock, stop=self._stop):
                loop.call_soon_threadsafe(self._start, group, planned, request)

        try:
            await asyncio.to_thread(start_each)
        finally:
            self._stop.set()

    def _requests(self) -> Iterator[tuple[float, tuple[PlannedInvocation, SignedRequest]]]:
        for planned in self.schedule:
            with aws_errors("sign the requests"):
                request = self.sign(planned.variant, planned.key)
            yield self.opens_at + planned.at, (planned, request)

    def _start(self, group: asyncio.TaskGroup, planned: PlannedInvocation, request: SignedRequest) -> None:
        if not self._stop.is_set():
            group.create_task(self._invoke(planned, request))

    async def _invoke(self, planned: PlannedInvocation, request: SignedRequest) -> None:
        planned_at = self.opens_at + planned.at
        sent_at = self.clock()
        self.tally.lateness_s.append(sent_at - planned_at)
        self._under_way += 1
        outcome = await self.invoker.send(request)
        received_at = self.clock()
        self._under_way -= 1
        self.tally.count(planned.variant, outcome)
        try:
            self.append(self._record(planned, planned_at, sent_at, received_at, outcome))
            self._check_refusals()
        except LabError:
            self._stop.set()
            raise

    def _check_refusals(self) -> None:
        tally = self.tally
        if tally.completed == tally.refused >= REFUSED_AT_START and not self._under_way:
            raise InvocationsRefusedError(tally.completed, *tally.commonest_error())

    def _record(
        self, planned: PlannedInvocation, planned_at: float, sent_at: float, received_at: float, outcome: Outcome
    ) -> Record:
        lost = outcome.status == "lost"
        waited_ms = outcome.start_wait_ms or 0.0
        staleness_ms = None
        if outcome.version is not None and self.timeline is not None:
            staleness_ms = self.timeline.staleness_ms(planned.key, outcome.version, sent_at)
        return Record(
            run_id=self.run_id,
            target=self.target,
            variant=planned.variant,
            sequence=planned.sequence,
            repetition=planned.repetition,
            phase=planned.phase,
            key=planned.key,
            planned_at=planned_at,
            sent_at=sent_at,
            received_at=None if lost else received_at,
            latency_ms=None if lost else (received_at - planned_at) * 1000.0 - waited_ms,
            service_ms=None if lost else (received_at - sent_at) * 1000.0 - waited_ms,
            staleness_ms=staleness_ms,
            **outcome.fields(),
        )


async def meter_cpu(tally: Tally) -> None:
    """Record the busy share of the CPUs every second until cancelled."""
    meter = CpuMeter()
    while True:
        await asyncio.sleep(CPU_PERIOD_S)
        share = meter.busy_share()
        if share is not None:
            tally.busy_shares.append(share)


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``work``, which does not end by itself, until the body ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        # OSError: stderr may be closed, and showing progress must not end the run.
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await task


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the interpreter's own pauses out of the measurement.

    Garbage collection skips the objects made so far. Threads switch after half a millisecond instead of five: the
    thread of updates would delay the event loop for that long.
    """
    interval = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()
