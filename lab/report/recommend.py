"""The recommendation of a run alone: the variant to use, or why none can be named."""

import json
from pathlib import Path
from typing import Literal

from lab.analysis.model import Question
from lab.analysis.summary import summarise
from lab.report.as_json import advice_map
from lab.report.as_text import WIDTH, TextPage, begin

AdviceFormat = Literal["text", "json"]


def recommend(run: Path | str, question: Question, fmt: AdviceFormat, width: int = WIDTH) -> tuple[str, bool]:
    """The recommendation in a format, and whether a variant is named.

    Raises:
        LabError: the place holds no run, or its records mix targets.
    """
    report = summarise(run, question)
    is_found = report.advice.variant is not None
    if fmt == "json":
        return json.dumps(advice_map(report.advice), indent=2, allow_nan=False) + "\n", is_found
    page = TextPage(width)
    begin(page, report, full=True)
    page.excluded(report)
    return page.text(), is_found
