"""What AWS charges, and what a million invocations of a variant cost at these prices.

List prices in us-east-1, first tier, before the free tier and any discount, in US dollars. Read on 2026-11-21
in stored copies of the pages named beside each price; ``seen`` says how far that goes:

- ``AWS``: the number stands in a copy of AWS's own page (in its worked examples: the price tables are filled in by
  script and are empty in a copy).
- ``quoted``: the number was found only where others quote AWS's page or AWS's price list; two sources agree.

Check a price on its page before a decision hangs on it.
"""

import dataclasses
from typing import Final, Literal, NamedTuple

READ_ON: Final = "2026-11-21"
REGION: Final = "us-east-1"


class Price(NamedTuple):
    """One list price: US dollars for one unit, where AWS tells it, and how it was seen."""

    usd: float
    unit: str
    page: str
    seen: Literal["AWS", "quoted"]


LAMBDA_REQUEST: Final = Price(0.20 / 1e6, "request", "AWS Lambda Pricing, aws.amazon.com/lambda/pricing", "AWS")

LAMBDA_GB_SECOND: Final = {
    "x86_64": Price(0.0000166667, "GB-second", "AWS Lambda Pricing, aws.amazon.com/lambda/pricing", "AWS"),
    "arm64": Price(0.0000133334, "GB-second", "AWS Lambda Pricing, aws.amazon.com/lambda/pricing", "AWS"),
}
"""By architecture, as CloudFormation writes it."""

SNAPSTART_CACHE: Final = Price(
    0.0000015046, "GB-second a version is active", "AWS Lambda Pricing, aws.amazon.com/lambda/pricing", "AWS"
)
"""Python and .NET only, at least three hours a version. One price for both architectures: the price list has one."""

SNAPSTART_RESTORE: Final = Price(
    0.0001397998, "GB restored", "AWS Lambda Pricing, aws.amazon.com/lambda/pricing", "AWS"
)
"""A GB of the function's memory setting, each time an environment is restored."""

READ: Final = {
    # Price list of 2026-09-11: 0.125 a million read request units. A GetItem of up to 4 KB that need not be
    # consistent is half a unit.
    "dynamodb": Price(
        0.125 / 1e6 / 2,
        "GetItem, eventually consistent, up to 4 KB",
        "Amazon DynamoDB pricing for on-demand capacity, aws.amazon.com/dynamodb/pricing/on-demand",
        "quoted",
    ),
    "ssm": Price(
        0.0,
        "GetParameter, standard tier and throughput",
        "AWS Systems Manager User Guide, Managing parameter tiers: no additional charge",
        "AWS",
    ),
    "secretsmanager": Price(
        0.05 / 10_000, "call", "AWS Secrets Manager Pricing, aws.amazon.com/secrets-manager/pricing", "quoted"
    ),
    # Price list of 2026-09-18: 0.004 for ten thousand.
    "s3": Price(0.0004 / 1_000, "GET, S3 Standard", "Amazon S3 pricing, aws.amazon.com/s3/pricing", "quoted"),
}
"""By source: what one read costs."""

READ_SSM_ADVANCED: Final = Price(
    0.05 / 10_000,
    "GetParameter, advanced tier or higher throughput",
    "AWS Systems Manager pricing, aws.amazon.com/systems-manager/pricing",
    "quoted",
)
"""What a read costs instead, where a parameter is above 4 KB or the account's throughput is raised. Not used: the lab
deploys standard parameters."""

INCLUDED: Final = (
    "Lambda requests, billed GB-seconds, downstream reads of invocations (each attempt) and SnapStart restores, "
    "with the share of cold starts and misses that this run had (a short run has more of both than a long one)"
)
EXCLUDED: Final = (
    "the free tier, SnapStart's charge for keeping a snapshot, storage, writes, logs, metrics, data transfer, "
    "and the monthly charge for a secret"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a million invocations cost, US dollars, by part."""

    requests: float
    compute: float
    restores: float
    downstream: float

    @property
    def total(self) -> float:
        """The sum of the parts."""
        return self.requests + self.compute + self.restores + self.downstream


def cost_per_million(
    *,
    architecture: str,
    source: str,
    memory_mb: float,
    billed_ms: float,
    restores: float,
    downstream_calls: float,
) -> Cost | None:
    """The cost of a million invocations.

    Args:
        architecture: ``arm64`` or ``x86_64``.
        source: what is read: a key of ``READ``.
        memory_mb: the function's memory setting, MB.
        billed_ms: mean billed duration of an invocation, ms (with init and restore, as billed since August 2025).
        restores: mean number of restores an invocation.
        downstream_calls: mean number of downstream calls an invocation.

    Returns:
        The cost, or None if there is no price for the architecture or the source.
    """
    if architecture not in LAMBDA_GB_SECOND or source not in READ:
        return None
    gigabytes = memory_mb / 1024
    million = 1e6
    return Cost(
        requests=million * LAMBDA_REQUEST.usd,
        compute=million * billed_ms / 1000 * gigabytes * LAMBDA_GB_SECOND[architecture].usd,
        restores=million * restores * gigabytes * SNAPSTART_RESTORE.usd,
        downstream=million * downstream_calls * READ[source].usd,
    )


def snapshot_per_month(memory_mb: float) -> float:
    """What keeping the snapshot of one version costs for 30 days, US dollars."""
    return memory_mb / 1024 * 30 * 86_400 * SNAPSTART_CACHE.usd
