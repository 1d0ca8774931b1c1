"""The list prices that the dashboards' cost is reckoned with.

US dollars, us-east-1, first tier, before the free tier. They are those of `lab/prices.toml`, which names the page of
each and says how it was seen; a test holds the two together, since the stacks know nothing of the lab.
"""

READ_ON = "2026-11-21"

LAMBDA_REQUEST = 0.0000002

LAMBDA_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
"""By architecture."""

SNAPSTART_RESTORE = 0.0001397998
"""For each GB of the function's memory, at each restore."""

READ = {"dynamodb": 0.0000000625, "ssm": 0.0, "secretsmanager": 0.000005, "s3": 0.0000004}
"""By source: one read of an item up to 4 KB, eventually consistent."""


def compute_per_ms(*, memory_mb: int, architecture: str) -> float:
    """What a million invocations cost for each billed millisecond of one."""
    return 1e6 / 1000 * memory_mb / 1024 * LAMBDA_GB_SECOND[architecture]


def requests_per_million() -> float:
    """What a million requests cost."""
    return 1e6 * LAMBDA_REQUEST


def restore_per_million(*, memory_mb: int) -> float:
    """What a million restores cost."""
    return 1e6 * memory_mb / 1024 * SNAPSTART_RESTORE


def reads_per_million(source: str) -> float:
    """What a million downstream calls cost."""
    return 1e6 * READ[source]
