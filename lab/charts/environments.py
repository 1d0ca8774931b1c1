"""The lives of execution environments, as an ECharts option: a row an environment."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from lab.analysis.model import EnvironmentLife, Report, Start
from lab.analysis.wording import figure, shown, whole
from lab.charts.drawing import SYMBOLS, Option, Theme, axis, base, color_of, short
from lab.records.run_file import VariantDescription

ROW_HEIGHT: Final = 22


class _Row(NamedTuple):
    variant: VariantDescription
    name: str
    life: EnvironmentLife


def _rows(report: Report) -> Iterator[_Row]:
    for summary in report.variants:
        for number, life in enumerate(summary.lives, start=1):
            yield _Row(summary.about, f"{shown(summary.variant, 20)} {number}", life)


def height(report: Report) -> int:
    """The height of the chart, pixels."""
    return 120 + ROW_HEIGHT * sum(len(summary.lives) for summary in report.variants)


def option(report: Report, theme: Theme) -> Option:
    """Bars of lives, ticks of reads, and how each environment began."""
    rows = list(_rows(report))
    return {
        **base(theme),
        "grid": {"left": 136, "right": 92, "top": 34, "bottom": 50},
        "legend": {
            "top": 0,
            "left": "center",
            "itemGap": 24,
            "textStyle": {"color": theme.ink, "fontSize": 12},
            "itemStyle": {"color": theme.muted},
            "data": ["read downstream", "cold start", "restore"],
        },
        "xAxis": axis(theme, "value", "seconds since the first planned start", min=0),
        "yAxis": axis(
            theme,
            "category",
            data=[row.name for row in rows],
            inverse=True,
            axisTick={"show": False},
            axisLabel={"color": theme.ink, "fontSize": 11, "width": 124, "overflow": "truncate", "interval": 0},
        ),
        "series": [
            {
                "type": "bar",
                "name": "before",
                "stack": "life",
                "silent": True,
                "itemStyle": {"color": "transparent"},
                "data": [short(max(0.0, row.life.began)) for row in rows],
            },
            {
                "type": "bar",
                "name": "life",
                "stack": "life",
                "barWidth": 14,
                "data": [_bar(row, theme) for row in rows],
            },
            {
                "type": "scatter",
                "name": "read downstream",
                "symbol": "rect",
                "symbolSize": [2, 12],
                "data": [
                    {"value": [short(at), place], "itemStyle": {"color": color_of(row.variant, theme)}}
                    for place, row in enumerate(rows)
                    for at in row.life.read_at
                ],
            },
            _marks(rows, theme, Start.COLD, "cold start"),
            _marks(rows, theme, Start.RESTORED, "restore"),
        ],
    }


def _bar(row: _Row, theme: Theme) -> Option:
    life = row.life
    return {
        "value": short(life.ended - max(0.0, life.began)),
        "name": f"{row.name}: {whole(life.invocations)} invocations, {whole(life.reads)} read downstream",
        "itemStyle": {"color": color_of(row.variant, theme), "opacity": 0.2},
        "label": {
            "show": True,
            "position": "right",
            "color": theme.muted,
            "fontSize": 11,
            "opacity": 1,
            "formatter": f"{whole(life.invocations)} inv.",
        },
    }


def _marks(rows: list[_Row], theme: Theme, start: Start, name: str) -> Option:
    return {
        "type": "scatter",
        "name": name,
        "symbol": SYMBOLS[start],
        "symbolSize": 11,
        "itemStyle": {"borderColor": theme.ink, "borderWidth": 1},
        "z": 5,
        "data": [
            {
                "value": [short(max(0.0, row.life.began)), place],
                "name": f"{row.name}: {name} {figure(row.life.start_ms)} ms",
                "itemStyle": {"color": color_of(row.variant, theme)},
            }
            for place, row in enumerate(rows)
            if row.life.start is start
        ],
    }
