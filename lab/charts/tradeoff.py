"""Latency against cost: what each variant costs in milliseconds and in money."""

import functools
import math
from collections.abc import Sequence
from typing import Final

from lab.analysis.model import Report, VariantSummary
from lab.analysis.table import Table, value, variant_table
from lab.analysis.wording import figure, interval, shown
from lab.charts.bars import stalest, texts
from lab.charts.drawing import Chart, Option, Theme, axis, base, color_of, short

PLOT_HEIGHT: Final = 270
"""From 0 to the highest cost, pixels, about."""
LINE_HEIGHT: Final = 15


def chart(report: Report) -> Chart:
    """Latency, cost and staleness of each variant."""
    return Chart(
        "choice",
        "What each variant costs: latency and money",
        "Mean latency of warm answers with its 95 % interval, and the cost of a month; further left and down is "
        f"better. {_meaning_of_fill(report)}The stalest answer stands beside each name: " + texts(report, stalest),
        _numbers(report),
        functools.partial(_option, report),
    )


def _meaning_of_fill(report: Report) -> str:
    if report.advice.variant is None:
        return ""
    return "The recommended variant, and those that it cannot be distinguished from, are filled. "


def _is_filled(report: Report, variant: str) -> bool:
    advice = report.advice
    return advice.variant is None or variant in (advice.variant, *advice.alternatives)


def _numbers(report: Report) -> Table:
    return variant_table(
        report,
        "Latency, cost and staleness",
        (
            ("warm mean, ms", lambda one: value(one.warm.mean_ms if one.warm else None)),
            ("95 % CI", lambda one: interval(one.warm.mean_ms if one.warm else None)),
            ("$ a month", lambda one: value(one.month_usd)),
            ("95 % CI", lambda one: interval(one.month_usd)),
            ("stalest answer, s", lambda one: figure(one.stalest_s)),
        ),
    )


def _option(report: Report, theme: Theme) -> Option:
    """A point for each variant, its interval, and its name with the most out of date answer."""
    placed = [one for one in report.variants if one.warm is not None and one.month_usd is not None]
    offsets = _offsets(placed)
    return {
        **base(theme),
        "grid": {"left": 64, "right": 132, "top": 24, "bottom": 50},
        "xAxis": axis(theme, "value", "mean latency of warm answers, ms", min=0),
        "yAxis": axis(theme, "value", "$ a month", min=0, boundaryGap=[0, 0.1], nameGap=44),
        "series": [
            series
            for one in placed
            for series in _point(one, theme, _is_filled(report, one.variant), offsets[one.variant])
        ],
    }


def _offsets(placed: Sequence[VariantSummary]) -> dict[str, int]:
    """How far each name is moved down, pixels, so that names of variants with similar costs do not overlap."""
    costs = {one.variant: one.month_usd.value for one in placed if one.month_usd}
    pixels = PLOT_HEIGHT / (max(costs.values(), default=0.0) or 1.0)
    offsets, lowest_free = {}, -math.inf
    for name, cost in sorted(costs.items(), key=lambda each: each[1]):
        height = max(cost * pixels, lowest_free)
        offsets[name] = round(cost * pixels - height)
        lowest_free = height + LINE_HEIGHT
    return offsets


def _point(summary: VariantSummary, theme: Theme, is_filled: bool, shift: int) -> list[Option]:
    if summary.warm is None or summary.month_usd is None:
        return []
    color, mean, cost = color_of(summary.about, theme), summary.warm.mean_ms, short(summary.month_usd.value)
    stale = "" if summary.stalest_s is None else f", {figure(summary.stalest_s)} s"
    name = f"{shown(summary.variant, 24)}{stale}"
    bar = [[short(max(0.0, mean.low)), cost], [short(mean.high), cost]] if mean.bounded else []
    # The name stands at the end of the interval, which else would be drawn through it.
    end = short(mean.high) if mean.bounded else short(mean.value)
    return [
        {"type": "line", "name": name, "symbol": "none", "silent": True, "color": color, "data": bar},
        {
            "type": "scatter",
            "name": name,
            "symbolSize": 14,
            "data": [{"name": name, "value": [short(mean.value), cost]}],
            "itemStyle": {"color": color if is_filled else theme.background, "borderColor": color, "borderWidth": 2},
        },
        {
            "type": "scatter",
            "name": name,
            "symbolSize": 1,
            "silent": True,
            "data": [{"name": name, "value": [end, cost]}],
            "itemStyle": {"color": color},
            "label": {
                "show": True,
                "formatter": "{b}",
                "position": "right",
                "distance": 12,
                "offset": [0, shift],
                "color": theme.ink,
                "fontSize": 12,
            },
        },
    ]
