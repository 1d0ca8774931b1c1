"""One run, from the deployment to the finished folder."""

import asyncio
import contextlib
import datetime
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from rich.console import Console

from lab.deploy import Application, application
from lab.drive.cautions import cautions, interpreter_cautions, start_cautions
from lab.drive.connection import Connection, aws_errors
from lab.drive.control import EndpointControl
from lab.drive.deployment import (
    COMPARISON_STACK,
    SOURCE_STACK,
    Deployment,
    read_bucket,
    read_deployment,
    variant_stack,
)
from lab.drive.folder import RunFolder
from lab.drive.invoke import FUNCTION_PREFIX, Invoker, Signer
from lab.drive.machine import allow_many_connections, describe_machine, going_first
from lab.drive.pace import Clock, steady_clock
from lab.drive.progress import show_progress
from lab.drive.schedule import all_keys, plan, plan_updates
from lab.drive.settings import Settings, Source, Target
from lab.drive.steps import Steps
from lab.drive.store import Store, open_store, seed
from lab.drive.tally import Tally
from lab.drive.versions import VersionTimeline
from lab.drive.window import Window, beside, meter_cpu, undisturbed
from lab.errors import LabError, RunInterruptedError
from lab.records import SCHEMA_VERSION

LEAD_S: Final = 0.3  # from the start of the threads to the opening of the window
WIRE_COUNTS: Final = ("downstream_calls", "downstream_errors")
PATIENCE_S: Final = 15.0  # beyond the functions' timeout: Lambda's own 10 s for init, and the way there and back


Wire: TypeAlias = dict[str, dict[str, int]]


def run(settings: Settings, *, out: Path, endpoint_url: str | None, steps: Steps, console: Console) -> Tally:
    """Deploy, seed, drive, and write the run down.

    Args:
        settings: what to do.
        out: the run's folder, whose name is the run's id.
        endpoint_url: a local endpoint that is running; None starts one for this run alone, and is right for AWS.
        steps: is told of each step.
        console: where progress goes.

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
                with _endpoint(settings, endpoint_url, steps) as url:
                    return _Run(settings, folder, url, steps, console).run()
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


def remove_items(*, source: Source, target: Target, endpoint_url: str | None) -> None:
    """Remove the items of a source, as far as they would outlive the source stack or hold up its removal.

    Raises:
        LabError: they cannot be removed.
    """
    connection = Connection(target=target, endpoint_url=endpoint_url)
    _empty_bucket(connection)
    if source != "s3":
        with aws_errors("remove the items"):
            open_store(source, connection).clear()


def _starts_delayed(info: Mapping[str, Any] | None) -> int:
    """How many environments have waited to start since the endpoint is up."""
    return 0 if info is None else int(info.get("starts_delayed", {}).get("count", 0))


def _empty_bucket(connection: Connection) -> None:
    """CloudFormation cannot delete a bucket that holds anything."""
    bucket = read_bucket(connection)
    if bucket is not None:
        with aws_errors(f"empty the bucket {bucket}"):
            open_store("s3", connection, bucket).clear()


@contextlib.contextmanager
def _endpoint(settings: Settings, endpoint_url: str | None, steps: Steps) -> Iterator[str | None]:
    if settings.target == "aws" or endpoint_url is not None:
        yield endpoint_url
        return
    from lab.endpoint.process import started_endpoint  # noqa: PLC0415 -- heavy, and not needed for an endpoint given

    with contextlib.ExitStack() as stack:
        with steps.step("start the local endpoint"):
            url = stack.enter_context(started_endpoint())
        yield url


class _Run:
    """The steps of one run against a target that is there."""

    def __init__(
        self,
        settings: Settings,
        folder: RunFolder,
        endpoint_url: str | None,
        steps: Steps,
        console: Console,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._endpoint_url = endpoint_url
        self._steps = steps
        self._console = console
        self._control = None if endpoint_url is None else EndpointControl(endpoint_url)
        self._connection = Connection(target=settings.target, endpoint_url=endpoint_url)
        self._clock: Clock = steady_clock()
        self._timeline = VersionTimeline()
        self._tally = Tally(settings.variants)

    def run(self) -> Tally:
        """Every step."""
        self._greet()
        with contextlib.ExitStack() as stack:
            with self._steps.step("synthesize"):
                app = stack.enter_context(self._application())
            store = self._deploy(app)
        deployment = read_deployment(self._connection, self._settings.variants)
        content = self._content(deployment)
        self._folder.begin(content)
        before, delayed_before = self._wire(), _starts_delayed(self._info())
        with self._steps.step("drive the variants"):
            self._drive(store, deployment)
        wire = _difference(before, self._wire())
        info = self._info()
        found = interpreter_cautions(info, deployment.runtime) + cautions(self._tally, wire)
        found += start_cautions(info, since=delayed_before)
        ending = {"local": _local(info, deployment.runtime), "wire": wire, "warnings": found}
        self._folder.write_run(content | ending | {"finished": True, "finished_at": _now()})
        return self._tally

    def _greet(self) -> None:
        """See who is there, before anything is changed."""
        if self._control is not None:
            self._control.info()
            # A run that was killed in the middle of an outage leaves it on.
            self._control.fail_downstream(0.0)
            return
        with aws_errors("use AWS with these credentials"):
            account = self._connection.client("sts").get_caller_identity()["Account"]
        self._steps.echo(
            f"AWS account {account}, {self._connection.region}: what is deployed there costs money until"
            " `python -m lab destroy --target aws`"
        )

    def _application(self) -> contextlib.AbstractContextManager[Application]:
        settings = self._settings
        return application(
            target=settings.target, endpoint_url=self._endpoint_url, source=settings.source, echo=self._steps.echo
        )

    def _deploy(self, app: Application) -> Store:
        """Deploy all, in two parts: a SnapStart version reads its items when it is published, so they come before."""
        settings, steps = self._settings, self._steps
        if settings.target == "local":
            with steps.step("bootstrap"):
                app.bootstrap()
        with steps.step("deploy the source"):
            if settings.source != "s3":  # whose bucket goes then, if there is one from before
                _empty_bucket(self._connection)
            app.deploy([SOURCE_STACK])
        with steps.step(f"seed {settings.keys} items"):
            store = self._seed()
        with steps.step("deploy the variants"):
            app.deploy([*(variant_stack(variant) for variant in settings.variants), COMPARISON_STACK])
        return store

    def _seed(self) -> Store:
        bucket = read_bucket(self._connection) if self._settings.source == "s3" else None
        store = open_store(self._settings.source, self._connection, bucket)
        versions = seed(store, all_keys(self._settings.keys))
        now = self._clock()
        for key, version in versions.items():
            self._timeline.add(key, version, now)
        return store

    def _drive(self, store: Store, deployment: Deployment) -> None:
        allow_many_connections()
        try:
            with undisturbed(), going_first():
                asyncio.run(self._drive_all(store, deployment))
        finally:
            if self._control is not None and self._settings.scenario == "outage":
                with contextlib.suppress(LabError):
                    self._control.fail_downstream(0.0)

    async def _drive_all(self, store: Store, deployment: Deployment) -> None:
        schedule = plan(self._settings)
        signer = Signer(
            endpoint_url=self._endpoint_url or self._connection.client("lambda").meta.endpoint_url,
            region=self._connection.region,
            credentials=self._connection.credentials(),
        )
        async with Invoker(timeout_s=deployment.timeout_s + PATIENCE_S) as invoker:
            window = Window(
                run_id=self._folder.path.name,
                target=self._settings.target,
                opens_at=self._clock() + LEAD_S,
                schedule=schedule,
                updates=plan_updates(self._settings),
                signer=signer,
                sender=invoker,
                update=store.update,
                timeline=self._timeline,
                append=self._folder.append,
                clock=self._clock,
                tally=self._tally,
            )
            progress = show_progress(self._tally, total=len(schedule), console=self._console)
            async with beside(progress), beside(meter_cpu(self._tally)):
                await window.run(*self._faults(window.opens_at))

    def _faults(self, opens_at: float) -> Iterator[Coroutine[Any, Any, None]]:
        if self._settings.scenario == "outage" and self._control is not None:
            third = self._settings.duration_s / 3
            yield self._fail_between(self._control, opens_at + third, opens_at + 2 * third)

    async def _fail_between(self, control: EndpointControl, begin: float, end: float) -> None:
        for moment, error_rate in ((begin, 1.0), (end, 0.0)):
            await asyncio.sleep(max(0.0, moment - self._clock()))
            await asyncio.to_thread(control.fail_downstream, error_rate)

    def _wire(self) -> Wire | None:
        if self._control is None:
            return None
        functions = self._control.wire()
        return {
            variant: {name: int(functions.get(f"{FUNCTION_PREFIX}{variant}", {}).get(name, 0)) for name in WIRE_COUNTS}
            for variant in self._settings.variants
        }

    def _info(self) -> dict[str, Any] | None:
        return None if self._control is None else self._control.info()

    def _content(self, deployment: Deployment) -> dict[str, Any]:
        settings = self._settings
        return {
            "schema_version": SCHEMA_VERSION,
            "run": {
                "id": self._folder.path.name,
                "target": settings.target,
                "scenario": settings.scenario,
                "source": settings.source,
                "started_at": _now(),
                "duration_s": settings.duration_s,
                "seed": settings.seed,
                "runtime": deployment.runtime,
                "machine": describe_machine(),
            },
            "settings": {
                "variants": list(settings.variants),
                "rate": settings.rate,
                "keys": settings.keys,
                "skew": settings.skew,
                "updates": settings.updates,
                "ttl_s": deployment.ttl_s,
                "memory_mb": deployment.memory_mb,
                "architecture": deployment.architecture,
            },
            "local": _local(self._info(), deployment.runtime),
            "wire": None,
            "finished": False,
            "finished_at": None,
            "warnings": [],
        }


def _local(info: Mapping[str, Any] | None, runtime: str) -> dict[str, Any] | None:
    if info is None:
        return None
    profile = info.get("profile") or {}
    return {
        "interpreter": (info.get("interpreters", {}).get(runtime) or {}).get("interpreter"),
        "profile": profile.get("name"),
        "profile_text": profile.get("text"),
        "tiers": info.get("tiers"),
    }


def _difference(before: Wire | None, after: Wire | None) -> Wire | None:
    if before is None or after is None:
        return None
    return {
        variant: {name: count - before[variant][name] for name, count in counts.items()}
        for variant, counts in after.items()
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
