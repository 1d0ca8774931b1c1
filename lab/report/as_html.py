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
from lab.report.brief import excluded, glance, headline, key_figures, reasons, warnings_that_matter
from lab.report.how_measured import how_measured
from lab.report.tables import WORDS, tables

HERE: Final = Path(__file__).resolve().parent


def render_html(report: Report) -> str:
    """The report as a page. Whatever the files held is escaped, and no script runs but the two that are written here.

    Raises:
        LabError: the chart library is not installed.
    """
    matter = warnings_that_matter(report)
    library, script = _echarts(), (HERE / "page.js").read_text(encoding="utf-8")
    drawn = charts(report)
    page = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template("page.html.j2")
    return page.render(
        sentence=headline(report),
        figures=key_figures(report),
        reasons=reasons(report),
        excluded=list(excluded(report)),
        matter=matter,
        where=where(report),
        run=shown(report.file.run.id or NOT_MEASURED),
        glance=None if report.from_logs else glance(report),
        tables=tables(report),
        words=WORDS,
        places={shown(one.variant, 24): place for place, one in enumerate(report.variants)},
        warnings=[one for one in report.warnings if one not in matter],
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
