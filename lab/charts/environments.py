"""The lives of execution environments: a row an environment."""

import functools
from collections.abc import Iterator
from typing import Final, NamedTuple

from lab.analysis.model import EnvironmentLife, Report, Start
from lab.analysis.table import Table, table
from lab.analysis.wording import NOT_MEASURED, figure, shown, whole
from lab.charts.drawing import SYMBOLS, Chart, Option, Theme, axis, base, color_of, short, variant_axis
from lab.records.run_file import VariantDescription

ROW_HEIGHT: Final = 22
_STARTS: Final = {Start.WARM: NOT_MEASURED, Start.COLD: "cold start", Start.RESTORED: "restore"}


class _Row(NamedTuple):
    variant: VariantDescription
    number: int
    life: EnvironmentLife

    @property
    def name(self) -> str:
        return f"{shown(self.variant.name, 20)} {self.number}"


def _rows(report: Report) -> Iterator[_Row]:
    for summary in report.variants:
        for number, life in enumerate(summary.lives, start=1):
            yield _Row(summary.about, number, life)


def chart(report: Report) -> Chart:
    """The lives of the first environments of each variant."""
    rows = list(_rows(report))
    every = sum(summary.environments for summary in report.variants)
    drawn = f"The first {len(rows)} of {every:,}." if len(rows) < every else f"All {every:,} of them."
    return Chart(
        "environments",
        "Execution environments",
        "A bar is the life of an environment in this run, from the sending of its first invocation to its last "
        "answer; a tick is a moment in which it read downstream: the baseline always, a cache when it filled or "
        f"reloaded. Triangles are cold starts, diamonds restores. {drawn}",
        _numbers(report, rows),
        functools.partial(_option, rows),
        height=120 + ROW_HEIGHT * len(rows),
    )


def _numbers(report: Report, rows: list[_Row]) -> Table:
    columns = (
        "variant", "number", "began, s", "ended, s", "invocations", "began by", "init or restore, ms",
        "read downstream",
    )  # fmt: skip
    cells = [
        (
            row.variant.name,
            whole(row.number),
            figure(row.life.began),
            figure(row.life.ended),
            whole(row.life.invocations),
            _STARTS[row.life.start],
            figure(row.life.start_ms),
            whole(row.life.reads),
        )
        for row in rows
    ]
    return table(report, "Execution environments", columns, cells)


def _option(rows: list[_Row], theme: Theme) -> Option:
    """Bars of lives, ticks of reads, and how each environment began."""
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
        "yAxis": variant_axis(theme, [row.name for row in rows], fontSize=11, width=124, interval=0),
        "series": [
            *_lives(rows, theme),
            _reads(rows, theme),
            _marks(rows, theme, Start.COLD, "cold start"),
            _marks(rows, theme, Start.RESTORED, "restore"),
        ],
    }


def _lives(rows: list[_Row], theme: Theme) -> tuple[Option, Option]:
    """Bars of the lives, stacked on invisible ones of the time before."""
    before = [short(max(0.0, row.life.began)) for row in rows]
    invisible = {"silent": True, "itemStyle": {"color": "transparent"}, "data": before}
    return (
        {"type": "bar", "name": "before", "stack": "life", **invisible},
        {"type": "bar", "name": "life", "stack": "life", "barWidth": 14, "data": [_bar(row, theme) for row in rows]},
    )


def _reads(rows: list[_Row], theme: Theme) -> Option:
    data = [
        {"value": [short(at), place], "itemStyle": {"color": color_of(row.variant, theme)}}
        for place, row in enumerate(rows)
        for at in row.life.read_at
    ]
    return {"type": "scatter", "name": "read downstream", "symbol": "rect", "symbolSize": [2, 12], "data": data}


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
