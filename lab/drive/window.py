"""The measured window: invocations at their planned starts, updates beside them, each outcome written down."""

import asyncio
import contextlib
import dataclasses
import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from lab.aws.errors import aws_errors
from lab.drive.clock import Clock, when_due
from lab.drive.invoke import SignedRequest
from lab.drive.machine import CpuMeter
from lab.drive.planned import PlannedInvocation, PlannedUpdate
from lab.drive.tally import Tally
from lab.drive.updates import write_updates
from lab.drive.versions import VersionTimeline
from lab.errors import LabError
from lab.records.record import Outcome, Record

THREAD_PATIENCE_S: Final = 5.0
SWITCH_INTERVAL_S: Final = 0.0005
CPU_PERIOD_S: Final = 1.0
HOPELESS: Final = 20  # invocations refused at the start, and none under way, before the run is given up


class RefusedError(LabError):
    """Lambda refused every invocation from the start: there is no run."""


def refused(sent: int, error: str, times: int) -> RefusedError:
    """What to raise when Lambda refused all of ``sent`` invocations, so many ``times`` with the commonest error."""
    return RefusedError(
        f"Lambda refused each of the first {sent} invocations ({error}, {times} times), so the run was given up; see"
        " the functions' reserved concurrency, the account's limit, and your permissions"
    )


class SignsInvocations(Protocol):
    """Makes requests: `lab.drive.invoke.Signer` or `lab.drive.function_url.UrlSigner`."""

    def invocation(self, variant: str, key: str) -> SignedRequest:
        """A request that invokes a variant."""


class SendsRequests(Protocol):
    """Sends requests: `lab.drive.invoke.Invoker`."""

    async def send(self, request: SignedRequest) -> Outcome:
        """The outcome; raises nothing."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Window:
    """One window, and what takes part in it.

    Attributes:
        run_id: the run that the records belong to.
        target: where the functions are.
        opens_at: when offset 0 of the plans is, by `clock`.
        schedule: the planned invocations, earliest first.
        updates: the planned updates.
        signer: makes the requests.
        sender: sends them.
        update: writes the next version of an item and gives its number; may block.
        timeline: is told of every version written; None if what it would need is known elsewhere, and then no record
            has a staleness.
        append: writes a record down.
        clock: Unix seconds, for every moment in the records.
        tally: is told of every outcome.
    """

    run_id: str
    target: str
    opens_at: float
    schedule: Iterable[PlannedInvocation]
    updates: Sequence[PlannedUpdate]
    signer: SignsInvocations
    sender: SendsRequests
    update: Callable[[str], int]
    timeline: VersionTimeline | None
    append: Callable[[Record], None]
    clock: Clock
    tally: Tally
    _under_way: int = dataclasses.field(default=0, init=False)
    _stop_starts: threading.Event = dataclasses.field(default_factory=threading.Event, init=False)
    _stop_updates: threading.Event = dataclasses.field(default_factory=threading.Event, init=False)

    async def run(self, *also: Coroutine[Any, Any, None]) -> None:
        """Send every planned request at its moment, and wait for the last outcome.

        Two threads keep the moments, one of starts and one of updates; this loop sends and receives.

        Args:
            also: what must be done meanwhile, and ends by itself.

        Raises:
            RefusedError: Lambda refused the first invocations, one and all.
            LabError: a record cannot be written, a request not signed, or ``also`` failed. Nothing is sent then.
        """
        updates = threading.Thread(target=self._update_each, name="updates", daemon=True)
        updates.start()
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
        finally:
            self._stop_updates.set()
            await asyncio.to_thread(updates.join, THREAD_PATIENCE_S)

    async def _start_all(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        started = loop.create_future()

        def start_each() -> None:
            error = None
            try:
                for planned, request in when_due(self._requests(), clock=self.clock, stop=self._stop_starts):
                    loop.call_soon_threadsafe(self._start, group, planned, request)
            except LabError as caught:
                error = caught
            loop.call_soon_threadsafe(_settle, started, error)

        thread = threading.Thread(target=start_each, name="starts", daemon=True)
        thread.start()
        try:
            await started
        finally:
            self._stop_starts.set()
            thread.join(THREAD_PATIENCE_S)

    def _requests(self) -> Iterator[tuple[float, tuple[PlannedInvocation, SignedRequest]]]:
        for planned in self.schedule:
            with aws_errors("sign the requests"):
                request = self.signer.invocation(planned.variant, planned.key)
            yield self.opens_at + planned.at, (planned, request)

    def _start(self, group: asyncio.TaskGroup, planned: PlannedInvocation, request: SignedRequest) -> None:
        if not self._stop_starts.is_set():
            group.create_task(self._invoke(planned, request))

    async def _invoke(self, planned: PlannedInvocation, request: SignedRequest) -> None:
        planned_at = self.opens_at + planned.at
        sent_at = self.clock()
        self.tally.lateness_s.append(sent_at - planned_at)
        self._under_way += 1
        outcome = await self.sender.send(request)
        received_at = self.clock()
        self._under_way -= 1
        self.tally.count(planned.variant, outcome)
        try:
            self.append(self._record(planned, planned_at, sent_at, received_at, outcome))
            self._check_hope()
        except LabError:
            self._stop_starts.set()
            raise

    def _check_hope(self) -> None:
        tally = self.tally
        if tally.completed == tally.refused >= HOPELESS and not self._under_way:
            raise refused(tally.completed, *tally.commonest_error())

    def _record(
        self,
        planned: PlannedInvocation,
        planned_at: float,
        sent_at: float,
        received_at: float,
        outcome: Outcome,
    ) -> Record:
        lost = outcome.status == "lost"
        staleness_ms = None
        if outcome.version is not None and self.timeline is not None:
            staleness_ms = self.timeline.staleness_ms(planned.key, outcome.version, sent_at)
        return Record(
            run_id=self.run_id,
            target=self.target,
            variant=planned.variant,
            sequence=planned.sequence,
            key=planned.key,
            planned_at=planned_at,
            sent_at=sent_at,
            received_at=None if lost else received_at,
            latency_ms=None if lost else (received_at - planned_at) * 1000.0,
            service_ms=None if lost else (received_at - sent_at) * 1000.0,
            staleness_ms=staleness_ms,
            **outcome.fields(),
        )

    def _update_each(self) -> None:
        write_updates(
            self.updates,
            opens_at=self.opens_at,
            update=self.update,
            timeline=self.timeline,
            clock=self.clock,
            tally=self.tally,
            stop=self._stop_updates,
        )


def _settle(started: "asyncio.Future[None]", error: LabError | None) -> None:
    if started.done():
        return
    if error is None:
        started.set_result(None)
    else:
        started.set_exception(error)


async def meter_cpu(tally: Tally) -> None:
    """Take a reading of the CPUs every second until cancelled."""
    meter = CpuMeter()
    while True:
        await asyncio.sleep(CPU_PERIOD_S)
        share = meter.busy_share()
        if share is not None:
            tally.busy_shares.append(share)


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do ``work``, which does not end by itself, while the body runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        # Nor may what only watches end the run, as when stderr is gone.
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await task


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the interpreter's own pauses out of the measurement.

    Objects made so far are left out of garbage collection, and a thread that wants the interpreter gets it after half a
    millisecond, not the usual five: the updates' thread would hold back the loop for that long.
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
