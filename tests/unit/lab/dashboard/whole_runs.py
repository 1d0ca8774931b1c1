"""What dashboards show of a whole run, and what its report has in the same place."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudwatch.dashboard import Dashboard
from cloudwatch.ranges import Range, range_of
from lab.analysis.model import Report
from lab.dashboard.run_source import RunSource
from lab.dashboard.sources import Source
from lab.dashboard.widgets import widget_data
from lab.records.files import run_files

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


def cost_rows(report: Report) -> list[list[str]]:
    """The rows of the report's table of cost, without the billed duration."""
    costs = {one.variant: one.cost for one in report.variants if one.cost}
    return [
        [name, *(f"{part:.3f}" for part in (one.requests, one.compute, one.restores, one.downstream, one.total))]
        for name, one in costs.items()
    ]
