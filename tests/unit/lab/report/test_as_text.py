"""Text: 80 columns, no control characters, nothing cut off."""

import dataclasses
import re
from pathlib import Path

from rich.cells import cell_len

from lab.analysis.table import Table
from lab.report.as_text import WIDTH, TextPage
from lab.report.render import render
from tests.unit.lab.report.hostile import hostile_run
from tests.unit.lab.report.simulated import run_content, simulated_records, write_run


def _plain(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def test_a_report_is_plain_and_80_columns_wide(simulated_run: Path) -> None:
    text = render(simulated_run, "text")

    assert max(map(cell_len, text.splitlines())) <= WIDTH
    assert _plain(text)


def test_a_report_fits_a_narrow_terminal(simulated_run: Path) -> None:
    wide, narrow = render(simulated_run, "text"), render(simulated_run, "text", 40)

    assert max(map(cell_len, narrow.splitlines())) <= 40
    assert set(wide.split()) - {"-"} <= {word.lstrip("(") for word in narrow.split()} | set(narrow.split())


def test_a_hostile_run_is_plain_and_80_columns_wide(tmp_path: Path) -> None:
    text = render(hostile_run(tmp_path), "text")

    assert max(map(cell_len, text.splitlines())) <= WIDTH
    assert _plain(text)
    assert "<img src=x onerror" in text
    assert "\\u202e" in text
    assert text.encode()


def test_the_answer_comes_first_and_says_where(simulated_run: Path) -> None:
    first = " ".join(render(simulated_run, "text").split("\n\n")[0].split())

    assert re.match(r"Simulated: .* answered faster than no_cache. Medians: .* instead of .* ms", first)
    assert "95 % CI" in first
    assert first.endswith(".")


def test_every_table_says_where_its_numbers_come_from(simulated_run: Path) -> None:
    text = render(simulated_run, "text")

    assert text.count("-\nno_cache") == 7
    assert len(re.findall(r"\(simulated,\s+downstream\s+profile\s+dynamodb-us-east-1\)", text)) == 8


def test_a_p99_of_few_is_not_shown(tmp_path: Path) -> None:
    records = [one for one in simulated_records() if one.variant != "ttl_cache" or one.sequence < 80]
    lines = render(write_run(tmp_path, records, run_content(records)), "text").splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line.startswith(("no_cache ", "ttl_cache "))}
    first = {line.split()[0]: line.split() for line in reversed(lines) if line.split()[:1] and line.split()[0] in rows}

    assert first["ttl_cache"][5] == "\u2013"
    assert first["no_cache"][5] != "\u2013"


def test_where_intervals_overlap_no_difference_is_shown(tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, variant=name)
        for name in ("no_cache", "ttl_cache")
        for record in simulated_records(variants=("no_cache",), seed=1 if name == "no_cache" else 2)
    ]
    content = run_content(records, variants=("no_cache", "ttl_cache"))
    text = render(write_run(tmp_path, records, content), "text")

    assert "no difference shown" in text
    assert "no variant was shown to answer faster than no_cache" in " ".join(text.split())
    assert " faster  " not in text


def test_a_run_with_nothing_in_it_is_reported(tmp_path: Path) -> None:
    text = render(write_run(tmp_path, [], run_content([]) | {"finished": False}), "text")

    assert "no invocation was answered, so there is nothing to compare" in " ".join(text.split())
    assert "run_not_finished" in text


def test_a_run_where_all_failed_is_reported(tmp_path: Path) -> None:
    records = [
        dataclasses.replace(record, status="throttled", latency_ms=None, service_ms=None, environment_id=None)
        for record in simulated_records(duration_s=2.0)
    ]
    text = render(write_run(tmp_path, records, run_content(records)), "text")

    assert "nothing to compare" in text
    assert "40 throttled" not in text
    assert "200 throttled" in text


def test_a_table_too_wide_goes_on_below_and_loses_nothing() -> None:
    cells = tuple(f"{index:0>18}" for index in range(9))
    page = TextPage()
    page.table(Table("caption", ("name", *(f"column {index}" for index in range(9))), (("row", *cells),)))

    assert max(map(len, page.text().splitlines())) <= WIDTH
    assert all(cell in page.text() for cell in cells)
    assert page.text().count("row") == 3
