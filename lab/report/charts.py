"""The charts, as ECharts options: plain data, without functions, so that a page and a picture are made from the same.

An option is built for a theme. Colours are the registry's; on the dark background one with too little contrast is made
lighter (WCAG 2.2, 1.4.11: 3 to 1). No chart tells by colour alone: bars are named, lines are dashed differently.
"""

import colorsys
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from functions.registry import VARIANTS
from lab.report.model import Report, VariantSummary
from lab.report.values import Json
from lab.report.words import figure, interval, percent, shown
from lab.stats import Estimate

Option = dict[str, Json]


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
UNKNOWN_COLOR: Final = "#8a8f98"
_DASHES: Final = ("dashed", "solid", [8, 3], [3, 2], [12, 3, 3, 3])


class Chart(NamedTuple):
    """A chart: what it is called and shows, and its option for a theme."""

    name: str
    title: str
    description: str
    option: Callable[[Theme], Option]


def charts(report: Report) -> tuple[Chart, ...]:
    """The charts of a report, the most important first."""
    return (
        Chart(
            "latency",
            "Latency distribution",
            "For each variant, the share of invocations answered within a latency from the planned start. "
            "Further left and up is faster.",
            lambda theme: _latency(report, theme),
        ),
        Chart(
            "downstream-calls",
            "Downstream calls per 1,000 invocations",
            "Downstream calls per 1,000 invocations of each variant, with the 95 % interval. " + _told(report, _calls),
            lambda theme: _bars(report, theme, _calls, "downstream calls per 1,000 invocations", room=104),
        ),
        Chart(
            "downstream-calls-over-time",
            "Downstream calls over time",
            "Downstream calls a second of each variant, over the seconds since the first planned start.",
            lambda theme: _calls_over_time(report, theme),
        ),
        Chart(
            "hit-ratio",
            "Hit ratio",
            "Share of invocations answered from the cache. " + _told(report, _hits),
            lambda theme: _bars(report, theme, _hits, "hits and stale serves, % of invocations", max=100, interval=25),
        ),
        Chart(
            "staleness",
            "Stalest answer",
            "The longest time that a served version had been superseded. " + _told(report, _stalest),
            lambda theme: _bars(report, theme, _stalest, "staleness of the stalest answer, s"),
        ),
    )


def color_of(variant: str, theme: Theme) -> str:
    """The variant's colour on the theme's background."""
    color = next((one.color for one in VARIANTS if one.name == variant), UNKNOWN_COLOR)
    return _visible(color, theme) if theme is DARK else color


class _Bar(NamedTuple):
    length: float
    text: str


def _calls(summary: VariantSummary) -> _Bar | None:
    calls = summary.downstream_calls_per_1000
    if calls is None:
        return None
    return _Bar(calls.value, f"{figure(calls.value)}{_ends(calls)}")


def _ends(estimate: Estimate) -> str:
    return f"  ({interval(estimate)})" if estimate.bounded and estimate.low < estimate.high else ""


def _hits(summary: VariantSummary) -> _Bar | None:
    ratio = summary.hit_ratio
    return None if ratio is None else _Bar(ratio * 100, percent(ratio))


def _stalest(summary: VariantSummary) -> _Bar | None:
    staleness = summary.staleness_s
    return None if staleness is None else _Bar(staleness.max, f"{figure(staleness.max)} s")


def _told(report: Report, bar_of: Callable[[VariantSummary], _Bar | None]) -> str:
    bars = ((shown(summary.variant, 24), bar_of(summary)) for summary in report.variants)
    return "; ".join(f"{name} {bar.text}" for name, bar in bars if bar is not None)


def _base(theme: Theme) -> Option:
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


def _axis(theme: Theme, kind: str, name: str = "", **more: Json) -> Option:
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


def _legend(theme: Theme) -> Option:
    return {
        "top": 0,
        "left": "center",
        "itemWidth": 34,
        "itemGap": 14,
        "itemStyle": {"opacity": 0},
        "textStyle": {"color": theme.ink, "fontSize": 12},
    }


def _lines(
    report: Report, theme: Theme, points_of: Callable[[VariantSummary], Sequence[Sequence[float]]], **more: Json
) -> Iterator[Option]:
    for index, summary in enumerate(report.variants):
        color = color_of(summary.variant, theme)
        yield {
            "type": "line",
            "name": shown(summary.variant, 24),
            "symbol": "none",
            "color": color,
            "lineStyle": {"width": 2, "type": _DASHES[index % len(_DASHES)]},
            "emphasis": {"focus": "series"},
            "data": list(points_of(summary)),
            **more,
        }


def _latency(report: Report, theme: Theme) -> Option:
    series = list(_lines(report, theme, _curve, step="end"))
    places = [point[0] for one in series for point in one["data"]]
    return {
        **_base(theme),
        "grid": {"left": 58, "right": 20, "top": 58, "bottom": 50},
        "legend": _legend(theme),
        "xAxis": _axis(
            theme,
            "log",
            "latency from the planned start, ms (log scale)",
            min=_round_number(min(places), math.floor) if places else 1,
            max=_round_number(max(places), math.ceil) if places else 1000,
            minorSplitLine={"show": True, "lineStyle": {"color": theme.grid, "opacity": 0.6}},
        ),
        "yAxis": _axis(theme, "value", "answered, % of invocations", min=0, max=100, nameGap=40),
        "series": series,
    }


def _curve(summary: VariantSummary) -> list[list[float]]:
    """The distribution in percent, from 0. A logarithmic axis has no place for a latency of 0."""
    points = [[_short(point.x), round(point.y * 100, 2)] for point in summary.latency_curve if point.x > 0]
    return [[points[0][0], 0.0], *points] if points else []


def _round_number(value: float, toward: Callable[[float], int]) -> float:
    """The next of 1, 2, 5, 10, 20, … in that direction."""
    decade = 10.0 ** math.floor(math.log10(value))
    steps = [step * decade for step in (1.0, 2.0, 5.0, 10.0)]
    if toward is math.floor:
        return max(step for step in steps if step <= value * (1 + 1e-9))
    return min(step for step in steps if step >= value * (1 - 1e-9))


def _calls_over_time(report: Report, theme: Theme) -> Option:
    series = list(_lines(report, theme, lambda one: [[_short(p.x), _short(p.y)] for p in one.calls_curve]))
    return {
        **_base(theme),
        "grid": {"left": 58, "right": 20, "top": 58, "bottom": 50},
        "legend": _legend(theme),
        "xAxis": _axis(theme, "value", "seconds since the first planned start"),
        "yAxis": _axis(theme, "value", "downstream calls a second", nameGap=40),
        "series": series,
    }


def _bars(
    report: Report,
    theme: Theme,
    bar_of: Callable[[VariantSummary], _Bar | None],
    name: str,
    *,
    room: int = 60,
    **axis: Json,
) -> Option:
    """Bars from the left. The text at the end of the longest one takes ``room`` pixels."""
    bars = [(summary.variant, bar_of(summary)) for summary in report.variants]
    return {
        **_base(theme),
        "grid": {"left": 112, "right": room, "top": 8, "bottom": 50},
        "xAxis": _axis(theme, "value", name, min=0, splitNumber=4, **axis),
        "yAxis": _axis(
            theme,
            "category",
            data=[shown(variant, 24) for variant, _ in bars],
            inverse=True,
            axisTick={"show": False},
            axisLabel={"color": theme.ink, "fontSize": 12, "width": 96, "overflow": "truncate"},
        ),
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 22,
                "data": [_bar_item(variant, bar, theme) for variant, bar in bars],
            }
        ],
    }


def _bar_item(variant: str, bar: _Bar | None, theme: Theme) -> Option:
    return {
        "value": 0 if bar is None else _short(bar.length),
        "itemStyle": {"color": color_of(variant, theme)},
        "label": {
            "show": True,
            "position": "right",
            "color": theme.ink,
            "fontSize": 12,
            "formatter": "not measured" if bar is None else bar.text,
        },
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _visible(color: str, theme: Theme) -> str:
    """The colour, made lighter step by step until it stands out from a dark background."""
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while contrast(color, theme.background) < LEAST_CONTRAST and lightness < 1:
        lightness = min(1.0, lightness + 0.03)
        color = "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))
    return color


def contrast(one: str, other: str) -> float:
    """The contrast of two colours ``#RRGGBB``, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
