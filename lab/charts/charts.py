"""The charts of a report, as ECharts options: plain data without functions, for pages and for pictures.

Each chart is made in a module of its own, with its table.
"""

import functools
from collections.abc import Callable
from typing import Final

from lab.analysis.model import Report
from lab.charts import bars, distribution, environments, over_time, tradeoff
from lab.charts.drawing import FONT, Chart, Option, Theme

CALLERS: Final = ("latency", "choice", "latency-over-time", "staleness")
"""Charts of what only a caller knows."""


def charts(report: Report) -> tuple[Chart, ...]:
    """The charts of a report, the most important first. One that has nothing to draw says so.

    Of records made from logs, those of what only a caller knows are left out.
    """
    made = (
        tradeoff.chart(report),
        distribution.chart(report),
        environments.chart(report),
        over_time.latency_chart(report),
        over_time.calls_chart(report),
        *bars.charts(report),
    )
    unknown = CALLERS if report.from_logs else ()
    return tuple(
        chart._replace(option=functools.partial(_or_empty, chart.option)) for chart in made if chart.name not in unknown
    )


def _or_empty(option_of: Callable[[Theme], Option], theme: Theme) -> Option:
    option = option_of(theme)
    if any(series["data"] for series in option["series"]):
        return option
    text = {"text": "Nothing was measured that could be drawn here.", "fill": theme.muted, "font": f"13px {FONT}"}
    return {**option, "graphic": {"type": "text", "left": "center", "top": "middle", "style": text}}
