"""Chart options: data of the summary, visible colours; and the pictures that node draws from them."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from functions.registry import VARIANTS, Variant
from lab.analysis.summary import summarise
from lab.charts import pictures
from lab.charts.charts import charts
from lab.charts.drawing import DARK, LEAST_CONTRAST, LIGHT, THEMES, Theme, contrast, on_dark
from tests.unit.lab.report.hostile import hostile_run
from tests.unit.lab.report.simulated import run_content, simulate_repeated, write_run


def test_options_are_plain_json_and_hold_the_summarys_numbers(simulated_run: Path) -> None:
    report = summarise(simulated_run)
    options = {chart.name: chart.option(LIGHT) for chart in charts(report)}

    assert json.loads(json.dumps(options, allow_nan=False)) == options
    calls = options["downstream-calls"]["series"][0]["data"]
    assert [item["value"] for item in calls] == [
        float(f"{one.downstream_calls_per_1000.value:.4g}") for one in report.variants if one.downstream_calls_per_1000
    ]
    assert [item["itemStyle"]["color"] for item in calls] == [one.about.color for one in report.variants]
    assert options["latency"]["xAxis"]["type"] == "log"
    for series in options["latency"]["series"]:
        assert series["data"][0][1] == 0
        assert series["data"][-1][1] == 100


def test_the_choice_is_drawn_with_the_figures_of_the_report(tmp_path: Path) -> None:
    """Warm mean with its interval against the cost of a month; those that are recommended, or as good, are filled."""
    report = summarise(simulate_repeated(tmp_path / "run"))
    option = next(chart for chart in charts(report) if chart.name == "choice").option(LIGHT)
    points = [series for series in option["series"] if series.get("symbolSize") == 14]
    bars = [series for series in option["series"] if series["type"] == "line"]

    for one, point, bar in zip(report.variants, points, bars, strict=True):
        assert one.warm is not None
        assert one.month_usd is not None
        assert point["data"][0]["value"] == pytest.approx([one.warm.mean_ms.value, one.month_usd.value], rel=1e-3)
        assert [each[0] for each in bar["data"]] == pytest.approx(
            [one.warm.mean_ms.low, one.warm.mean_ms.high], rel=1e-3
        )
        is_filled = point["itemStyle"]["color"] != LIGHT.background
        assert is_filled is (one.variant in (report.advice.variant, *report.advice.alternatives))


def test_an_empty_run_has_charts_too(tmp_path: Path) -> None:
    report = summarise(write_run(tmp_path, [], run_content([])))

    for chart in charts(report):
        assert json.dumps(chart.option(DARK), allow_nan=False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_colours_stand_out_from_the_dark_background(variant: Variant) -> None:
    assert contrast(on_dark(variant.color), DARK.background) >= LEAST_CONTRAST


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_the_contrast_of_text(theme: Theme) -> None:
    assert contrast(theme.ink, theme.background) >= 4.5
    assert contrast(theme.muted, theme.background) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_pictures_are_svg_in_light_and_dark(simulated_run: Path, tmp_path: Path) -> None:
    written = pictures.write_pictures(simulated_run, tmp_path / "pictures")

    assert {path.name for path in written} == {
        f"{chart.name}-{theme.name}.svg" for chart in charts(summarise(simulated_run)) for theme in THEMES
    }
    for path in written:
        assert ET.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - we wrote it
        assert "simulated, downstream profile" in path.read_text()


def test_hostile_names_stay_text_in_a_picture(tmp_path: Path) -> None:
    for path in pictures.write_pictures(hostile_run(tmp_path / "run"), tmp_path / "pictures"):
        tags = {element.tag for element in ET.parse(path).iter()}  # noqa: S314 - we wrote it

        assert not {tag for tag in tags if tag.endswith(("script", "img", "foreignObject"))}


def test_the_command_tells_what_is_wrong_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pictures.main([]) == 2
    assert pictures.main([str(tmp_path), str(tmp_path)]) == 2

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("lab: ") for line in lines)


def test_without_node_the_remedy_is_told(
    simulated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert pictures.main([str(simulated_run), str(tmp_path)]) == 1
    assert "make setup" in capsys.readouterr().err
