"""Latency and downstream calls over time, as ECharts options."""

from lab.analysis.model import Report
from lab.analysis.wording import shown
from lab.charts.drawing import SYMBOLS, Option, Theme, axis, base, color_of, legend, lines, short

_TIME = "seconds since the first planned start"


def latency(report: Report, theme: Theme) -> Option:
    """Medians and 90th percentiles of stretches of time, and the invocations that waited for an environment."""
    medians = list(lines(report, theme, lambda one: [[short(bin_.at), short(bin_.p50)] for bin_ in one.latency_course]))
    highs = list(lines(report, theme, lambda one: [[short(bin_.at), short(bin_.p90)] for bin_ in one.latency_course]))
    for line in highs:
        line["lineStyle"] = {**line["lineStyle"], "width": 1, "opacity": 0.55}
    return {
        **base(theme),
        "grid": {"left": 64, "right": 20, "top": 58, "bottom": 50},
        "legend": legend(theme),
        "xAxis": axis(theme, "value", _TIME),
        "yAxis": axis(theme, "log", "latency, ms (log scale)", nameGap=46),
        "series": [*medians, *highs, *(_beginnings(report, theme))],
    }


def _beginnings(report: Report, theme: Theme) -> list[Option]:
    # Of the variant's name, so that the legend hides them with its lines.
    return [
        {
            "type": "scatter",
            "name": shown(summary.variant, 24),
            "color": color_of(summary.about, theme),
            "data": [
                {"value": [short(one.at), short(one.latency_ms)], "symbol": SYMBOLS[one.start], "symbolSize": 10}
                for one in summary.beginnings
                if one.latency_ms > 0
            ],
        }
        for summary in report.variants
    ]


def calls(report: Report, theme: Theme) -> Option:
    """Downstream calls a second."""
    series = list(lines(report, theme, lambda one: [[short(p.x), short(p.y)] for p in one.calls_curve]))
    return {
        **base(theme),
        "grid": {"left": 58, "right": 20, "top": 58, "bottom": 50},
        "legend": legend(theme),
        "xAxis": axis(theme, "value", _TIME),
        "yAxis": axis(theme, "value", "downstream calls a second", nameGap=40),
        "series": series,
    }
