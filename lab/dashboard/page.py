"""What the page is made of before any record is read: its widgets, their places, titles, lines and texts."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from markdown_it import MarkdownIt
from markupsafe import Markup

from cloudwatch.dashboard import Dashboard, Graph, Numbers, Text, Widget
from lab.analysis.wording import shown
from lab.charts.drawing import on_dark

LONGEST_LABEL: Final = 120

# No HTML, links or pictures: what a body holds can be nothing but text.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink"])
_OTHER_COLOR: Final = "#8a8f98"
_COLOR: Final = re.compile("#[0-9a-fA-F]{6}")


class Page(NamedTuple):
    """A dashboard's page.

    Attributes:
        name: the dashboard's.
        names: of all dashboards.
        widgets: each with its place, and its text as HTML where it has one.
        plan: what the script needs of each widget.
    """

    name: str
    names: Sequence[str]
    widgets: Sequence[tuple[Widget, str, Markup | None]]
    plan: Sequence[dict[str, Any]]


def dashboard_page(dashboard: Dashboard, names: Sequence[str]) -> Page:
    """The page of a dashboard."""
    widgets = [(widget, shown(widget.title, LONGEST_LABEL), _html(widget)) for widget in dashboard.widgets]
    return Page(dashboard.name, names, widgets, [_plan(widget) for widget in dashboard.widgets])


def _html(widget: Widget) -> Markup | None:
    if not isinstance(widget.content, Text):
        return None
    return Markup(_MARKDOWN.render(widget.content.markdown))  # noqa: S704 - the renderer escapes all text


def _plan(widget: Widget) -> dict[str, Any]:
    plan: dict[str, Any] = {"place": widget.place._asdict()}
    if isinstance(widget.content, Graph | Numbers):
        lines = [line for line in widget.content.lines if line.visible]
        plan["lines"] = [
            {"label": shown(line.label, LONGEST_LABEL), "light": line.color or _OTHER_COLOR, "dark": _dark(line.color)}
            for line in lines
        ]
    if isinstance(widget.content, Graph):
        plan["axis"] = widget.content.axis._asdict()
        plan["levels"] = [{"value": level.value, "label": shown(level.label, 60)} for level in widget.content.levels]
    return plan


def _dark(color: str | None) -> str:
    color = color or _OTHER_COLOR
    return on_dark(color) if _COLOR.fullmatch(color) else color
