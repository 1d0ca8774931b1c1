"""From an empty target to the application with its items, and back: the order that stacks and items need."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from facts.names import COMPARISON_STACK, SOURCE_STACK, stack_name
from facts.sources import SourceName, item_keys
from lab.aws.account import identify, is_bootstrapped, standing_stacks
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors
from lab.aws.target import Target
from lab.deploy.cdk import Application, application
from lab.deploy.deployment import read_bucket
from lab.deploy.items import Store, open_store, seed
from lab.deploy.templates import key_count
from lab.errors import RunInterruptedError
from lab.fleet.fleet import empty_fleet, kept_runs
from lab.run.consent import Ask, before_deploy, before_destroy
from lab.steps import Steps

OUTLIVING: Final[tuple[SourceName, ...]] = ("ssm", "secretsmanager")  # sources whose items are in no stack


class Place(NamedTuple):
    """Where the application is put, and how.

    Attributes:
        target: where the functions are.
        endpoint_url: the local endpoint's address (target ``local``).
        source: what the functions read.
        context: settings of the application, by name; see `stacks/settings.py`.
    """

    target: Target
    endpoint_url: str | None
    source: SourceName
    context: Mapping[str, str]


class Seeded(NamedTuple):
    """The items of a source, and their versions by key as read back."""

    store: Store
    versions: dict[str, int]


def deploy_application(place: Place, steps: Steps, ask: Ask) -> None:
    """Deploy every stack, and seed the items in between: a SnapStart version reads its items when it is published.

    Args:
        place: where to.
        steps: is told of each step.
        ask: is asked before anything is done on AWS.

    Raises:
        LabError: the answer is no, AWS refused, or the CDK CLI failed.
        RunInterruptedError: Ctrl-C, when something had been begun on AWS.
    """
    connection = Connection(target=place.target, endpoint_url=place.endpoint_url)
    caller = identify(connection) if place.target == "aws" else None
    with _synthesized(place, steps) as app:
        keys = key_count(app.templates.values())
        prepared = caller is not None and is_bootstrapped(connection)
        if caller is not None:
            ask(before_deploy(caller, app.templates, prepared=prepared, source=place.source, keys=keys))
        with _interruptible(place.target):
            if not prepared:
                with steps.step("bootstrap"):
                    app.bootstrap()
            deploy_source(app, connection, place.source, steps)
            seed_items(connection, place.source, keys, steps)
            with steps.step("deploy the rest"):
                app.deploy()


def destroy_application(place: Place, steps: Steps, ask: Ask) -> None:
    """Remove every stack, and the items that would outlive them, of whatever source.

    Args:
        place: where from.
        steps: is told of each step.
        ask: is asked before anything is done on AWS.

    Raises:
        LabError: the answer is no, AWS refused, or the CDK CLI failed.
        RunInterruptedError: Ctrl-C, when something had been begun on AWS.
    """
    connection = Connection(target=place.target, endpoint_url=place.endpoint_url)
    caller = identify(connection) if place.target == "aws" else None
    # The CDK CLI removes the stacks that it is shown. With load=true these are all that there can be: a fleet's stack
    # that was deployed once would stay else.
    with _synthesized(place._replace(context={"load": "true", **place.context}), steps) as app:
        stacks = standing_stacks(connection, app.templates)
        if caller is not None:
            ask(before_destroy(caller, stacks, kept_runs(connection)))
        with _interruptible(place.target):
            # Also without a stack: the items can have outlived theirs.
            with steps.step("remove the items"):
                remove_items(connection)
            if not stacks:
                steps.echo("nothing is deployed: there is no stack to remove")
                return
            with steps.step("destroy"):
                app.destroy(stacks)


@contextlib.contextmanager
def _interruptible(target: Target) -> Iterator[None]:
    """Say at Ctrl-C what goes on at AWS without us."""
    try:
        yield
    except KeyboardInterrupt:
        if target == "local":
            raise
        raise RunInterruptedError(
            "interrupted; CloudFormation ends what it has begun: look there, or run `python -m lab destroy --target"
            " aws`"
        ) from None


@contextlib.contextmanager
def _synthesized(place: Place, steps: Steps) -> Iterator[Application]:
    context = {"source": place.source, **place.context}
    with contextlib.ExitStack() as stack:
        with steps.step("synthesize"):
            app = stack.enter_context(
                application(target=place.target, endpoint_url=place.endpoint_url, context=context, echo=steps.echo)
            )
        yield app


def deploy_source(app: Application, connection: Connection, source: SourceName, steps: Steps) -> None:
    """Deploy the stack of what the functions read.

    Raises:
        LabError: the CDK CLI failed, or a bucket from before cannot be emptied.
    """
    with steps.step("deploy the source"):
        if source != "s3":  # whose bucket goes then, if there is one from before
            empty_bucket(connection)
        app.deploy([SOURCE_STACK])


def seed_items(connection: Connection, source: SourceName, keys: int, steps: Steps) -> Seeded:
    """Create those of the items that are not there yet.

    Raises:
        LabError: they cannot be written or read.
    """
    with steps.step(f"seed {keys} items"):
        bucket = read_bucket(connection) if source == "s3" else None
        store = open_store(source, connection, bucket)
        return Seeded(store, seed(store, item_keys(keys)))


def deploy_variants(app: Application, variants: Sequence[str], steps: Steps) -> None:
    """Deploy the stacks of the variants, and the comparison. The items must be there: SnapStart reads them now.

    Raises:
        LabError: the CDK CLI failed.
    """
    with steps.step("deploy the variants"):
        app.deploy([*(stack_name(variant) for variant in variants), COMPARISON_STACK])


def remove_items(connection: Connection) -> None:
    """Remove the items that would outlive the source stack or hold up its removal.

    Of every source, for the one that was deployed last need not be the only one.

    Raises:
        LabError: they cannot be removed.
    """
    empty_bucket(connection)
    empty_fleet(connection)
    for source in OUTLIVING:
        with aws_errors(f"remove the items in {source}"):
            open_store(source, connection).clear()


def empty_bucket(connection: Connection) -> None:
    """Empty the source's bucket, if there is one: CloudFormation cannot delete a bucket that holds anything.

    Raises:
        LabError: it cannot be emptied.
    """
    bucket = read_bucket(connection)
    if bucket is not None:
        with aws_errors(f"empty the bucket {bucket}"):
            open_store("s3", connection, bucket).clear()
