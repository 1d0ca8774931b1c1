"""What a million invocations of a variant cost, and what the lab costs while it is deployed, at AWS's list prices.

The prices, their pages, the day they were read and how far each was seen are in ``prices.toml``
beside this file.
"""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

FREE_DASHBOARDS: Final = 3
MONTH_S: Final = 30 * 86_400
LEAST_SNAPSHOT_S: Final = 3 * 3_600  # of a version that is removed sooner


class Price(NamedTuple):
    """One list price: US dollars for one unit, the page that has it, and how it was seen."""

    usd: float
    unit: str
    page: str
    seen: Literal["AWS", "quoted"]


_FILE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))


def _price(name: str) -> Price:
    return Price(**_FILE[name])


def _prices(name: str) -> dict[str, Price]:
    return {key: Price(**entry) for key, entry in _FILE[name].items()}


READ_ON: Final = _FILE["read_on"].isoformat()
REGION: Final[str] = _FILE["region"]

LAMBDA_REQUEST: Final = _price("lambda_request")
LAMBDA_GB_SECOND: Final = _prices("lambda_gb_second")
"""By architecture, as CloudFormation writes it."""
PROVISIONED_GB_SECOND: Final = _prices("provisioned_gb_second")
"""By architecture: of an environment that is kept ready."""
PROVISIONED_DURATION_GB_SECOND: Final = _prices("provisioned_duration_gb_second")
"""By architecture: of what runs in such an environment."""
SNAPSTART_CACHE: Final = _price("snapstart_cache")
SNAPSTART_RESTORE: Final = _price("snapstart_restore")
READ: Final = _prices("read")
"""By source: what one read unit of DynamoDB costs, or one call of another source."""
SECRET_MONTH: Final = _price("secret_month")
METRIC_MONTH: Final = _price("metric_month")
DASHBOARD_MONTH: Final = _price("dashboard_month")
ALARM_MONTH: Final = _price("alarm_month")
LOG_GB: Final = _price("log_gb")
LOG_GB_MONTH: Final = _price("log_gb_month")

INCLUDED: Final = (
    "Lambda requests, billed GB-seconds, downstream reads of invocations (DynamoDB's read units; each attempt of "
    "another source) and SnapStart restores"
)
EXCLUDED: Final = (
    "the free tier, SnapStart's charge for keeping a snapshot (it is part of a month's cost), storage, writes, logs, "
    "metrics, alarms, dashboards, data transfer, and the monthly charge for a secret"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of a million invocations, US dollars, by part."""

    requests: float
    compute: float
    restores: float
    downstream: float

    @property
    def total(self) -> float:
        """Return the sum of the parts."""
        return self.requests + self.compute + self.restores + self.downstream


def cost_per_million(
    *,
    architecture: str,
    source: str,
    memory_mb: float,
    billed_ms: float,
    restores: float,
    reads: float,
    provisioned: bool = False,
) -> Cost | None:
    """Return the cost of a million invocations, or None without a price for the architecture or the source.

    Args:
        architecture: ``arm64`` or ``x86_64``.
        source: what is read: a key of ``READ``.
        memory_mb: the function's memory setting, MB.
        billed_ms: mean billed duration of an invocation, ms (with init and restore, as billed since August 2025).
        restores: mean number of restores an invocation.
        reads: mean of what the source bills an invocation: read units of DynamoDB, calls of the other sources.
        provisioned: whether they run in environments that are kept ready, which `provisioned_per_month` prices.
    """
    if architecture not in LAMBDA_GB_SECOND or source not in READ:
        return None
    gigabytes = memory_mb / 1024
    million = 1e6
    gb_second = (PROVISIONED_DURATION_GB_SECOND if provisioned else LAMBDA_GB_SECOND)[architecture]
    return Cost(
        requests=million * LAMBDA_REQUEST.usd,
        compute=million * billed_ms / 1000 * gigabytes * gb_second.usd,
        restores=million * restores * gigabytes * SNAPSTART_RESTORE.usd,
        downstream=million * reads * READ[source].usd,
    )


def snapshot_per_month(memory_mb: float) -> float:
    """Return the cost of keeping the snapshot of one version for 30 days, US dollars."""
    return memory_mb / 1024 * MONTH_S * SNAPSTART_CACHE.usd


def snapshot_at_least(memory_mb: float) -> float:
    """Return what the snapshot of a version costs that is removed at once, US dollars."""
    return memory_mb / 1024 * LEAST_SNAPSHOT_S * SNAPSTART_CACHE.usd


def provisioned_per_month(architecture: str, memory_mb: float) -> float:
    """Return the cost of one environment of provisioned concurrency for 30 days, US dollars."""
    return memory_mb / 1024 * MONTH_S * PROVISIONED_GB_SECOND[architecture].usd
