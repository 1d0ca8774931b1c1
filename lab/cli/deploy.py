"""`lab deploy` and `lab destroy`: the application at a target."""

from typing import Final

import click

from facts.names import Names
from facts.sources import SourceName
from lab.aws.target import Target
from lab.cli.options import (
    DEFAULTS,
    application_context,
    asker,
    context_option,
    endpoint_option,
    instance_option,
    resolve_endpoint,
    source_option,
    target_option,
    yes_option,
)
from lab.cli.output import say

OPTIONS: Final = {"instance": "--instance", "source": "--source"}


@click.command("deploy")
@source_option
@context_option
@target_option
@instance_option
@endpoint_option
@yes_option
def deploy_command(
    *,
    source: SourceName,
    context: tuple[str, ...],
    target: Target,
    instance: str | None,
    endpoint_url: str | None,
    yes: bool,
) -> None:
    """Deploy the application and seed its items.

    Runs the CDK CLI to deploy the source, the variants and the dashboards. Runs `cdk bootstrap` first where it is
    needed.
    """
    settings = application_context(context, OPTIONS)
    url = resolve_endpoint(target, endpoint_url, required=True)
    from lab.deploy.lifecycle import DeployOptions, deploy_application
    from lab.steps import Steps

    deploy_application(DeployOptions(target, url, Names(instance), source, settings), Steps(say), asker(yes))


@click.command("destroy")
@context_option
@target_option
@instance_option
@endpoint_option
@yes_option
def destroy_command(
    *, context: tuple[str, ...], target: Target, instance: str | None, endpoint_url: str | None, yes: bool
) -> None:
    """Remove the application and its items.

    Removes the items of every source, and the runs that fleets left in S3.
    """
    settings = application_context(context, OPTIONS)
    url = resolve_endpoint(target, endpoint_url, required=True)
    from lab.deploy.lifecycle import DeployOptions, destroy_application
    from lab.steps import Steps

    destroy_application(DeployOptions(target, url, Names(instance), DEFAULTS.source, settings), Steps(say), asker(yes))
