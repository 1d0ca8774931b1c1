"""Latency against cost, and which variants nothing beats."""

import functools
import math
from collections.abc import Sequence
from typing import Final

from lab.analysis.model import Report, VariantSummary
from lab.analysis.table import Table, p50_interval, quantile, variant_table
from lab.analysis.wording import NOT_MEASURED, figure, shown
from lab.charts.bars import stalest, texts
from lab.charts.drawing import Chart, Option, Theme, axis, base, color_of, short

PLOT_HEIGHT: Final = 270
"""From 0 to the highest cost, pixels, about."""
LINE_HEIGHT: Final = 15


def unbeaten(variants: Sequence[VariantSummary]) -> list[VariantSummary]:
    """The variants to which none is better or equal in median latency, cost and greatest staleness, and better in one.

    Where latency alone differs it must have been shown to.
    """
    return [one for one in variants if _placed(one) and not any(_beats(other, one) for other in variants)]


def _placed(summary: VariantSummary) -> bool:
    answered = summary.latency_ms is not None and math.isfinite(summary.latency_ms.p50.value)
    return answered and summary.cost is not None


def _beats(one: VariantSummary, other: VariantSummary) -> bool:
    if one.latency_ms is None or other.latency_ms is None or one.cost is None or other.cost is None:
        return False
    if one.latency_ms.p50.value > other.latency_ms.p50.value:
        return False
    money, stale = one.cost.total - other.cost.total, _stalest(one) - _stalest(other)
    if money > 0 or stale > 0:
        return False
    return money < 0 or stale < 0 or one.latency_ms.p50.high < other.latency_ms.p50.low


def _stalest(summary: VariantSummary) -> float:
    return summary.staleness_s.max if summary.staleness_s else 0.0


def chart(report: Report) -> Chart:
    """Latency, cost and staleness of each variant."""
    return Chart(
        "choice",
        "What each variant costs: latency and money",
        "Median latency with its 95 % interval, and the cost of a million invocations; further left and down is "
        "better. A variant is drawn hollow if another is better or equal in latency, cost and greatest staleness, "
        "which stands beside its name: " + texts(report, stalest),
        _numbers(report),
        functools.partial(_option, report),
    )


def _numbers(report: Report) -> Table:
    best = unbeaten(report.variants)
    return variant_table(
        report,
        "Latency, cost and staleness",
        (
            ("p50, ms", lambda one: quantile(one.latency_ms, "p50")),
            ("95 % CI", lambda one: p50_interval(one.latency_ms)),
            ("$ a million", lambda one: figure(one.cost.total if one.cost else None)),
            ("stalest answer, s", lambda one: quantile(one.staleness_s, "max")),
            (
                "another is as good in all three",
                lambda one: NOT_MEASURED if not _placed(one) else "no" if one in best else "yes",
            ),
        ),
    )


def _option(report: Report, theme: Theme) -> Option:
    """A point for each variant, its interval, and its name with the most out of date answer."""
    best = unbeaten(report.variants)
    placed = [summary for summary in report.variants if _placed(summary)]
    offsets = _offsets(placed)
    return {
        **base(theme),
        "grid": {"left": 64, "right": 132, "top": 24, "bottom": 50},
        "xAxis": axis(theme, "value", "median latency, ms", min=0),
        "yAxis": axis(theme, "value", "$ a million invocations", min=0, boundaryGap=[0, 0.1], nameGap=44),
        "series": [
            one for summary in placed for one in _point(summary, theme, summary in best, offsets[summary.variant])
        ],
    }


def _offsets(placed: Sequence[VariantSummary]) -> dict[str, int]:
    """How far each name is moved down, pixels, so that names of variants with similar costs do not overlap."""
    costs = {one.variant: one.cost.total for one in placed if one.cost}
    pixels = PLOT_HEIGHT / (max(costs.values(), default=0.0) or 1.0)
    offsets, lowest_free = {}, -math.inf
    for name, cost in sorted(costs.items(), key=lambda each: each[1]):
        height = max(cost * pixels, lowest_free)
        offsets[name] = round(cost * pixels - height)
        lowest_free = height + LINE_HEIGHT
    return offsets


def _point(summary: VariantSummary, theme: Theme, is_best: bool, shift: int) -> list[Option]:
    if summary.latency_ms is None or summary.cost is None:
        return []
    color, p50, cost = color_of(summary.about, theme), summary.latency_ms.p50, short(summary.cost.total)
    name = f"{shown(summary.variant, 24)}, {figure(_stalest(summary))} s"
    bar = [[short(p50.low), cost], [short(p50.high), cost]] if p50.bounded else []
    # The name stands at the end of the interval, which else would be drawn through it.
    end = short(p50.high) if p50.bounded else short(p50.value)
    return [
        {"type": "line", "name": name, "symbol": "none", "silent": True, "color": color, "data": bar},
        {
            "type": "scatter",
            "name": name,
            "symbolSize": 14,
            "data": [{"name": name, "value": [short(p50.value), cost]}],
            "itemStyle": {"color": color if is_best else theme.background, "borderColor": color, "borderWidth": 2},
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
