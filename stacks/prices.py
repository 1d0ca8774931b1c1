"""The list prices of the dashboards' cost, US dollars: ``facts/prices.toml`` names the page of each."""

import tomllib
from pathlib import Path
from typing import Any

_FILE: dict[str, Any] = tomllib.loads(
    (Path(__file__).resolve().parent.parent / "facts" / "prices.toml").read_text("utf-8")
)

READ_ON: str = _FILE["read_on"].isoformat()

LAMBDA_REQUEST: float = _FILE["lambda_request"]["usd"]

LAMBDA_GB_SECOND: dict[str, float] = {name: price["usd"] for name, price in _FILE["lambda_gb_second"].items()}
"""By architecture."""

SNAPSTART_RESTORE: float = _FILE["snapstart_restore"]["usd"]
"""For each GB of the function's memory, at each restore."""

READ: dict[str, float] = {name: price["usd"] for name, price in _FILE["read"].items()}
"""By source: one read of an item up to 4 KB."""


def compute_per_ms(*, memory_mb: int, architecture: str) -> float:
    """What a million invocations cost for each billed millisecond of one."""
    return 1e6 / 1000 * memory_mb / 1024 * LAMBDA_GB_SECOND[architecture]


def requests_per_million() -> float:
    """What a million requests cost."""
    return 1e6 * LAMBDA_REQUEST


def reads_per_million(source: str) -> float:
    """What a million downstream calls cost."""
    return 1e6 * READ[source]
