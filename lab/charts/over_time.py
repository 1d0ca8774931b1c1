"""Latency and downstream calls over time."""

import functools

from lab.analysis.model import LatencyBin, Report, Start
from lab.analysis.timelines import LATENCY_BINS
from lab.analysis.wording import NOT_MEASURED, figure, shown
from lab.charts.drawing import (
    SYMBOLS,
    Chart,
    Option,
    Theme,
    axis,
    base,
    color_of,
    legend,
    lines,
    short,
    table_by_variant,
)  # fmt: skip

_TIME = "seconds since the first planned start"


def latency_chart(report: Report) -> Chart:
    """Latency over time."""
    times = sorted({bin_.at for summary in report.variants for bin_ in summary.latency_course})
    bins = [{bin_.at: bin_ for bin_ in summary.latency_course} for summary in report.variants]
    return Chart(
        "latency-over-time",
        "Latency over time, with cold starts",
        f"Median (thick) and 90th percentile (thin) of up to {LATENCY_BINS} stretches of the run; each was measured, "
        f"none is a mean. Triangles are cold starts, diamonds restores. {_left_out(report)}",
        table_by_variant(
            report,
            "Latency over time, ms: median / 90th percentile / maximum",
            ("middle, s", [figure(at) for at in times]),
            [[_bin_cell(found.get(at)) for at in times] for found in bins],
        ),
        functools.partial(_latency, report),
    )


def calls_chart(report: Report) -> Chart:
    """Downstream calls over time."""
    times = sorted({point.x for summary in report.variants for point in summary.calls_curve})
    calls = [{point.x: point.y for point in summary.calls_curve} for summary in report.variants]
    return Chart(
        "downstream-calls-over-time",
        "Downstream calls over time",
        "Downstream calls a second of each variant, over the seconds since the first planned start.",
        table_by_variant(
            report,
            "Downstream calls a second",
            ("middle, s", [figure(at) for at in times]),
            [[figure(found.get(at)) for at in times] for found in calls],
        ),
        functools.partial(_calls, report),
    )


def _bin_cell(found: LatencyBin | None) -> str:
    if found is None:
        return NOT_MEASURED
    return f"{figure(found.p50)} / {figure(found.p90)} / {figure(found.max)}"


def _left_out(report: Report) -> str:
    """How many starts are not drawn."""
    drawn = sum(len(summary.beginnings) for summary in report.variants)
    every = sum(summary.starts[start].count for summary in report.variants for start in (Start.COLD, Start.RESTORED))
    return f"{drawn} of {every:,} are drawn, at even steps." if drawn < every else f"All {every:,} are drawn."


def _latency(report: Report, theme: Theme) -> Option:
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


def _calls(report: Report, theme: Theme) -> Option:
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
