"""What the user reads, and must agree to, before the lab deploys to AWS or removes the application from it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from facts import prices
from facts.names import Names
from facts.sources import SourceName
from lab.aws.account import CDK_STACK, Caller
from lab.aws.target import command
from lab.deploy.templates import secrets_per_month, standing_cost

Ask: TypeAlias = Callable[[Sequence[str]], None]
"""Shows lines to the user, and returns if the user agrees; raises `lab.errors.LabError` if not."""


def before_deploy(
    caller: Caller,
    names: Names,
    templates: Mapping[str, Mapping[str, Any]],
    *,
    bootstrapped: bool,
    source: SourceName,
    keys: int,
) -> list[str]:
    """Where and what a deployment of these templates (by stack name) will create, and its monthly cost."""
    idle = standing_cost(templates.values()) + (secrets_per_month(keys) if source == "secretsmanager" else 0.0)
    bootstrap = [] if bootstrapped else [f"creates stack {CDK_STACK}, which the CDK needs (its own bucket and roles)"]
    return [
        f"{caller}",
        f"creates or updates {len(templates)} stacks: {', '.join(templates)}; seeds {keys} items in {source}; invokes"
        " nothing",
        *bootstrap,
        f"estimated cost without traffic: about US$ {idle:,.2f} per month (list prices of {prices.REGION},"
        f" {prices.READ_ON}), until `{command('destroy', 'aws', names)}`",
    ]


def before_destroy(caller: Caller, names: Names, stacks: Sequence[str], fleet_bucket: str | None) -> list[str]:
    """What will be removed; without stacks, only items can be left. ``fleet_bucket`` holds runs, if it is not None."""
    owner = "the lab" if names.instance is None else f"instance {names.instance}"
    if not stacks:
        return [f"{caller}", f"no stack of {owner} exists; removes {owner}'s items from every source, if any are left"]
    runs = [] if fleet_bucket is None else [f"removes the runs that fleets left in s3://{fleet_bucket}"]
    return [
        f"{caller}",
        f"removes {len(stacks)} stacks with their logs and data: {', '.join(stacks)}, and {owner}'s items from every"
        " source",
        *runs,
    ]
