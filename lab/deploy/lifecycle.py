"""Deploy the application with its items, and destroy it: in the order that stacks and items need."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from facts.names import Names
from facts.sources import SourceName, item_keys
from lab.aws.account import (
    CDK_STACK,
    Caller,
    empty_bucket,
    identify,
    stack_bucket,
    stack_outputs,
    standing_stacks,
)
from lab.aws.connection import Connection
from lab.aws.target import Target, command
from lab.deploy.cdk import Application, application
from lab.deploy.consent import Ask, before_deploy, before_destroy
from lab.deploy.endpoint_control import EndpointControl
from lab.deploy.items import Store, open_store, remove_items, seed
from lab.deploy.templates import key_count
from lab.errors import RunInterruptedError
from lab.fleet.fleet import kept_runs
from lab.steps import Steps


class DeployOptions(NamedTuple):
    """Where to deploy which instance, and with which other settings (``context``; see `stacks/settings.py`)."""

    target: Target
    endpoint_url: str | None
    names: Names
    source: SourceName
    context: Mapping[str, str]


class Seeded(NamedTuple):
    """The items of a source, and their versions by key as read back."""

    store: Store
    versions: dict[str, int]


def deploy_application(options: DeployOptions, steps: Steps, ask: Ask) -> None:
    """Deploy every stack, and seed the items. Asks before anything is done on AWS.

    Raises `LabError` if the user did not agree, AWS refused, or the CDK CLI failed; `RunInterruptedError` at Ctrl-C
    after something was started on AWS.
    """
    connection, caller = _connect(options)
    with _synthesized(options, steps) as app:
        keys = key_count(app.templates.values())
        bootstrapped = caller is not None and stack_outputs(connection, CDK_STACK) is not None
        if caller is not None:
            ask(
                before_deploy(
                    caller, options.names, app.templates, bootstrapped=bootstrapped, source=options.source, keys=keys
                )
            )
        with _interruptible(options):
            if not bootstrapped:
                with steps.step("bootstrap"):
                    app.bootstrap()
            deploy_and_seed(app, connection, options.source, keys, steps)


def deploy_and_seed(
    app: Application,
    connection: Connection,
    source: SourceName,
    keys: int,
    steps: Steps,
    *,
    stacks: Sequence[str] | None = None,
) -> Seeded:
    """Deploy the source stack, seed its items, then deploy these stacks, or all.

    The items come first: Lambda runs a SnapStart function's init, which reads them, when a version is published. Raises
    `LabError` if the CDK CLI failed, or items cannot be written or read.
    """
    with steps.step("deploy the source"):
        if source != "s3":
            empty_bucket(connection, app.names.source_stack)  # a bucket of an earlier deployment is removed now
        app.deploy([app.names.source_stack])
    seeded = seed_items(connection, app.names, source, keys, steps)
    with steps.step("deploy the variants"):
        app.deploy(stacks)
    return seeded


def seed_items(connection: Connection, names: Names, source: SourceName, keys: int, steps: Steps) -> Seeded:
    """Create the items that do not exist yet. Raises `LabError` if they cannot be written or read."""
    with steps.step(f"seed {keys} items"):
        bucket = stack_bucket(connection, names.source_stack) if source == "s3" else None
        store = open_store(source, connection, names, bucket)
        return Seeded(store, seed(store, item_keys(keys)))


def destroy_application(options: DeployOptions, steps: Steps, ask: Ask) -> None:
    """Remove every stack, and the items of every source. Asks before anything is done on AWS.

    Raises `LabError` if the user did not agree, AWS refused, or the CDK CLI failed; `RunInterruptedError` at Ctrl-C
    after something was started on AWS.
    """
    connection, caller = _connect(options)
    # The CDK CLI removes only stacks of the assembly: with these settings, all that may have been deployed.
    everything = {"variants": "all", "load": "true", **options.context}
    with _synthesized(options._replace(context=everything), steps) as app:
        stacks = standing_stacks(connection, app.templates)
        if caller is not None:
            ask(before_destroy(caller, options.names, stacks, kept_runs(connection, options.names)))
        with _interruptible(options):
            with steps.step("remove the items"):  # items can be left even where no stack is
                for stack in (options.names.source_stack, options.names.load_stack):
                    empty_bucket(connection, stack)
                remove_items(connection, options.names)
            if not stacks:
                steps.echo("nothing is deployed: there is no stack to remove")
                return
            with steps.step("destroy"):
                app.destroy(stacks)


def _connect(options: DeployOptions) -> tuple[Connection, Caller | None]:
    """Connect to the target, and check that it answers. The caller is None at a local endpoint."""
    connection = Connection(target=options.target, endpoint_url=options.endpoint_url)
    if options.endpoint_url is None:
        return connection, identify(connection)
    EndpointControl(options.endpoint_url).info()
    return connection, None


@contextlib.contextmanager
def _interruptible(options: DeployOptions) -> Iterator[None]:
    """At Ctrl-C, say what continues on AWS."""
    try:
        yield
    except KeyboardInterrupt:
        if options.target == "local":
            raise
        raise RunInterruptedError(
            "interrupted; CloudFormation completes what it has started: check its console, or run"
            f" `{command('destroy', options.target, options.names)}`"
        ) from None


def _synthesized(options: DeployOptions, steps: Steps) -> AbstractContextManager[Application]:
    target, endpoint_url, names, source, context = options
    context = {"source": source, **context}
    synthesis = application(target=target, endpoint_url=endpoint_url, names=names, context=context, echo=steps.echo)
    return steps.entering("synthesize", synthesis)
