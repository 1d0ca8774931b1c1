"""What dashboards show of a whole run, and what its report has in the same place."""

from pathlib import Path
from typing import Any

from cloudwatch.dashboard import Dashboard
from cloudwatch.ranges import range_of
from functions.registry import VARIANTS
from lab.analysis.model import Report
from lab.dashboard.record_store import RecordStore
from lab.dashboard.results import Wire, results
from lab.dashboard.values import Values

COMPARISON = "CacheLab-comparison"
COST = "Cost of a million invocations, $"
CLEAN = Wire({variant.name: 0 for variant in VARIANTS})


def whole_run(run: Path, dashboard: Dashboard) -> dict[str, Any]:
    """What the dashboard's widgets show of a whole run, by title."""
    with RecordStore(run) as store:
        store.catch_up()
        window = store.seen().window
        assert window is not None
        found = results(dashboard, Values(store), range_of(*window, None, 60), CLEAN)
    return {widget.title: result for widget, result in zip(dashboard.widgets, found, strict=True)}


def cost_rows(report: Report) -> list[list[str]]:
    """The rows of the report's table of cost, without the billed duration."""
    costs = {one.variant: one.cost for one in report.variants if one.cost}
    return [
        [name, *(f"{part:.3f}" for part in (one.requests, one.compute, one.restores, one.downstream, one.total))]
        for name, one in costs.items()
    ]
