"""One report of a run in each format."""

from pathlib import Path
from typing import Literal

from lab.analysis.model import Question
from lab.analysis.summary import summarise
from lab.report.as_html import render_html
from lab.report.as_json import render_json
from lab.report.as_markdown import render_markdown
from lab.report.as_text import WIDTH, render_text

Format = Literal["text", "json", "markdown", "html"]

_RENDERERS = {"json": render_json, "markdown": render_markdown, "html": render_html}


def render(
    run: Path | str, fmt: Format, width: int = WIDTH, *, question: Question | None = None, full: bool = False
) -> str:
    """The report of a finished or killed run. Text has no colour; HTML is one offline page.

    Args:
        run: its folder, or ``s3://bucket/prefix``.
        fmt: one of the formats.
        width: how many columns text has at most.
        question: what the recommendation is for; None: the default one.
        full: of text, with every table.

    Raises:
        LabError: the place holds no run, its records mix targets, or (``html``) the chart library is not installed.
    """
    report = summarise(run, question or Question())
    return render_text(report, width, full=full, place=str(run)) if fmt == "text" else _RENDERERS[fmt](report)
