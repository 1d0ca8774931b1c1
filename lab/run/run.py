"""One run: prepare the target, drive the load, observe it, finish the folder."""

import contextlib
import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from facts.warnings import WarningCode
from functions.registry import BASELINE, VARIANTS
from lab.aws.connection import Connection
from lab.aws.published_versions import PublishedVersions
from lab.deploy.consent import Ask
from lab.deploy.deployment import Deployment, read_dashboards
from lab.deploy.endpoint_control import EndpointControl
from lab.drive.clock import Clock, steady_clock
from lab.drive.machine import describe_machine
from lab.drive.schedule import plan, plan_updates
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline
from lab.drive.window import InvocationsRefusedError
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
    Repetition,
    RunFile,
    RunIdentity,
    RunWarning,
    describe_variants,
    run_warning,
)
from lab.run.aws_observer import AwsObserver
from lab.run.driver import PATIENCE_S, Driver
from lab.run.environments import Environments, LocalEnvironments
from lab.run.local_observer import LocalObserver
from lab.run.prepare import Prepared, prepare_aws, prepare_local
from lab.run.settings import RunSettings
from lab.steps import Steps


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
        with RunFolder(out, invocations=settings.most_invocations) as folder:
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
        self._file = RunFile()

    def run(self) -> Tally:
        """Prepare, drive, observe, finish."""
        prepared = self._prepare()
        fleet = prepared.fleet
        observer = self._observer()
        self._file = observer.begin(self._describe(prepared.deployment))
        self._begin(fleet)
        began = self._clock()
        with self._surroundings.steps.step("drive the variants"):
            if fleet is None:
                self._drive(prepared)
            else:
                self._drive_by(fleet, prepared, observer)
        ended = self._clock()
        self._finish()
        self._write(observer.end(self._file), fleet)
        if isinstance(observer, AwsObserver):
            # This can take minutes, and the run is complete without it.
            observer.wait_for_table_metrics(began, ended, self._surroundings.metrics_wait_s)
            self._write(observer.end(self._file), fleet)
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
            return AwsObserver(self._connection, self._settings, self._tally, self._surroundings.steps)
        return LocalObserver(EndpointControl(self._endpoint_url), self._settings.names)

    def _describe(self, deployment: Deployment) -> RunFile:
        """The run file as far as it is known before the window; its fields have the names of the settings."""
        known = deployment._asdict() | dataclasses.asdict(self._settings)
        known |= {"id": self._id, "started_at": _now(), "machine": Machine(**describe_machine())}
        known["repetitions"] = self._settings.repeat
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

    def _begin(self, fleet: Fleet | None) -> None:
        """Begin the folder, with the dashboards; a fleet's run also in S3, where it outlives this process."""
        self._folder.begin(self._file)
        dashboards = read_dashboards(self._connection, self._settings.names, self._settings.variants)
        self._folder.write_dashboards(dashboards)
        if fleet is not None:
            put_file(self._connection, fleet, self._id, RUN_FILE, self._file.to_json())
            put_file(self._connection, fleet, self._id, DASHBOARDS_FILE, dashboards_to_json(dashboards))

    def _write(self, run_file: RunFile, fleet: Fleet | None) -> None:
        self._folder.write_run(run_file)
        if fleet is not None:
            put_file(self._connection, fleet, self._id, RUN_FILE, run_file.to_json())

    def _finish(self) -> None:
        tally, shares = self._tally, self._tally.busy_shares
        if tally.updates_failed:
            updates = tally.updates_failed + tally.updates_written
            code, times = tally.update_errors.most_common(1)[0]
            self._warn(
                run_warning(
                    WarningCode.UPDATES_FAILED,
                    f"{tally.updates_failed} of {updates} item updates were not acknowledged ({code}, {times} times)",
                    "staleness is a lower bound for those items; lower --updates, or check the source's own limits",
                )
            )
        full = sum(share >= FULL_SHARE for share in shares)
        cpu = CpuLoad(seconds=len(shares), full_seconds=full) if shares else None
        self._file = dataclasses.replace(self._file, cpu=cpu, finished=True, finished_at=_now())

    def _warn(self, warning: RunWarning) -> None:
        self._file = dataclasses.replace(self._file, warnings=(*self._file.warnings, warning))

    def _drive(self, prepared: Prepared) -> None:
        """Send the invocations from this process."""
        control = None if self._endpoint_url is None else EndpointControl(self._endpoint_url)
        with self._environments(control) as environments:
            driver = Driver(
                settings=self._settings,
                run_id=self._id,
                prepared=prepared,
                timeline=self._timeline,
                tally=self._tally,
                clock=self._clock,
                console=self._surroundings.console,
                append=self._folder.append,
                keep=self._keep,
                environments=environments,
                control=control,
            )
            driver.run()
        self._warn_of_kept(len(driver.kept), environments)

    def _warn_of_kept(self, kept: int, environments: Environments | None) -> None:
        """Warn of environments that had started before the repetition in which they served."""
        if kept:
            message = f"{kept} environment{'s' if kept > 1 else ''} served that had started before the repetition"
        elif isinstance(environments, LocalEnvironments) and not environments.ended:
            message = "not all environments ended before a repetition began, and they may have served in it"
        else:
            return
        advice = "repeat the run while nothing else invokes the functions, on a local endpoint of this version"
        self._warn(run_warning(WarningCode.STARTED_WARM, message, advice))

    @contextlib.contextmanager
    def _environments(self, control: EndpointControl | None) -> Iterator[Environments | None]:
        if control is not None:
            yield LocalEnvironments(control)
        elif self._settings.fresh_environments:
            functions = [*map(self._settings.names.function_name, self._settings.variants)]
            with PublishedVersions(self._connection, functions, self._surroundings.steps.echo) as versions:
                yield versions
        else:
            yield None

    def _keep(self, repetition: Repetition) -> None:
        """Write a complete repetition down at once, so that a killed run keeps it."""
        self._file = dataclasses.replace(self._file, repetitions=(*self._file.repetitions, repetition))
        self._folder.write_run(self._file)

    def _drive_by(self, fleet: Fleet, prepared: Prepared, observer: LocalObserver | AwsObserver) -> None:
        """Send the invocations from a fleet's driver functions."""
        if self._endpoint_url is not None:
            environments = LocalEnvironments(EndpointControl(self._endpoint_url))
            environments.renew()
            self._warn_of_kept(0, environments)
        self._surroundings.steps.echo(f"records: s3://{fleet.bucket}/{self._id}")
        FleetWindow(
            connection=self._connection,
            fleet=fleet,
            run_id=self._id,
            target=self._settings.target,
            instance=self._settings.instance,
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
