"""Runs of a few records that can be computed by hand."""

import json
from pathlib import Path
from typing import Any

BEGAN = 1_790_000_040.0
"""A whole minute."""


def record(at: float, variant: str = "no_cache", **fields: Any) -> dict[str, Any]:
    """An answered warm invocation that began so many seconds after `BEGAN` and was served from the cache."""
    return {
        "target": "local",
        "variant": variant,
        "sent_at": BEGAN + at,
        "received_at": BEGAN + at + 0.01,
        "status": "ok",
        "duration_ms": 5.0,
        "billed_ms": 5.0,
        "memory_mb": 512,
        "max_memory_mb": 60,
        "cache": "hit",
        "cold_start": False,
        "restored": False,
        "downstream_calls": 0,
        "init_downstream_calls": 0,
        "downstream_ms": 0.0,
        "age_ms": 100.0,
    } | fields


def write(run_dir: Path, records: list[dict[str, Any]], **content: Any) -> Path:
    """Write a run's folder; ``content`` goes into `run.json`."""
    run_dir.mkdir(parents=True, exist_ok=True)
    run = {"schema_version": 2, "run": {"id": "by hand"}, "finished": True} | content
    (run_dir / "run.json").write_text(json.dumps(run))
    append(run_dir, records)
    return run_dir


def append(run_dir: Path, records: list[dict[str, Any]]) -> None:
    """Append records, as a run does."""
    with (run_dir / "records.jsonl").open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(one) + "\n" for one in records)
