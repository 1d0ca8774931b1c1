"""What the page knows before any data is there: its widgets, their places, titles, lines and texts."""

import hashlib
from typing import Any, Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from cloudwatch.dashboard import Dashboard, Line, Metrics, Text, Widget
from lab.analysis.wording import shown
from lab.charts.drawing import on_dark
from lab.dashboard.widgets import is_graph

LONGEST_LABEL: Final = 120
PALETTE: Final = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22")
"""For lines to which the body gives no colour."""

# No HTML, links or pictures: what a body holds can be nothing but text.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink"])


def dashboard_page(dashboard: Dashboard) -> dict[str, Any]:
    """What the template needs: name, faults of the body, plan and its id, and the widgets: each with title and HTML."""
    return {
        "name": dashboard.name,
        "faults": [f"The dashboard {message}." for rule, message in dashboard.faults if rule != "widget-place"],
        "widgets": [(widget, shown(widget.title, LONGEST_LABEL), _html(widget)) for widget in dashboard.widgets],
        "plan": [_plan(widget) for widget in dashboard.widgets],
        "plan_id": plan_id(dashboard),
    }


def plan_id(dashboard: Dashboard) -> str:
    """Changes when the dashboard does: a page that has another plan must be loaded again."""
    return hashlib.sha256(repr(dashboard).encode()).hexdigest()[:16]


def _html(widget: Widget) -> Markup | None:
    if not isinstance(widget.content, Text):
        return None
    return Markup(_MARKDOWN.render(widget.content.markdown))  # noqa: S704 - the renderer escapes all text


def _plan(widget: Widget) -> dict[str, Any]:
    plan: dict[str, Any] = {"place": widget.place._asdict()}
    if isinstance(widget.content, Metrics):
        visible = [line for line in widget.content.lines if line.visible]
        plan["lines"] = [_line(line, place) for place, line in enumerate(visible)]
        if is_graph(widget.content):
            plan["axis"] = widget.content.axis._asdict()
            plan["levels"] = [{"value": value, "label": shown(label, 60)} for value, label in widget.content.levels]
    return plan


def _line(line: Line, place: int) -> dict[str, str]:
    color = line.color or PALETTE[place % len(PALETTE)]
    return {"label": shown(line.label, LONGEST_LABEL), "light": color, "dark": on_dark(color)}
