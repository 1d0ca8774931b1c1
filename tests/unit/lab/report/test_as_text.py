"""Text: 80 columns, no control characters, nothing cut off; short, unless all of it is asked for."""

import dataclasses
import re
from pathlib import Path

from rich.cells import cell_len

from lab.analysis.model import Report
from lab.analysis.summary import summarise
from lab.analysis.table import Table
from lab.report.as_text import WIDTH, TextPage, render_text
from lab.report.render import render
from tests.unit.lab.report.hostile import hostile_run
from tests.unit.lab.report.simulated import (
    repeated_content,
    repeated_records,
    run_content,
    simulated_records,
    write_run,
)


def _plain(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def test_a_report_is_plain_and_80_columns_wide(repeated_run: Path) -> None:
    for full in (False, True):
        text = render(repeated_run, "text", full=full)

        assert max(map(cell_len, text.splitlines())) <= WIDTH
        assert _plain(text)


def test_a_report_fits_a_narrow_terminal(report: Report) -> None:
    wide, narrow = (render_text(report, width, full=True) for width in (WIDTH, 40))

    assert max(map(cell_len, narrow.splitlines())) <= 40
    words = {word for word in wide.split() if word.strip("-")}
    assert words <= {word.lstrip("(") for word in narrow.split()} | set(narrow.split())


def test_the_terminal_shows_about_25_lines(report: Report) -> None:
    quiet = dataclasses.replace(report, warnings=())

    assert len(render_text(quiet, place="runs/20261121-demo").splitlines()) <= 27
    assert len(render_text(quiet, full=True).splitlines()) > 100


def test_the_sentence_comes_first_then_four_figures_then_all_variants(report: Report) -> None:
    parts = render_text(report).split("\n\n")

    assert " ".join(parts[0].split()) == report.advice.sentence
    assert [line.split()[0] for line in parts[1].splitlines() if line.startswith("  ") and line[2] != " "] == [
        one.split()[0] for one in re.findall(r"(?m)^  (\S+(?: ms| %| s)?)", parts[1])
    ]
    assert "saved per warm answer against no_cache (95 % CI " in parts[1]
    assert "Saved in this run against no_cache (mean of warm answers" in parts[2]


def test_what_is_left_out_is_named_with_its_command(report: Report) -> None:
    text = render_text(report, place="runs/my run")

    assert "lab report 'runs/my run' --full" in text
    assert "lab report 'runs/my run' --format html --output report.html" in " ".join(text.split())


def test_the_full_report_has_figures_warm_per_start_and_per_month_apart(report: Report) -> None:
    text = render_text(report, full=True)
    captions = ["Warm answers", "Per start of an environment", "Cost of a month at", "Latency from the planned start",
                "Repetitions: ms saved", "How it was measured"]  # fmt: skip
    places = [text.index(caption) for caption in captions]

    assert places == sorted(places)
    assert "Start-up: start-up profile python-arm64: init 420 ms, restore 450 ms, assumed." in " ".join(text.split())
    assert "The youngest snapshot was 30 s old" in " ".join(text.split())


def test_no_other_sentence_recommends_or_claims_to_be_faster(report: Report) -> None:
    text = render_text(report, full=True)

    assert text.count("Use ttl_cache") == 1
    assert "faster" not in text


def test_a_hostile_run_is_plain_and_80_columns_wide(tmp_path: Path) -> None:
    run = hostile_run(tmp_path)
    text = render(run, "text", full=True)

    for one in (text, render(run, "text")):
        assert max(map(cell_len, one.splitlines())) <= WIDTH
        assert _plain(one)
    assert "<img src=x onerror" in text
    assert "\\u202e" in text
    assert text.encode()


def test_every_table_says_where_its_numbers_come_from(report: Report) -> None:
    text = render_text(report, full=True)
    tables = len(re.findall(r"(?m)^\S.*\n(?:.*\n)*?-+(?: +-+)+$", text))

    assert len(re.findall(r"\(simulated,\s+downstream\s+profile\s+dynamodb-us-east-1\)", text)) >= 11
    assert tables >= 11


def test_a_percentile_that_falls_on_a_failure_is_not_answered(tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, status="lost", latency_ms=None, service_ms=None)
        if record.variant == "ttl_cache" and record.phase == "steady" and record.sequence % 5 == 0
        else record
        for record in repeated_records()
    ]
    text = render(write_run(tmp_path, records, repeated_content(records)), "text", full=True)
    table = text[text.index("Latency from the planned start") :].split("\n\n")[0]
    row = next(line for line in table.splitlines() if line.startswith("ttl_cache"))

    assert row.count("not answered") == 2  # p90 and p99; the median was answered
    assert "not answered" not in next(line for line in table.splitlines() if line.startswith("no_cache"))


def test_a_bad_repetition_is_shown_with_its_problem(tmp_path: Path) -> None:
    records = repeated_records()
    content = repeated_content(records)
    content["repetitions"][1] |= {"problem": "something waited for a processor", "cpu_pressure": 0.61}
    text = render(write_run(tmp_path, records, content), "text", full=True)
    table = text[text.index("Repetitions: ms saved") :]

    assert "61.0 %" in table
    assert "something waited for a processor" in table


def test_a_p99_of_few_is_not_shown(tmp_path: Path) -> None:
    records = [one for one in simulated_records() if one.variant != "ttl_cache" or one.sequence < 80]
    found = summarise(write_run(tmp_path, records, run_content(records)))
    lines = render_text(found, full=True).partition("Latency from the planned start")[2].splitlines()
    rows = {line.split()[0]: line.split() for line in reversed(lines) if line.startswith(("no_cache ", "ttl_cache "))}

    assert rows["ttl_cache"][4] == "\u2013"
    assert rows["no_cache"][4] != "\u2013"


def test_a_run_with_nothing_in_it_is_reported(tmp_path: Path) -> None:
    text = render(write_run(tmp_path, [], run_content([]) | {"finished": False}), "text", full=True)

    assert text.startswith("This run cannot say")
    assert "run_not_finished" in text


def test_a_run_where_all_failed_is_reported(tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, status="throttled", latency_ms=None, service_ms=None, environment_id=None)
        for record in simulated_records(duration_s=2.0)
    ]
    text = render(write_run(tmp_path, records, run_content(records)), "text", full=True)

    assert text.startswith("This run cannot say")
    assert "200 throttled" in text


def test_a_table_too_wide_goes_on_below_and_loses_nothing() -> None:
    cells = tuple(f"{index:0>18}" for index in range(9))
    page = TextPage()
    page.table(Table("caption", ("name", *(f"column {index}" for index in range(9))), (("row", *cells),)))

    assert max(map(len, page.text().splitlines())) <= WIDTH
    assert all(cell in page.text() for cell in cells)
    assert page.text().count("row") == 3
