"""What the page is made of before any record is read: its widgets, their places, titles, lines and texts."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from markdown_it import MarkdownIt
from markupsafe import Markup

from cloudwatch.dashboard import Dashboard, Graph, Numbers, Text, Widget
from functions.registry import VARIANTS
from lab.analysis.wording import shown
from lab.charts.drawing import DARK, UNKNOWN_COLOR, color_of

LONGEST_LABEL: Final = 120

# No HTML, links or pictures: what a body holds can be nothing but text.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink"])
_ON_DARK: Final = {variant.color.lower(): color_of(variant.name, DARK) for variant in VARIANTS}


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
            {"label": shown(line.label, LONGEST_LABEL), "light": line.color or UNKNOWN_COLOR, "dark": _dark(line.color)}
            for line in lines
        ]
    if isinstance(widget.content, Graph):
        plan["axis"] = widget.content.axis._asdict()
        plan["levels"] = [{"value": level.value, "label": shown(level.label, 60)} for level in widget.content.levels]
    return plan


def _dark(color: str | None) -> str:
    return _ON_DARK.get((color or UNKNOWN_COLOR).lower(), color or UNKNOWN_COLOR)
