"""The report as one HTML file that needs no network: style, charts and chart library are in it."""

import base64
import hashlib
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lab.analysis.model import Report
from lab.analysis.wording import NOT_MEASURED, next_step, shown, where
from lab.charts.charts import charts
from lab.charts.drawing import DARK, ECHARTS, LIGHT, THEMES, color_of
from lab.errors import LabError
from lab.report.answer import answer, how_measured
from lab.report.tables import WORDS, tables

HERE: Final = Path(__file__).resolve().parent


def render_html(report: Report) -> str:
    """The report as a page. Whatever the files held is escaped, and no script runs but the two that are written here.

    Raises:
        LabError: the chart library is not installed.
    """
    library, script = _echarts(), (HERE / "page.js").read_text(encoding="utf-8")
    drawn = charts(report)
    shown_tables = tables(report)
    choices, shown_tables = (None, shown_tables) if report.from_logs else (shown_tables[0], shown_tables[1:])
    page = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("page.html.j2")
    return page.render(
        answer=answer(report),
        advice=report.advice,
        where=where(report),
        run=shown(report.file.run.id or NOT_MEASURED),
        choices=choices,
        tables=shown_tables,
        words=WORDS,
        places={shown(one.variant, 24): place for place, one in enumerate(report.variants)},
        warnings=report.warnings,
        shown=shown,
        next_step=next_step,
        how_measured=how_measured(report),
        charts=drawn,
        options={chart.name: {theme.name: chart.option(theme) for theme in THEMES} for chart in drawn},
        colors=[(color_of(one.about, LIGHT), color_of(one.about, DARK)) for one in report.variants],
        themes=THEMES,
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - a file of ours
        library=Markup(library),  # noqa: S704 - a file of the locked package
        script=Markup(script),  # noqa: S704 - a file of ours
        script_hashes=[_hash(library), _hash(script)],
    )


def _echarts() -> str:
    try:
        text = ECHARTS.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabError(f"the chart library is missing ({ECHARTS.name}); run `make setup`, then again") from None
    return text.replace("</script", "<\\/script")


def _hash(script: str) -> str:
    """The script's source expression in a Content-Security-Policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
