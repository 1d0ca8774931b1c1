"""One run: prepare the target, drive the window, observe it, finish the folder."""

import asyncio
import contextlib
import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

from facts.warnings import WarningCode
from functions.registry import BASELINE, VARIANTS
from lab.aws.connection import Connection
from lab.deploy.consent import Ask
from lab.deploy.deployment import Deployment, read_dashboards
from lab.deploy.endpoint_control import EndpointControl
from lab.drive.answers import parse_invoke_answer, parse_url_answer
from lab.drive.clock import Clock, steady_clock
from lab.drive.invoke import Invoker
from lab.drive.machine import allow_many_connections, describe_machine, going_first
from lab.drive.progress import show_progress
from lab.drive.schedule import plan, plan_updates
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline, writing_updates
from lab.drive.window import InvocationsRefusedError, Window, beside, meter_cpu, undisturbed
from lab.errors import LabError, RunInterruptedError
from lab.fleet.fleet import Fleet, put_file
from lab.fleet.fleet_window import FleetWindow
from lab.records.dashboards_file import DASHBOARDS_FILE, dashboards_to_json
from lab.records.folder import RunFolder
from lab.records.run_file import (
    FULL_SHARE,
    RUN_FILE,
    CpuLoad,
    Machine,
    MeasuredSettings,
    RunFile,
    RunIdentity,
    describe_variants,
    run_warning,
)
from lab.run.aws_observer import AwsObserver
from lab.run.local_observer import LocalObserver
from lab.run.prepare import Prepared, prepare_aws, prepare_local
from lab.run.settings import RunSettings
from lab.steps import Steps

LEAD_S: Final = 0.3  # between the start of the threads and the opening of the window
PATIENCE_S: Final = 15.0  # beyond the functions' timeout: Lambda's own 10 s for init, and the network


class Surroundings(NamedTuple):
    """What a run needs beside its settings.

    ``endpoint_url`` is a running local endpoint; None on AWS, or to start one for this run. ``metrics_wait_s`` is how
    long to wait, at most, for DynamoDB's own count of the reads on AWS; 0: do without it.
    """

    endpoint_url: str | None
    steps: Steps
    console: Console
    ask: Ask
    metrics_wait_s: float = 0.0


def run(settings: RunSettings, *, out: Path, surroundings: Surroundings) -> Tally:
    """Deploy (local target only), seed, drive, and write the run's folder, whose name is the run's id.

    Returns what was counted. Raises `LabError` if a step failed, `RunInterruptedError` at Ctrl-C; the records so far
    are kept.
    """
    recorded = 0
    try:
        with RunFolder(out, invocations=settings.invocations * len(settings.variants)) as folder:
            try:
                with _endpoint(settings, surroundings) as url:
                    return _Run(settings, folder, surroundings, url).run()
            except InvocationsRefusedError:
                folder.discard()
                raise
            finally:
                recorded = folder.appended
    except KeyboardInterrupt:
        raise RunInterruptedError(f"interrupted; {_kept(recorded, out)}") from None
    except LabError as error:
        if not recorded:
            raise
        raise LabError(f"{error}; {_kept(recorded, out)}") from error


def _kept(recorded: int, out: Path) -> str:
    return f"{recorded:,} records are kept: `lab report {out}` shows them" if recorded else "nothing was recorded yet"


@contextlib.contextmanager
def _endpoint(settings: RunSettings, surroundings: Surroundings) -> Iterator[str | None]:
    if settings.target == "aws" or surroundings.endpoint_url is not None:
        yield surroundings.endpoint_url
        return
    from lab.endpoint.process import started_endpoint  # noqa: PLC0415 -- heavy, and seldom needed

    with surroundings.steps.entering("start the local endpoint", started_endpoint()) as url:
        yield url


class _Run:
    """The steps of one run. Locally, ``endpoint_url`` is the address of the endpoint; on AWS it is None."""

    def __init__(
        self, settings: RunSettings, folder: RunFolder, surroundings: Surroundings, endpoint_url: str | None
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._id = folder.path.name
        self._surroundings = surroundings
        self._endpoint_url = endpoint_url
        self._connection = Connection(target=settings.target, endpoint_url=endpoint_url)
        self._clock: Clock = steady_clock()
        self._timeline = VersionTimeline()
        self._tally = Tally(settings.variants)

    def run(self) -> Tally:
        """Prepare, drive, observe, finish."""
        prepared = self._prepare()
        fleet = prepared.fleet
        observer = self._observer()
        run_file = observer.begin(self._describe(prepared.deployment))
        self._begin(run_file, fleet)
        began = self._clock()
        with self._surroundings.steps.step("drive the variants"):
            if fleet is None:
                self._drive(prepared)
            else:
                self._drive_by(fleet, prepared, observer)
        ended = self._clock()
        finished = self._finish(run_file)
        self._write(observer.end(finished), fleet)
        if isinstance(observer, AwsObserver):
            # This can take minutes, and the run is complete without it.
            observer.wait_for_table_metrics(began, ended, self._surroundings.metrics_wait_s)
            self._write(observer.end(finished), fleet)
        return self._tally

    def _prepare(self) -> Prepared:
        settings, steps = self._settings, self._surroundings.steps
        if self._endpoint_url is None:
            prepared = prepare_aws(settings, self._id, self._connection, self._surroundings.ask, steps)
        else:
            prepared = prepare_local(settings, self._id, self._connection, self._endpoint_url, steps)
        now = self._clock()
        for key, version in prepared.seeded.versions.items():
            self._timeline.add(key, version, now)
        return prepared

    def _observer(self) -> LocalObserver | AwsObserver:
        if self._endpoint_url is None:
            return AwsObserver(self._connection, self._settings.source, self._tally, self._surroundings.steps)
        return LocalObserver(EndpointControl(self._endpoint_url))

    def _describe(self, deployment: Deployment) -> RunFile:
        """The run file as far as it is known before the window; its fields have the names of the settings."""
        known = deployment._asdict() | dataclasses.asdict(self._settings)
        known |= {"id": self._id, "started_at": _now(), "machine": Machine(**describe_machine())}
        run, measured = (
            {field.name: known[field.name] for field in dataclasses.fields(kind)}
            for kind in (RunIdentity, MeasuredSettings)
        )
        return RunFile(
            run=RunIdentity(**run),
            settings=MeasuredSettings(**measured),
            variants=describe_variants(VARIANTS, self._settings.variants),
            baseline=BASELINE,
        )

    def _begin(self, run_file: RunFile, fleet: Fleet | None) -> None:
        """Begin the folder, with the dashboards; a fleet's run also in S3, where it outlives this process."""
        self._folder.begin(run_file)
        dashboards = read_dashboards(self._connection, self._settings.variants)
        self._folder.write_dashboards(dashboards)
        if fleet is not None:
            put_file(self._connection, fleet, self._id, RUN_FILE, run_file.to_json())
            put_file(self._connection, fleet, self._id, DASHBOARDS_FILE, dashboards_to_json(dashboards))

    def _write(self, run_file: RunFile, fleet: Fleet | None) -> None:
        self._folder.write_run(run_file)
        if fleet is not None:
            put_file(self._connection, fleet, self._id, RUN_FILE, run_file.to_json())

    def _finish(self, run_file: RunFile) -> RunFile:
        tally, shares = self._tally, self._tally.busy_shares
        warnings = []
        if tally.updates_failed:
            updates = tally.updates_failed + tally.updates_written
            warnings.append(
                run_warning(
                    WarningCode.UPDATES_FAILED,
                    f"{tally.updates_failed} of {updates} item updates were not acknowledged",
                    "staleness is a lower bound for those items; lower --updates, or check the source's own limits",
                )
            )
        full = sum(share >= FULL_SHARE for share in shares)
        cpu = CpuLoad(seconds=len(shares), full_seconds=full) if shares else None
        return dataclasses.replace(
            run_file, cpu=cpu, finished=True, finished_at=_now(), warnings=(*run_file.warnings, *warnings)
        )

    def _drive(self, prepared: Prepared) -> None:
        """Send the invocations from this process."""
        allow_many_connections()
        with undisturbed(), going_first():
            asyncio.run(self._drive_window(prepared))

    async def _drive_window(self, prepared: Prepared) -> None:
        schedule = plan(self._settings)
        parse = parse_url_answer if self._settings.via == "url" else parse_invoke_answer
        async with Invoker(timeout_s=prepared.deployment.timeout_s + PATIENCE_S, parse=parse) as invoker:
            window = Window(
                run_id=self._id,
                target=self._settings.target,
                opens_at=self._clock() + LEAD_S,
                schedule=schedule,
                sign=prepared.sign,
                invoker=invoker,
                timeline=self._timeline,
                append=self._folder.append,
                clock=self._clock,
                tally=self._tally,
            )
            updating = writing_updates(
                plan_updates(self._settings),
                opens_at=window.opens_at,
                update=prepared.seeded.store.update,
                timeline=self._timeline,
                clock=self._clock,
                tally=self._tally,
            )
            progress = show_progress(self._tally, total=len(schedule), console=self._surroundings.console)
            async with beside(progress), beside(meter_cpu(self._tally)):
                with updating:
                    await window.run(self._outage(window.opens_at))

    async def _outage(self, opens_at: float) -> None:
        """In the scenario `outage`, fail every downstream call in the middle third of the window."""
        if self._settings.scenario != "outage" or self._endpoint_url is None:
            return
        control = EndpointControl(self._endpoint_url)
        third = self._settings.duration_s / 3
        try:
            await asyncio.sleep(max(0.0, opens_at + third - self._clock()))
            await asyncio.to_thread(control.fail_downstream, 1.0)
            await asyncio.sleep(max(0.0, opens_at + 2 * third - self._clock()))
        finally:  # also when the run is interrupted
            control.fail_downstream(0.0)

    def _drive_by(self, fleet: Fleet, prepared: Prepared, observer: LocalObserver | AwsObserver) -> None:
        """Send the invocations from a fleet's driver functions."""
        self._surroundings.steps.echo(f"records: s3://{fleet.bucket}/{self._id}")
        FleetWindow(
            connection=self._connection,
            fleet=fleet,
            run_id=self._id,
            target=self._settings.target,
            drivers=self._settings.fleet,
            schedule=list(plan(self._settings)),
            updates=plan_updates(self._settings),
            update=prepared.seeded.store.update,
            timeline=self._timeline,
            append=self._folder.append,
            clock=self._clock,
            ahead_s=observer.ahead_s if isinstance(observer, AwsObserver) else 0.0,
            timeout_s=prepared.deployment.timeout_s + PATIENCE_S,
            tally=self._tally,
            console=self._surroundings.console,
        ).run()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
