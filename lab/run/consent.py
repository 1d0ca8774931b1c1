"""What the user reads, and must agree to, before a run on AWS."""

from typing import Final

from facts import prices
from facts.fleet import DRIVER_MB
from functions.registry import VARIANTS
from lab.aws.account import Caller
from lab.deploy.deployment import Deployment
from lab.deploy.templates import secrets_per_month
from lab.fleet.fleet_window import LEAD_S
from lab.run.settings import RunSettings

ASSUMED_BILLED_MS: Final = 100.0
"""Per invocation, cold starts included: above what the variants took on two local cores, at 512 MB."""

ASSUMED_RESTORES: Final = 0.02
"""Share of a SnapStart function's invocations that begin with a restore, at least: high, as in a short run."""


def run_cost(settings: RunSettings, deployment: Deployment) -> float | None:
    """The estimated highest cost of a run's invocations, US dollars; None without prices.

    Assumes that every invocation is billed `ASSUMED_BILLED_MS` and reads one item downstream, as without a cache; the
    lab's items are small, so that is one read unit of DynamoDB. A fleet's functions run as long as the window and the
    time before it. What runs on provisioned concurrency is billed at its price; keeping it ready is part of what the
    deployment costs. The snapshot of a version that is published for a repetition costs three hours.
    """
    each, times, total = _each(settings, deployment), settings.repeat or 1, 0.0
    restores = max(ASSUMED_RESTORES, settings.concurrency / each if settings.starts_first else 0.0)
    for variant in VARIANTS:
        if variant.name not in settings.variants:
            continue
        cost = prices.cost_per_million(
            architecture=deployment.architecture,
            source=settings.source,
            memory_mb=deployment.memory_mb,
            billed_ms=ASSUMED_BILLED_MS,
            restores=restores if variant.snap_start else 0.0,
            reads=1.0,
            provisioned=variant.name in deployment.provisioned_concurrency,
        )
        if cost is None:
            return None
        total += cost.total * each * times / 1e6
        if settings.fresh_environments and variant.snap_start:
            total += prices.snapshot_at_least(deployment.memory_mb) * times
    gb_seconds = settings.fleet * (settings.duration_s + LEAD_S) * DRIVER_MB / 1024
    return total + gb_seconds * prices.LAMBDA_GB_SECOND[deployment.architecture].usd


def _each(settings: RunSettings, deployment: Deployment) -> int:
    """Invocations of each variant in a repetition, or in the block."""
    return settings.invocations_each(settings.settle_s(deployment.ttl_s))


def before_run(caller: Caller, settings: RunSettings, deployment: Deployment, limit: int | None) -> list[str]:
    """Where a run takes place, how much it invokes, its estimated cost, and the account's concurrency if known."""
    each, times = _each(settings, deployment), settings.repeat or 1
    repeated = "" if settings.repeat is None else f", in {times} repetitions"
    by = f", by {settings.fleet} driver functions" if settings.fleet else ""
    cost = run_cost(settings, deployment)
    updates = round(settings.updates * (settings.duration_s + settings.settle_s(deployment.ttl_s) * times))
    estimate = "unknown (no prices)" if cost is None else f"about US$ {cost:,.4f}"
    lines = [
        f"{caller}",
        f"{each * len(settings.variants) * times:,} invocations ({each:,} of each of {len(settings.variants)}"
        f" variants{repeated}){by}, {settings.keys} items in {settings.source}, {updates:,} updates of them",
        f"estimated cost: {estimate}, at {ASSUMED_BILLED_MS:g} ms billed and one read per invocation (list prices of"
        f" {prices.REGION}, {prices.READ_ON}; without logs, metrics and updates)",
    ]
    if settings.fresh_environments:
        lines.append(
            f"{times * len(settings.variants)} versions of the functions are published, each with a changed environment"
            " variable, and the aliases lead to them; afterwards the aliases and functions are as before, and the"
            " versions are removed"
        )
    if settings.repeat is not None:
        lines.append("if the machine disturbs a repetition, one more is done")
    if settings.source == "secretsmanager":
        lines.append(
            f"{settings.keys} secrets cost about US$ {secrets_per_month(settings.keys):,.2f} per month while they exist"
        )
    if settings.fleet:
        lines.append(
            f"the fleet itself takes {settings.fleet} of the account's concurrent executions while it runs: one for"
            " each driver function"
        )
    if limit is not None:
        lines.append(f"the account's limit is {limit:,} concurrent executions; above it, invocations are throttled")
    return lines
