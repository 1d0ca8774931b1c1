"""How long Lambda's own part of a start takes: quantiles with their sources, in ``startup.toml``."""

import tomllib
from pathlib import Path
from typing import Any, Final

_FILE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("startup.toml").read_text(encoding="utf-8"))

INITS: Final[dict[tuple[str, str], list[float]]] = {
    (row["runtime"], row["architecture"]): row["ms"] for row in _FILE["init"]
}
"""p10, p50, p90 and p99 of Init Duration of an empty handler, milliseconds, by runtime and architecture."""

RESTORES: Final[dict[str, list[float]]] = {row["architecture"]: row["ms"] for row in _FILE["restore"]}
"""p10, p50, p90 and p99 of Restore Duration without hooks, milliseconds, by architecture."""

BILLED_RESTORES: Final[dict[str, list[float]]] = {row["architecture"]: row["billed_ms"] for row in _FILE["restore"]}
"""p10, p50, p90 and p99 of Billed Restore Duration without hooks, milliseconds, by architecture."""
