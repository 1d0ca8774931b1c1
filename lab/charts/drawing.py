"""What all charts are made of: themes, colours, axes and lines of ECharts options.

Colours are those of the run's file; on the dark background one with too little contrast is made lighter (WCAG 2.2,
1.4.11: 3 to 1). No chart depends on colour alone: bars are named, lines are dashed differently.
"""

import colorsys
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lab.analysis.model import Report, Start, VariantSummary
from lab.analysis.table import Table, table
from lab.analysis.wording import NOT_MEASURED, shown
from lab.records.json_values import Json
from lab.records.run_file import VariantDescription

Option = dict[str, Json]

ECHARTS: Final = Path(__file__).resolve().parents[2] / "node_modules" / "echarts" / "dist" / "echarts.min.js"
"""The chart library."""

SYMBOLS: Final = {Start.WARM: "circle", Start.COLD: "triangle", Start.RESTORED: "diamond"}


class Theme(NamedTuple):
    """The colours of a chart that are not a variant's."""

    name: str
    background: str
    ink: str
    muted: str
    grid: str


LIGHT: Final = Theme("light", "#ffffff", "#1d2228", "#565f6b", "#e4e7eb")
DARK: Final = Theme("dark", "#15181d", "#e7eaee", "#a3acb8", "#2d333b")
THEMES: Final = (LIGHT, DARK)

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
LEAST_CONTRAST: Final = 3.0
DASHES: Final = ("dashed", "solid", [8, 3], [3, 2], [12, 3, 3, 3])


class Chart(NamedTuple):
    """A chart.

    Attributes:
        name: of its picture's file.
        title: what it shows.
        description: how to read it, and what is left out.
        numbers: the chart as a table, for those who do not see it or want the numbers.
        option: the chart for a theme.
        height: pixels; None: as the page has it.
    """

    name: str
    title: str
    description: str
    numbers: Table
    option: Callable[[Theme], Option]
    height: int | None = None


def color_of(variant: VariantDescription, theme: Theme) -> str:
    """The variant's colour on the theme's background."""
    return on_dark(variant.color) if theme is DARK else variant.color


def on_dark(color: str) -> str:
    """A colour ``#RRGGBB``, made lighter step by step until it stands out from the dark background."""
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while contrast(color, DARK.background) < LEAST_CONTRAST and lightness < 1:
        lightness = min(1.0, lightness + 0.03)
        color = "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))
    return color


def base(theme: Theme) -> Option:
    """What every chart has."""
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"fontFamily": FONT, "color": theme.ink},
        # Rich text, not HTML: a variant's name can then be nothing but text.
        "tooltip": {
            "renderMode": "richText",
            "backgroundColor": theme.background,
            "borderColor": theme.muted,
            "textStyle": {"color": theme.ink, "fontSize": 12},
            "confine": True,
        },
    }


def axis(theme: Theme, kind: str, name: str = "", **more: Json) -> Option:
    """An axis, its name in its middle."""
    return {
        "type": kind,
        "name": name,
        "nameLocation": "middle",
        "nameGap": 32,
        "nameTextStyle": {"color": theme.muted, "fontSize": 12},
        "axisLabel": {"color": theme.muted, "fontSize": 12, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": theme.muted}},
        "splitLine": {"show": kind != "category", "lineStyle": {"color": theme.grid}},
        **more,
    }


def variant_axis(theme: Theme, names: Sequence[str], **label: Json) -> Option:
    """An axis of rows, the first name at the top."""
    return axis(
        theme,
        "category",
        data=names,
        inverse=True,
        axisTick={"show": False},
        axisLabel={"color": theme.ink, "overflow": "truncate", **label},
    )


def legend(theme: Theme) -> Option:
    """A legend of lines, at the top."""
    return {
        "top": 0,
        "left": "center",
        "itemWidth": 34,
        "itemGap": 14,
        "itemStyle": {"opacity": 0},
        "textStyle": {"color": theme.ink, "fontSize": 12},
    }


def lines(
    report: Report, theme: Theme, points_of: Callable[[VariantSummary], Sequence[Sequence[float]]], **more: Json
) -> Iterator[Option]:
    """A line for each variant."""
    for index, summary in enumerate(report.variants):
        color = color_of(summary.about, theme)
        yield {
            "type": "line",
            "name": shown(summary.variant, 24),
            "symbol": "none",
            "color": color,
            "lineStyle": {"width": 2, "type": DASHES[index % len(DASHES)]},
            "emphasis": {"focus": "series"},
            "data": list(points_of(summary)),
            **more,
        }


def table_by_variant(
    report: Report, caption: str, first: tuple[str, Sequence[str]], columns: Sequence[Sequence[str]]
) -> Table:
    """A table with a column for each variant; a column may end before the first one does."""
    head, names = first
    filled = [[*column, *[NOT_MEASURED] * (len(names) - len(column))] for column in columns]
    heads = (head, *(shown(summary.variant, 24) for summary in report.variants))
    return table(report, caption, heads, [*zip(names, *filled, strict=True)])


def round_number(value: float, toward: Callable[[float], int]) -> float:
    """The next of 1, 2, 5, 10, 20, … in that direction."""
    decade = 10.0 ** math.floor(math.log10(value))
    steps = [step * decade for step in (1.0, 2.0, 5.0, 10.0)]
    if toward is math.floor:
        return max(step for step in steps if step <= value * (1 + 1e-9))
    return min(step for step in steps if step >= value * (1 - 1e-9))


def short(value: float) -> float:
    """A number to four digits, which is finer than a pixel."""
    return float(f"{value:.4g}")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours ``#RRGGBB``, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
