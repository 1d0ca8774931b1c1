"""Bars of downstream calls, hit ratios and the stalest answers."""

from collections.abc import Callable
from typing import NamedTuple

from lab.analysis.model import Report, VariantSummary
from lab.analysis.table import Table, variant_table
from lab.analysis.wording import NOT_MEASURED, figure, interval, percent, shown
from lab.charts.drawing import Chart, Option, Theme, axis, base, color_of, short, variant_axis
from lab.records.json_values import Json
from lab.records.run_file import VariantDescription


class Bar(NamedTuple):
    """A bar: its length, and what stands at its end."""

    length: float
    text: str


BarOf = Callable[[VariantSummary], Bar | None]


def charts(report: Report) -> tuple[Chart, ...]:
    """The bar charts of a report."""
    return (
        Chart(
            "downstream-calls",
            "Downstream calls per 1,000 invocations",
            "Downstream calls per 1,000 invocations of each variant, with the 95 % interval. " + texts(report, _calls),
            _numbers(report, "calls per 1,000", _calls),
            lambda theme: _option(report, theme, _calls, "downstream calls per 1,000 invocations", room=104),
        ),
        Chart(
            "hit-ratio",
            "Hit ratio",
            "Share of invocations answered from the cache. " + texts(report, _hits),
            _numbers(report, "hit ratio", _hits),
            lambda theme: _option(
                report, theme, _hits, "hits and stale serves, % of invocations", max=100, interval=25
            ),
        ),
        Chart(
            "staleness",
            "Stalest answer",
            "The longest time that a served version had been superseded. " + texts(report, stalest),
            _numbers(report, "stalest answer", stalest),
            lambda theme: _option(report, theme, stalest, "staleness of the stalest answer, s"),
        ),
    )


def texts(report: Report, bar_of: BarOf) -> str:
    """The bars in words."""
    bars = ((shown(summary.variant, 24), bar_of(summary)) for summary in report.variants)
    return "; ".join(f"{name} {bar.text}" for name, bar in bars if bar is not None)


def stalest(summary: VariantSummary) -> Bar | None:
    """The stalest answer, s."""
    seen = summary.stalest_s
    return None if seen is None else Bar(seen, f"{figure(seen)} s")


def _calls(summary: VariantSummary) -> Bar | None:
    calls = summary.downstream_calls_per_1000
    if calls is None:
        return None
    ends = f"  ({interval(calls)})" if calls.bounded and calls.low < calls.high else ""
    return Bar(calls.value, f"{figure(calls.value)}{ends}")


def _hits(summary: VariantSummary) -> Bar | None:
    ratio = summary.hit_ratio
    return None if ratio is None else Bar(ratio * 100, percent(ratio))


def _numbers(report: Report, name: str, bar_of: BarOf) -> Table:
    def cell(summary: VariantSummary) -> str:
        bar = bar_of(summary)
        return bar.text if bar else NOT_MEASURED

    return variant_table(report, name[:1].upper() + name[1:], [(name, cell)])


def _option(report: Report, theme: Theme, bar_of: BarOf, name: str, *, room: int = 60, **more: Json) -> Option:
    """Bars from the left. The text at the end of the longest one takes ``room`` pixels."""
    bars = [_bar(summary.about, bar_of(summary), theme) for summary in report.variants]
    names = [shown(summary.variant, 24) for summary in report.variants]
    return {
        **base(theme),
        "grid": {"left": 112, "right": room, "top": 8, "bottom": 50},
        "xAxis": axis(theme, "value", name, min=0, splitNumber=4, **more),
        "yAxis": variant_axis(theme, names, fontSize=12, width=96),
        "series": [{"type": "bar", "barMaxWidth": 22, "data": bars}],
    }


def _bar(about: VariantDescription, bar: Bar | None, theme: Theme) -> Option:
    text = "not measured" if bar is None else bar.text
    return {
        "value": 0 if bar is None else short(bar.length),
        "itemStyle": {"color": color_of(about, theme)},
        "label": {"show": True, "position": "right", "color": theme.ink, "fontSize": 12, "formatter": text},
    }
