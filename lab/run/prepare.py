"""Before the window: deploy and seed (local), or check, ask and seed (AWS)."""

from typing import NamedTuple

from botocore.exceptions import ClientError

from facts.names import ALIAS
from functions.registry import VARIANTS
from lab.aws.account import concurrency_limit, identify, reserved_concurrency
from lab.aws.connection import Connection
from lab.aws.control_plane import NOT_READY, ControlPlane
from lab.aws.errors import aws_errors, error_code
from lab.deploy.cdk import application, bootstrapping
from lab.deploy.consent import Ask
from lab.deploy.deployment import Deployment, function_urls, read_deployment
from lab.deploy.endpoint_control import EndpointControl
from lab.deploy.lifecycle import Seeded, deploy_and_seed, seed_items
from lab.drive.invoke import SignInvocation, by_function_url, by_invoke_api
from lab.errors import LabError, UsageError
from lab.fleet.fleet import Fleet, check_new, find_fleet
from lab.run.consent import before_run
from lab.run.settings import RunSettings
from lab.run.source_quotas import check_quotas
from lab.steps import Steps


class Prepared(NamedTuple):
    """A target that is ready for the window. Without ``fleet``, this process sends the invocations."""

    deployment: Deployment
    seeded: Seeded
    sign: SignInvocation
    fleet: Fleet | None


def prepare_local(
    settings: RunSettings, run_id: str, connection: Connection, endpoint_url: str, steps: Steps
) -> Prepared:
    """Deploy what the run needs to a local endpoint, and seed its items.

    Raises `LabError` if it is not a lab endpoint, or a step failed.
    """
    control = EndpointControl(endpoint_url)
    control.info()
    control.fail_downstream(0.0)  # a run that was killed during an outage leaves it on
    names = settings.names
    stacks = [*map(names.stack_name, settings.variants), names.comparison_stack]
    stacks += [names.load_stack] if settings.fleet else []
    synthesis = application(
        target="local", endpoint_url=endpoint_url, names=names, context=_context(settings), echo=steps.echo
    )
    with bootstrapping(endpoint_url) as wait, steps.entering("synthesize", synthesis) as app:
        with steps.step("bootstrap"):
            wait()
        seeded = deploy_and_seed(app, connection, settings.source, settings.keys, steps, stacks=stacks)
    deployment = read_deployment(connection, names, settings.variants)
    return Prepared(deployment, seeded, *_driver(settings, run_id, connection))


def prepare_aws(settings: RunSettings, run_id: str, connection: Connection, ask: Ask, steps: Steps) -> Prepared:
    """Check that a run on AWS can finish, ask the user, and seed the items.

    Until the user agrees, this creates nothing and runs no function. Raises `UsageError` if another source is deployed,
    or its quotas do not allow the run;
    `LabError` if something is missing, switched off or not permitted, or the user did not agree.
    """
    caller = identify(connection)
    deployment = read_deployment(connection, settings.names, settings.variants)
    if deployment.source not in (None, settings.source):
        raise UsageError(
            f"--source {settings.source}, but the functions read {deployment.source}; give --source"
            f" {deployment.source}, or deploy with --source {settings.source} first"
        )
    if settings.fresh_environments and deployment.provisioned_concurrency:
        raise UsageError(
            "--fresh-environments cannot be combined with provisioned concurrency, which starts environments by itself;"
            " leave it out, or deploy without -c provisioned_concurrency"
        )
    control_plane = ControlPlane(connection, steps.echo)
    states = [control_plane.state(settings.names.function_name(variant)) for variant in settings.variants]
    for found in states:
        found.check()
        _check_invocable(connection, found.function)
    usage = check_quotas(settings, connection, settings.settle_s(deployment.ttl_s))
    waiting = [found for found in states if found.state != "Active" and not settings.fresh_environments]
    driver = _driver(settings, run_id, connection)
    limit = concurrency_limit(connection)
    ask([*before_run(caller, settings, deployment, limit), *usage, *map(str, waiting)])
    seeded = seed_items(connection, settings.names, settings.source, settings.keys, steps)
    for found in waiting:  # after the items, which a snapshot contains
        control_plane.wait_until_active(found.function)
    return Prepared(deployment, seeded, *driver)


def _check_invocable(connection: Connection, function: str) -> None:
    if reserved_concurrency(connection, function) == 0:
        raise LabError(
            f"{function} is switched off: its reserved concurrency is 0, so every invocation is throttled; raise or"
            " remove it"
        )
    client = connection.client("lambda", attempts=1)
    with aws_errors(f"invoke {function}"):
        try:
            client.invoke(FunctionName=function, Qualifier=ALIAS, InvocationType="DryRun")
        except ClientError as error:
            if error_code(error) in NOT_READY:
                return
            if error_code(error) != "TooManyRequestsException":
                raise
            reason = error.response.get("Reason") or error_code(error)
            raise LabError(
                f"{function} is throttled ({reason}); wait until the account's concurrency is free, or raise the limit"
            ) from None


def _context(settings: RunSettings) -> dict[str, str]:
    """The application's settings; variants that are not deployed by default are added if the run drives them."""
    context = {**settings.context, "source": settings.source, "keys": str(settings.keys)}
    deployed = [each for each in VARIANTS if each.default or each.name in settings.variants]
    if not all(each.default for each in deployed):
        context["variants"] = ",".join(each.name for each in deployed)
    if settings.via == "url":
        context["function_url"] = "true"
    if settings.fleet:
        context["load"] = "true"
    return context


def _driver(settings: RunSettings, run_id: str, connection: Connection) -> tuple[SignInvocation, Fleet | None]:
    names, region, credentials = settings.names, connection.region, connection.credentials()
    if settings.via == "url":
        urls = function_urls(connection, names, settings.variants)
        return by_function_url(urls=urls, region=region, credentials=credentials), None
    fleet = None
    if settings.fleet:
        fleet = find_fleet(connection, names)
        check_new(connection, fleet, run_id)
    address = connection.address("lambda")
    return by_invoke_api(endpoint_url=address, names=names, region=region, credentials=credentials), fleet
