"""The distribution of latencies."""

import functools
import math

from lab.analysis.model import Report, VariantSummary
from lab.analysis.summary import QUANTILES
from lab.analysis.wording import figure
from lab.charts.drawing import (
    Chart,
    Option,
    Theme,
    axis,
    base,
    legend,
    lines,
    round_number,
    short,
    table_by_variant,
)  # fmt: skip


def chart(report: Report) -> Chart:
    """The share of the answered invocations by latency."""
    return Chart(
        "latency",
        "Latency distribution",
        "For each variant, the share of everything requested that was answered within a latency from the planned "
        "start. Further left and up is faster.",
        table_by_variant(
            report,
            "Latency, ms, within which so many % of everything requested was answered",
            ("%", [f"{share * 100:g}" for share in QUANTILES]),
            [[figure(value) for value in summary.quantiles] for summary in report.variants],
        ),
        functools.partial(_option, report),
    )


def _option(report: Report, theme: Theme) -> Option:
    """Empirical distribution functions over a logarithmic axis."""
    series = list(lines(report, theme, _curve, step="end"))
    places = [point[0] for one in series for point in one["data"]]
    return {
        **base(theme),
        "grid": {"left": 58, "right": 20, "top": 58, "bottom": 50},
        "legend": legend(theme),
        "xAxis": axis(
            theme,
            "log",
            "latency from the planned start, ms (log scale)",
            min=round_number(min(places), math.floor) if places else 1,
            max=round_number(max(places), math.ceil) if places else 1000,
            minorSplitLine={"show": True, "lineStyle": {"color": theme.grid, "opacity": 0.6}},
        ),
        "yAxis": axis(theme, "value", "answered, % of invocations", min=0, max=100, nameGap=40),
        "series": series,
    }


def _curve(summary: VariantSummary) -> list[list[float]]:
    """The distribution in percent, from 0. A logarithmic axis has no place for a latency of 0."""
    points = [[short(point.x), round(point.y * 100, 2)] for point in summary.latency_curve if point.x > 0]
    return [[points[0][0], 0.0], *points] if points else []
