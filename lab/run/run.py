"""One run, from the deployment to the finished folder."""

import asyncio
import contextlib
import dataclasses
import datetime
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console

from facts.names import COMPARISON_STACK, LOAD_STACK, function_name, stack_name
from functions.registry import BASELINE, VARIANTS
from lab.aws.connection import Connection
from lab.deploy.cdk import Application, application
from lab.deploy.consent import Ask
from lab.deploy.deployment import Deployment, function_urls, read_deployment
from lab.deploy.items import Store
from lab.deploy.lifecycle import Seeded, deploy_and_seed, seed_items
from lab.drive.answers import parse_invoke_answer, parse_url_answer
from lab.drive.clock import Clock, steady_clock
from lab.drive.invoke import Invoker, SignInvocation, by_function_url, by_invoke_api
from lab.drive.machine import allow_many_connections, describe_machine, going_first
from lab.drive.progress import show_progress
from lab.drive.schedule import plan, plan_updates
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline, writing_updates
from lab.drive.window import InvocationsRefusedError, Window, beside, meter_cpu, undisturbed
from lab.errors import LabError, RunInterruptedError
from lab.fleet.fleet import Fleet, check_new, find_fleet, put_run
from lab.fleet.fleet_window import FleetWindow
from lab.records.folder import RunFolder
from lab.records.run_file import (
    FULL_SHARE,
    CpuLoad,
    LocalEndpoint,
    Machine,
    MeasuredSettings,
    RunFile,
    RunIdentity,
    WireCounts,
    describe_variants,
)
from lab.run.aws_side import AwsSide
from lab.run.consent import before_run
from lab.run.endpoint_control import EndpointControl
from lab.run.preflight import check
from lab.run.settings import Settings
from lab.run.warnings import Warnings, endpoint_warnings, update_warnings
from lab.steps import Steps

LEAD_S: Final = 0.3  # from the start of the threads to the opening of the window
PATIENCE_S: Final = 15.0  # beyond the functions' timeout: Lambda's own 10 s for init, and the way there and back


class Surroundings(NamedTuple):
    """What a run is made in.

    Attributes:
        endpoint_url: a local endpoint that is running; None starts one for this run alone, and is right for AWS.
        steps: is told of each step.
        console: where progress goes.
        ask: is asked before anything is done on AWS.
        metrics_wait_s: how long to wait, at most, for DynamoDB's own count of the reads on AWS; 0 does without.
    """

    endpoint_url: str | None
    steps: Steps
    console: Console
    ask: Ask
    metrics_wait_s: float = 0.0


def run(settings: Settings, *, out: Path, surroundings: Surroundings) -> Tally:
    """Deploy (at the local endpoint), seed, drive, and write the run down.

    Args:
        settings: what to do.
        out: the run's folder, whose name is the run's id.
        surroundings: where to do it.

    Returns:
        What was counted.

    Raises:
        LabError: a step failed.
        RunInterruptedError: Ctrl-C. In both cases the records written so far are kept.
    """
    recorded = 0
    try:
        with RunFolder(out, invocations=settings.invocations * len(settings.variants)) as folder:
            try:
                with _endpoint(settings, surroundings) as url:
                    return _Run(settings, folder, surroundings._replace(endpoint_url=url)).run()
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
    return f"{recorded:,} records are kept: python -m lab report {out}" if recorded else "nothing was recorded yet"


def _starts_delayed(info: Mapping[str, Any] | None) -> int:
    """How many environments have waited to start since the endpoint is up."""
    return 0 if info is None else int(info.get("starts_delayed", {}).get("count", 0))


@contextlib.contextmanager
def _endpoint(settings: Settings, surroundings: Surroundings) -> Iterator[str | None]:
    if settings.target == "aws" or surroundings.endpoint_url is not None:
        yield surroundings.endpoint_url
        return
    from lab.endpoint.process import started_endpoint  # noqa: PLC0415 -- heavy, and not needed for an endpoint given

    with contextlib.ExitStack() as stack:
        with surroundings.steps.step("start the local endpoint"):
            url = stack.enter_context(started_endpoint())
        yield url


class _Run:
    """The steps of one run against a target that is there."""

    def __init__(self, settings: Settings, folder: RunFolder, surroundings: Surroundings) -> None:
        self._settings = settings
        self._folder = folder
        self._surroundings = surroundings
        self._steps = surroundings.steps
        url = surroundings.endpoint_url
        self._control = None if url is None else EndpointControl(url)
        self._connection = Connection(target=settings.target, endpoint_url=url)
        self._aws = AwsSide(self._connection, settings.source, self._steps) if settings.target == "aws" else None
        self._clock: Clock = steady_clock()
        self._timeline = VersionTimeline()
        self._tally = Tally(settings.variants)

    def run(self) -> Tally:
        """Every step."""
        deployment, store = self._prepare()
        way = self._way_in()
        fleet = self._fleet()
        begun_run = self._begun_run(deployment)
        self._folder.begin(begun_run)
        if fleet is not None:  # the run can then be reported even if this process is killed
            put_run(self._connection, fleet, self._folder.path.name, begun_run)
        before, delayed_before = self._wire(), _starts_delayed(self._info())
        begun = self._clock()
        with self._steps.step("drive the variants"):
            if fleet is None:
                self._drive(store, deployment, way)
            else:
                self._drive_by(fleet, store, deployment)
        ended = self._clock()
        wire = _difference(before, self._wire())
        info = self._info()
        found = endpoint_warnings(info, delayed_before) + update_warnings(self._tally)
        ended_run = dataclasses.replace(
            begun_run,
            local=_local(info, deployment.runtime),
            cpu=_cpu_load(self._tally),
            wire=wire,
            finished=True,
            finished_at=_now(),
        )
        self._folder.write_run(self._with_aws(ended_run, found))
        if self._aws is not None:
            # This can take minutes: the run is whole without it.
            self._aws.after(begun, ended, self._tally, self._surroundings.metrics_wait_s)
            self._folder.write_run(self._with_aws(ended_run, found))
        if fleet is not None:
            put_run(self._connection, fleet, self._folder.path.name, self._with_aws(ended_run, found))
        return self._tally

    def _with_aws(self, run: RunFile, found: Warnings) -> RunFile:
        """The run with its warnings, and on AWS with what was observed there by now."""
        if self._aws is None:
            return dataclasses.replace(run, warnings=tuple(found))
        warnings = found + self._aws.warnings()
        return dataclasses.replace(run, aws=self._aws.content(self._tally), warnings=tuple(warnings))

    def _prepare(self) -> tuple[Deployment, Store]:
        """Have functions and items at the target, in the state of now."""
        deployment, seeded = self._prepare_aws() if self._aws is not None else self._prepare_local()
        now = self._clock()
        for key, version in seeded.versions.items():
            self._timeline.add(key, version, now)
        return deployment, seeded.store

    def _prepare_aws(self) -> tuple[Deployment, Seeded]:
        """See that all is there, and ask; what is deployed is measured as it is."""
        assert self._aws is not None
        found = check(self._connection, self._settings)
        self._way_in()
        self._fleet()
        self._surroundings.ask(before_run(found.caller, self._settings, found.deployment, found.limit))
        self._aws.before()
        return found.deployment, self._seed()

    def _prepare_local(self) -> tuple[Deployment, Seeded]:
        """Deploy what the run needs, and seed its items."""
        settings, steps = self._settings, self._steps
        if self._control is not None:
            self._control.info()
            # A run that was killed in the middle of an outage leaves it on.
            self._control.fail_downstream(0.0)
        with contextlib.ExitStack() as stack:
            with steps.step("synthesize"):
                app = stack.enter_context(self._application())
            with steps.step("bootstrap"):
                app.bootstrap()
            stacks = [*map(stack_name, settings.variants), COMPARISON_STACK, *([LOAD_STACK] if settings.fleet else [])]
            seeded = deploy_and_seed(app, self._connection, settings.source, settings.keys, steps, stacks=stacks)
        return read_deployment(self._connection, settings.variants), seeded

    def _seed(self) -> Seeded:
        return seed_items(self._connection, self._settings.source, self._settings.keys, self._steps)

    def _application(self) -> contextlib.AbstractContextManager[Application]:
        settings = self._settings
        return application(
            target=settings.target,
            endpoint_url=self._surroundings.endpoint_url,
            context=self._context(),
            echo=self._steps.echo,
        )

    def _context(self) -> dict[str, str]:
        url = {"function_url": "true"} if self._settings.via == "url" else {}
        load = {"load": "true"} if self._settings.fleet else {}
        own = {"source": self._settings.source, "keys": str(self._settings.keys)}
        return {**self._settings.context, **own, **url, **load}

    def _way_in(self) -> SignInvocation:
        region, credentials = self._connection.region, self._connection.credentials()
        if self._settings.via == "url":
            urls = function_urls(self._connection, self._settings.variants)
            return by_function_url(urls=urls, region=region, credentials=credentials)
        return by_invoke_api(endpoint_url=self._connection.address("lambda"), region=region, credentials=credentials)

    def _drive(self, store: Store, deployment: Deployment, way: SignInvocation) -> None:
        allow_many_connections()
        try:
            with undisturbed(), going_first():
                asyncio.run(self._drive_all(store, deployment, way))
        finally:
            if self._control is not None and self._settings.scenario == "outage":
                with contextlib.suppress(LabError):
                    self._control.fail_downstream(0.0)

    def _fleet(self) -> Fleet | None:
        if not self._settings.fleet:
            return None
        fleet = find_fleet(self._connection)
        check_new(self._connection, fleet, self._folder.path.name)
        return fleet

    def _drive_by(self, fleet: Fleet, store: Store, deployment: Deployment) -> None:
        self._steps.echo(f"records: s3://{fleet.bucket}/{self._folder.path.name}")
        FleetWindow(
            connection=self._connection,
            fleet=fleet,
            run_id=self._folder.path.name,
            target=self._settings.target,
            drivers=self._settings.fleet,
            schedule=list(plan(self._settings)),
            updates=plan_updates(self._settings),
            update=store.update,
            timeline=self._timeline,
            append=self._folder.append,
            clock=self._clock,
            ahead_s=0.0 if self._aws is None else self._aws.ahead_s,
            timeout_s=deployment.timeout_s + PATIENCE_S,
            tally=self._tally,
            console=self._surroundings.console,
        ).run()

    async def _drive_all(self, store: Store, deployment: Deployment, way: SignInvocation) -> None:
        schedule = plan(self._settings)
        parse = parse_url_answer if self._settings.via == "url" else parse_invoke_answer
        async with Invoker(timeout_s=deployment.timeout_s + PATIENCE_S, parse=parse) as invoker:
            window = Window(
                run_id=self._folder.path.name,
                target=self._settings.target,
                opens_at=self._clock() + LEAD_S,
                schedule=schedule,
                sign=way,
                invoker=invoker,
                timeline=self._timeline,
                append=self._folder.append,
                clock=self._clock,
                tally=self._tally,
            )
            updating = writing_updates(
                plan_updates(self._settings),
                opens_at=window.opens_at,
                update=store.update,
                timeline=self._timeline,
                clock=self._clock,
                tally=self._tally,
            )
            progress = show_progress(self._tally, total=len(schedule), console=self._surroundings.console)
            async with beside(progress), beside(meter_cpu(self._tally)):
                with updating:
                    await window.run(*self._faults(window.opens_at))

    def _faults(self, opens_at: float) -> Iterator[Coroutine[Any, Any, None]]:
        if self._settings.scenario == "outage" and self._control is not None:
            third = self._settings.duration_s / 3
            yield self._fail_between(self._control, opens_at + third, opens_at + 2 * third)

    async def _fail_between(self, control: EndpointControl, begin: float, end: float) -> None:
        for moment, error_rate in ((begin, 1.0), (end, 0.0)):
            await asyncio.sleep(max(0.0, moment - self._clock()))
            await asyncio.to_thread(control.fail_downstream, error_rate)

    def _wire(self) -> dict[str, WireCounts] | None:
        if self._control is None:
            return None
        functions = self._control.wire()
        return {variant: _counts(functions.get(function_name(variant), {})) for variant in self._settings.variants}

    def _info(self) -> dict[str, Any] | None:
        return None if self._control is None else self._control.info()

    def _begun_run(self, deployment: Deployment) -> RunFile:
        settings = self._settings
        return RunFile(
            run=RunIdentity(
                id=self._folder.path.name,
                target=settings.target,
                via=settings.via,
                fleet=settings.fleet,
                scenario=settings.scenario,
                source=settings.source,
                started_at=_now(),
                duration_s=settings.duration_s,
                seed=settings.seed,
                runtime=deployment.runtime,
                machine=Machine(**describe_machine()),
            ),
            settings=MeasuredSettings(
                variants=settings.variants,
                rate=settings.rate,
                keys=settings.keys,
                skew=settings.skew,
                updates=settings.updates,
                ttl_s=deployment.ttl_s,
                memory_mb=deployment.memory_mb,
                architecture=deployment.architecture,
                context=dict(settings.context),
            ),
            variants=describe_variants(VARIANTS, settings.variants),
            baseline=BASELINE,
            local=_local(self._info(), deployment.runtime),
            aws=None if self._aws is None else self._aws.content(self._tally),
        )


def _counts(seen: Mapping[str, Any]) -> WireCounts:
    return WireCounts(
        downstream_calls=int(seen.get("downstream_calls", 0)), downstream_errors=int(seen.get("downstream_errors", 0))
    )


def _local(info: Mapping[str, Any] | None, runtime: str) -> LocalEndpoint | None:
    if info is None:
        return None
    profile = info.get("profile") or {}
    return LocalEndpoint(
        interpreter=(info.get("interpreters", {}).get(runtime) or {}).get("interpreter"),
        profile=profile.get("name"),
        profile_text=profile.get("text"),
        tiers=info.get("tiers"),
    )


def _cpu_load(tally: Tally) -> CpuLoad | None:
    shares = tally.busy_shares
    return CpuLoad(seconds=len(shares), full_seconds=sum(share >= FULL_SHARE for share in shares)) if shares else None


def _difference(
    before: Mapping[str, WireCounts] | None, after: Mapping[str, WireCounts] | None
) -> dict[str, WireCounts] | None:
    if before is None or after is None:
        return None
    return {
        variant: WireCounts(
            downstream_calls=(counts.downstream_calls or 0) - (before[variant].downstream_calls or 0),
            downstream_errors=(counts.downstream_errors or 0) - (before[variant].downstream_errors or 0),
        )
        for variant, counts in after.items()
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
