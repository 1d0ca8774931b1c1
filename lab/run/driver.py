"""Drives a run's load from this process: repetition after repetition, or one block."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from rich.console import Console

from lab.deploy.endpoint_control import EndpointControl
from lab.drive.answers import parse_invoke_answer, parse_url_answer
from lab.drive.clock import Clock
from lab.drive.invoke import Invoker
from lab.drive.load import PlannedInvocation
from lab.drive.machine import CpuMeter, allow_many_connections, going_first
from lab.drive.progress import show_progress
from lab.drive.schedule import Schedule, plan, plan_starts, plan_updates
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline, writing_updates
from lab.drive.window import Window, beside, meter_cpu, undisturbed
from lab.records.record import Record
from lab.records.run_file import LATE_MS, Repetition
from lab.run.environments import Environments
from lab.run.judgement import EnvironmentStarts, repeat_until_good
from lab.run.prepare import Prepared
from lab.run.settings import RunSettings

LEAD_S: Final = 0.1  # between the start of the threads and the opening of a window
START_LEAD_S: Final = 0.02  # the same for the requests that start environments
SIGNING_S: Final = 0.0005  # in addition, for each of them: all are signed before the first is sent
PATIENCE_S: Final = 15.0  # beyond the functions' timeout: Lambda's own 10 s for init, and the network
START_PATIENCE_S: Final = 120.0  # in addition at a local endpoint, which starts few environments at a time


@dataclasses.dataclass(slots=True, kw_only=True)
class Driver:
    """Sends a run's invocations, and writes its updates.

    Attributes:
        append: writes a record.
        keep: keeps a repetition that is complete.
        environments: gives each repetition new ones; None: the run is one block.
        control: the local endpoint's, which can fail downstream calls; None on AWS.
        kept: environments that had started before the run and served in it.
    """

    settings: RunSettings
    run_id: str
    prepared: Prepared
    timeline: VersionTimeline
    tally: Tally
    clock: Clock
    console: Console
    append: Callable[[Record], None]
    keep: Callable[[Repetition], None]
    environments: Environments | None
    control: EndpointControl | None
    kept: set[str] = dataclasses.field(default_factory=set, init=False)
    _invoker: Invoker = dataclasses.field(init=False)
    _planned: int = dataclasses.field(default=0, init=False)

    def run(self) -> None:
        """Drive the whole load. Raises as `Window.run` does."""
        allow_many_connections()
        with undisturbed(), going_first():
            asyncio.run(self._run())

    async def _run(self) -> None:
        settings = self.settings
        parse = parse_url_answer if settings.via == "url" else parse_invoke_answer
        timeout_s = self.prepared.deployment.timeout_s + PATIENCE_S
        if self.control is not None:
            timeout_s += START_PATIENCE_S
        each = len(settings.variants) * settings.invocations_each(self._settle_s)
        self._planned = each * (settings.repeat or 1)
        progress = show_progress(self.tally, total=lambda: self._planned, console=self.console)
        async with Invoker(timeout_s=timeout_s, parse=parse) as self._invoker, beside(progress):
            if settings.repeat is None:
                await self._block()
                return

            def keep(repetition: Repetition) -> None:
                if repetition.problem is not None:
                    self._planned += each
                    self.console.print(f"repetition {repetition.number} is not used: {repetition.problem}")
                self.keep(repetition)

            await repeat_until_good(settings.repeat, scenario=settings.scenario, drive=self._repetition, keep=keep)

    @property
    def _settle_s(self) -> float:
        return self.settings.settle_s(self.prepared.deployment.ttl_s)

    async def _block(self) -> None:
        schedule = plan(self.settings)
        async with beside(meter_cpu(self.tally)), self._open(schedule, 0, self.append) as window:
            await window.run()

    async def _repetition(self, number: int) -> Repetition:
        await self._renew()
        starts = EnvironmentStarts()

        def append(record: Record) -> None:
            self.append(record)
            starts.note(record)

        began_at = self.clock()
        starting = plan_starts(self.settings, number, self._settle_s)
        opens_at = self.clock() + START_LEAD_S + SIGNING_S * len(starting)
        await self._window(starting, opens_at, append).run()
        start_s = self.clock() - began_at if self.settings.starts_first else None
        schedule = plan(self.settings, number, self._settle_s)
        sent = len(self.tally.lateness_s)
        async with self._open(schedule, number, append) as window:
            measured = _Measured(self.clock, window.opens_at, schedule.measured)
            fault = self._fault(measured)
            await window.run(measured.watch(), fault.watch())
        self.kept |= starts.kept
        late = [each for each in self.tally.lateness_s[sent:] if each * 1000 > LATE_MS]
        return Repetition(
            number=number,
            began_at=began_at,
            measured_from=measured.begins_at,
            measured_until=measured.ends_at,
            fault_from=fault.began_at,
            fault_until=fault.ended_at,
            complete=True,
            start_s=start_s,
            cpu_pressure=measured.cpu_pressure,
            cpu_busy=measured.cpu_busy,
            unplanned_starts=starts.unplanned if self.settings.starts_first else None,
            late_share=len(late) / len(schedule),
        )

    async def _renew(self) -> None:
        if self.environments is None:
            return
        try:
            await asyncio.to_thread(self.environments.renew)
        except asyncio.CancelledError:  # Ctrl-C; the thread is still at it
            self.environments.stop()
            raise

    @contextlib.asynccontextmanager
    async def _open(self, schedule: Schedule, number: int, append: Callable[[Record], None]) -> AsyncIterator[Window]:
        """Make the window of a schedule, and write its updates until the body ends."""
        window = self._window(schedule, self.clock() + LEAD_S, append)
        updating = writing_updates(
            plan_updates(self.settings, number, self._settle_s),
            opens_at=window.opens_at,
            update=self.prepared.seeded.store.update,
            timeline=self.timeline,
            clock=self.clock,
            tally=self.tally,
        )
        with updating:
            yield window

    def _window(
        self, schedule: Iterable[PlannedInvocation], opens_at: float, append: Callable[[Record], None]
    ) -> Window:
        return Window(
            run_id=self.run_id,
            target=self.settings.target,
            opens_at=opens_at,
            schedule=schedule,
            sign=self.prepared.sign,
            invoker=self._invoker,
            timeline=self.timeline,
            append=append,
            clock=self.clock,
            tally=self.tally,
        )

    def _fault(self, measured: "_Measured") -> "_Fault":
        if self.settings.scenario != "outage" or self.control is None:
            return _Fault(measured, None)
        return _Fault(measured, self.control.fail_downstream)


class _Measured:
    """The measured time of a window (Unix seconds), and how busy the machine was in it."""

    def __init__(self, clock: Clock, opens_at: float, measured: tuple[float, float]) -> None:
        self.begins_at, self.ends_at = (opens_at + each for each in measured)
        self.cpu_pressure: float | None = None
        self.cpu_busy: float | None = None
        self.now = clock

    async def wait_until(self, share: float) -> None:
        """Wait until this share of the measured time has passed."""
        due = self.begins_at + share * (self.ends_at - self.begins_at)
        await asyncio.sleep(max(0.0, due - self.now()))

    async def watch(self) -> None:
        """Read how busy the machine is at both ends."""
        await self.wait_until(0.0)
        meter = CpuMeter()
        await self.wait_until(1.0)
        self.cpu_pressure, self.cpu_busy = meter.pressure(), meter.busy_share()


@dataclasses.dataclass(slots=True)
class _Fault:
    """The fault of scenario `outage`: every downstream call fails in the middle third of the measured time.

    ``fail_downstream`` sets the share of calls that fail; None: no fault.
    """

    measured: _Measured
    fail_downstream: Callable[[float], None] | None
    began_at: float | None = None
    ended_at: float | None = None

    async def watch(self) -> None:
        """Begin and end the fault, if there is one."""
        if self.fail_downstream is None:
            return
        try:
            await self.measured.wait_until(1 / 3)
            self.began_at = self.measured.now()
            # Shielded: a request that is under way must not arrive after the one that ends the fault.
            beginning = asyncio.ensure_future(asyncio.to_thread(self.fail_downstream, 1.0))
            try:
                await asyncio.shield(beginning)
            finally:
                await asyncio.wait([beginning])
            await self.measured.wait_until(2 / 3)
        finally:  # also when the run is interrupted
            self.fail_downstream(0.0)
            self.ended_at = self.measured.now()
