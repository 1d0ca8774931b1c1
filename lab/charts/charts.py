"""The charts, as ECharts options: plain data, without functions, so that pages and pictures are made from the same."""

import functools
from collections.abc import Callable
from typing import Final, NamedTuple

from lab.analysis.model import Report, VariantSummary
from lab.analysis.statistics import Estimate
from lab.analysis.timelines import LATENCY_BINS
from lab.analysis.wording import figure, interval, percent, shown
from lab.charts import chart_tables as numbers
from lab.charts import distribution, over_time, tradeoff
from lab.charts import environments as timeline
from lab.charts.chart_tables import Bar, BarOf
from lab.charts.drawing import FONT, Option, Theme, axis, base, color_of, short
from lab.records.json_values import Json
from lab.records.run_file import VariantDescription
from lab.report.tables import Table

CALLERS: Final = ("latency", "choice", "latency-over-time", "staleness")
"""Charts of what only a caller knows."""


class Chart(NamedTuple):
    """A chart.

    Attributes:
        name: of its picture's file.
        title: what it shows.
        description: how to read it, and what is left out.
        numbers: the chart as a table, for those who do not see it.
        option: the chart for a theme.
        height: pixels; None: as the page has it.
    """

    name: str
    title: str
    description: str
    numbers: Table
    option: Callable[[Theme], Option]
    height: int | None = None


def charts(report: Report) -> tuple[Chart, ...]:
    """The charts of a report, the most important first. One that has nothing to draw says so.

    Of records made from logs, those of what only a caller knows are left out.
    """
    unknown = CALLERS if report.from_logs else ()
    found = (chart for chart in _charts(report) if chart.name not in unknown)
    return tuple(chart._replace(option=functools.partial(_or_empty, chart.option)) for chart in found)


def _or_empty(option_of: Callable[[Theme], Option], theme: Theme) -> Option:
    option = option_of(theme)
    if any(series["data"] for series in option["series"]):
        return option
    text = {"text": "Nothing was measured that could be drawn here.", "fill": theme.muted, "font": f"13px {FONT}"}
    return {**option, "graphic": {"type": "text", "left": "center", "top": "middle", "style": text}}


def _charts(report: Report) -> tuple[Chart, ...]:
    return (
        Chart(
            "latency",
            "Latency distribution",
            "For each variant, the share of invocations answered within a latency from the planned start. "
            "Further left and up is faster.",
            numbers.quantiles(report),
            lambda theme: distribution.option(report, theme),
        ),
        Chart(
            "choice",
            "What each variant costs: latency and money",
            "Median latency with its 95 % interval, and the cost of a million invocations; further left and down is "
            "better. A variant is drawn hollow if another is better or equal in latency, cost and greatest staleness, "
            "which stands beside its name: " + _told(report, _stalest),
            numbers.choice(report),
            lambda theme: tradeoff.option(report, theme),
        ),
        Chart(
            "environments",
            "Execution environments",
            "A bar is the life of an environment in this run, from the sending of its first invocation to its last "
            "answer; a tick is a moment in which it read downstream: the baseline always, a cache when it filled or "
            "reloaded. Triangles are cold starts, diamonds restores. " + numbers.left_out_environments(report),
            numbers.environments(report),
            lambda theme: timeline.option(report, theme),
            height=timeline.height(report),
        ),
        Chart(
            "latency-over-time",
            "Latency over time, with cold starts",
            f"Median (thick) and 90th percentile (thin) of up to {LATENCY_BINS} stretches of the run; each was "
            "measured, none is a mean. Triangles are cold starts, diamonds restores. "
            + numbers.left_out_beginnings(report),
            numbers.latency_over_time(report),
            lambda theme: over_time.latency(report, theme),
        ),
        Chart(
            "downstream-calls-over-time",
            "Downstream calls over time",
            "Downstream calls a second of each variant, over the seconds since the first planned start.",
            numbers.calls_over_time(report),
            lambda theme: over_time.calls(report, theme),
        ),
        Chart(
            "downstream-calls",
            "Downstream calls per 1,000 invocations",
            "Downstream calls per 1,000 invocations of each variant, with the 95 % interval. " + _told(report, _calls),
            numbers.bars(report, "calls per 1,000", _calls),
            lambda theme: _bars(report, theme, _calls, "downstream calls per 1,000 invocations", room=104),
        ),
        Chart(
            "hit-ratio",
            "Hit ratio",
            "Share of invocations answered from the cache. " + _told(report, _hits),
            numbers.bars(report, "hit ratio", _hits),
            lambda theme: _bars(report, theme, _hits, "hits and stale serves, % of invocations", max=100, interval=25),
        ),
        Chart(
            "staleness",
            "Stalest answer",
            "The longest time that a served version had been superseded. " + _told(report, _stalest),
            numbers.bars(report, "stalest answer", _stalest),
            lambda theme: _bars(report, theme, _stalest, "staleness of the stalest answer, s"),
        ),
    )


def _calls(summary: VariantSummary) -> Bar | None:
    calls = summary.downstream_calls_per_1000
    if calls is None:
        return None
    return Bar(calls.value, f"{figure(calls.value)}{_ends(calls)}")


def _ends(estimate: Estimate) -> str:
    return f"  ({interval(estimate)})" if estimate.bounded and estimate.low < estimate.high else ""


def _hits(summary: VariantSummary) -> Bar | None:
    ratio = summary.hit_ratio
    return None if ratio is None else Bar(ratio * 100, percent(ratio))


def _stalest(summary: VariantSummary) -> Bar | None:
    staleness = summary.staleness_s
    return None if staleness is None else Bar(staleness.max, f"{figure(staleness.max)} s")


def _told(report: Report, bar_of: BarOf) -> str:
    bars = ((shown(summary.variant, 24), bar_of(summary)) for summary in report.variants)
    return "; ".join(f"{name} {bar.text}" for name, bar in bars if bar is not None)


def _bars(
    report: Report,
    theme: Theme,
    bar_of: BarOf,
    name: str,
    *,
    room: int = 60,
    **more: Json,
) -> Option:
    """Bars from the left. The text at the end of the longest one takes ``room`` pixels."""
    bars = [(summary.about, bar_of(summary)) for summary in report.variants]
    return {
        **base(theme),
        "grid": {"left": 112, "right": room, "top": 8, "bottom": 50},
        "xAxis": axis(theme, "value", name, min=0, splitNumber=4, **more),
        "yAxis": axis(
            theme,
            "category",
            data=[shown(about.name, 24) for about, _ in bars],
            inverse=True,
            axisTick={"show": False},
            axisLabel={"color": theme.ink, "fontSize": 12, "width": 96, "overflow": "truncate"},
        ),
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 22,
                "data": [_bar_item(about, bar, theme) for about, bar in bars],
            }
        ],
    }


def _bar_item(about: VariantDescription, bar: Bar | None, theme: Theme) -> Option:
    return {
        "value": 0 if bar is None else short(bar.length),
        "itemStyle": {"color": color_of(about, theme)},
        "label": {
            "show": True,
            "position": "right",
            "color": theme.ink,
            "fontSize": 12,
            "formatter": "not measured" if bar is None else bar.text,
        },
    }
