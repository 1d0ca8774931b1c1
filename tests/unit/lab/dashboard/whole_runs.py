"""What dashboards show of a whole run, and what they must show as its cost."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudwatch.dashboard import Dashboard
from cloudwatch.ranges import Range, range_of
from facts.prices import cost_per_million
from lab.dashboard.run_source import RunSource
from lab.dashboard.sources import Source
from lab.dashboard.widgets import widget_data
from lab.records.files import run_files
from lab.records.run_file import read_run

COST = "Cost of a million invocations, $"


@contextlib.contextmanager
def loaded(run: Path) -> Iterator[RunSource]:
    """A run that has been read to its end."""
    with run_files(run) as files, contextlib.closing(RunSource(files, [])) as source:
        while source.read_on():
            pass
        yield source


def whole_range(source: Source) -> Range:
    """The range of all records."""
    window = source.state.window
    assert window is not None
    return range_of(*window, None, 60)


def whole_run(run: Path, dashboard: Dashboard) -> dict[str, Any]:
    """What the dashboard's widgets show of a whole run, by title."""
    with loaded(run) as source:
        found = widget_data(dashboard, source, whole_range(source))
    return {widget.title: result for widget, result in zip(dashboard.widgets, found, strict=True)}


def cost_rows(run: Path) -> list[list[str]]:
    """The rows of the table of cost of a whole run: all that was billed, starts included, at the list prices."""
    about = read_run(run)
    records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = []
    for name in (variant.name for variant in about.variants):
        ran = [one for one in records if one["variant"] == name and one["status"] in ("ok", "function_error")]
        if not ran:
            continue
        cost = cost_per_million(
            architecture=about.settings.architecture or "",
            source=about.run.source or "",
            memory_mb=ran[0]["memory_mb"],
            billed_ms=sum(one["billed_ms"] for one in ran) / len(ran),
            restores=sum(one.get("restore_ms") is not None for one in ran) / len(ran),
            reads=sum(map(_reads, ran)) / len(ran),
            provisioned=name in (about.settings.provisioned_concurrency or {}),
        )
        assert cost is not None
        parts = (cost.requests, cost.compute, cost.restores, cost.downstream, cost.total)
        rows.append([name, *(f"{part:.3f}" for part in parts)])
    return rows


def _reads(record: dict[str, Any]) -> float:
    units = record.get("read_units")
    calls = (record["downstream_calls"] or 0) + (record.get("init_downstream_calls") or 0)
    return calls if units is None else float(units)
