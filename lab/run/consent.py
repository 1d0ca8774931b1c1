"""What a command is about to do at AWS, told before it does any of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from facts import prices
from facts.fleet import DRIVER_MB
from facts.sources import SourceName
from functions.registry import VARIANTS
from lab.aws.account import CDK_STACK, Caller
from lab.deploy.deployment import Deployment
from lab.deploy.standing_cost import secrets_per_month, standing_cost
from lab.fleet.fleet_window import LEAD_S
from lab.run.settings import Settings

Ask: TypeAlias = Callable[[Sequence[str]], None]
"""Puts lines before the user and returns if the answer is yes; raises `lab.errors.LabError` if not."""

ASSUMED_BILLED_MS: Final = 100.0
"""Of an invocation, cold starts included: above what the variants took on two local cores, at 512 MB."""

ASSUMED_RESTORES: Final = 0.02
"""Share of the invocations with SnapStart that begin with a restore: a short run has as many as that."""


def run_cost(settings: Settings, deployment: Deployment) -> float | None:
    """What the invocations of a run cost at most, US dollars, as far as it can be told before; None without prices.

    Every invocation is taken to be billed `ASSUMED_BILLED_MS` and to read downstream once, as without a cache. The
    functions of a fleet run as long as the window and the time before it.
    """
    total = 0.0
    for variant in VARIANTS:
        if variant.name not in settings.variants:
            continue
        cost = prices.cost_per_million(
            architecture=deployment.architecture,
            source=settings.source,
            memory_mb=deployment.memory_mb,
            billed_ms=ASSUMED_BILLED_MS,
            restores=ASSUMED_RESTORES if variant.snap_start else 0.0,
            downstream_calls=1.0,
        )
        if cost is None:
            return None
        total += cost.total * settings.invocations / 1e6
    gb_seconds = settings.fleet * (settings.duration_s + LEAD_S) * DRIVER_MB / 1024
    return total + gb_seconds * prices.LAMBDA_GB_SECOND[deployment.architecture].usd


def before_run(caller: Caller, settings: Settings, deployment: Deployment, limit: int | None) -> list[str]:
    """What is told before a run: where, how much, at what cost.

    Args:
        caller: whose account is used.
        settings: of the run.
        deployment: what is there.
        limit: how many executions the account may have at once; None if unknown.
    """
    total = settings.invocations * len(settings.variants)
    by = f", by {settings.fleet} driver functions" if settings.fleet else ""
    cost = run_cost(settings, deployment)
    estimate = "no price is known for it" if cost is None else f"about US$ {cost:,.4f}"
    lines = [
        f"{caller}",
        f"{total:,} invocations ({settings.invocations:,} of each of {len(settings.variants)} variants in"
        f" {settings.duration_s:g} s){by}, {settings.keys} items in {settings.source},"
        f" {round(settings.updates * settings.duration_s):,} updates of them",
        f"estimated cost {estimate}, at {ASSUMED_BILLED_MS:g} ms billed and one read for each invocation (list prices"
        f" of {prices.REGION}, {prices.READ_ON}; logs, metrics and updates not included)",
    ]
    if settings.source == "secretsmanager":
        lines.append(
            f"{settings.keys} secrets cost about US$ {secrets_per_month(settings.keys):,.2f} a month while they stay"
        )
    if limit is not None:
        lines.append(f"the account may have {limit:,} executions at once; what is above is throttled, and counted so")
    return lines


def before_deploy(
    caller: Caller, templates: Mapping[str, Mapping[str, Any]], *, prepared: bool, source: SourceName, keys: int
) -> list[str]:
    """What is told before a deployment: where, and what will be there.

    Args:
        caller: whose account is used.
        templates: of the stacks that are deployed, by their names.
        prepared: whether the CDK's own stack is there.
        source: what the functions read.
        keys: how many items are seeded.
    """
    idle = standing_cost(templates.values()) + (secrets_per_month(keys) if source == "secretsmanager" else 0.0)
    bootstrap = [] if prepared else [f"creates stack {CDK_STACK}, which the CDK needs (a bucket and roles of its own)"]
    return [
        f"{caller}",
        f"creates or updates {len(templates)} stacks: {', '.join(templates)}; seeds {keys} items in {source}; no"
        " invocations",
        *bootstrap,
        f"estimated cost while it stands idle about US$ {idle:,.2f} a month (list prices"
        f" of {prices.REGION}, {prices.READ_ON}), until `python -m lab destroy --target aws`",
    ]


def before_destroy(caller: Caller, stacks: Sequence[str], kept_runs: str | None) -> list[str]:
    """What is told before all is removed.

    Args:
        caller: whose account is used.
        stacks: that are removed; with none, only items that have outlived theirs.
        kept_runs: the bucket in which a fleet's runs are; None if there are none.
    """
    if not stacks:
        return [
            f"{caller}",
            "no stack of the lab is there; removes the lab's items in whatever source, if any are left",
        ]
    runs = [] if kept_runs is None else [f"removes the runs that fleets have left in s3://{kept_runs}"]
    return [
        f"{caller}",
        f"removes {len(stacks)} stacks with their logs and data: {', '.join(stacks)}, and the lab's items in whatever"
        " source",
        *runs,
    ]
