"""`--instance`: which commands accept it, what it selects, and how a run remembers it."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cloudwatch.dashboard import Dashboard, parse_dashboard
from facts.names import Names
from lab.analysis.summary import summarise
from lab.cli.program import commands
from lab.dashboard.serve import latest_run, opened_source
from lab.errors import UsageError
from lab.records.run_file import read_run
from lab.report.how_measured import how_measured
from tests.shown_run import REGION, synthesized_dashboards
from tests.unit.lab.dashboard.runs import record, write
from tests.unit.lab.dashboard.whole_runs import whole_run

ANNA = Names("anna")
NEEDED = {"collect": ["--since", "1h"]}
"""What a command asks for besides."""


def lab(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


@pytest.mark.parametrize("command", ["run", "collect", "dashboard", "deploy", "destroy"])
def test_a_command_refuses_a_bad_instance_in_one_line_with_exit_code_2(command: str) -> None:
    said = lab(command, "--instance", "Anna_", *NEEDED.get(command, []))
    assert said.exit_code == 2
    line = said.stderr.splitlines()[-1]
    assert "'Anna_' is not 1 to 16 lower-case letters, digits and inner hyphens; for example: --instance anna" in line


@pytest.mark.parametrize("command", ["run", "deploy", "destroy"])
def test_the_setting_instance_is_an_option_of_the_command(command: str) -> None:
    said = lab(command, "-c", "instance=anna")
    assert isinstance(said.exception, UsageError)
    assert str(said.exception) == "--context 'instance=anna' cannot be used here; give --instance instead"


def test_the_function_of_another_instance_is_no_variant() -> None:
    assert Names().variant_of("cache-lab-no_cache") == "no_cache"
    assert ANNA.variant_of("cache-lab-anna-no_cache") == "no_cache"
    for names, function in ((Names(), "cache-lab-anna-no_cache"), (ANNA, "cache-lab-anna-b-no_cache")):
        assert names.variant_of(function) is None


def of_instance(folder: Path, instance: str | None) -> Path:
    """Let a run be one of this instance; None: one of a lab that knew no instances."""
    content = json.loads((folder / "run.json").read_text())
    content["run"].pop("instance", None)
    if instance is not None:
        content["run"]["instance"] = instance
    (folder / "run.json").write_text(json.dumps(content))
    return folder


def test_the_latest_run_of_the_instance_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for age, (name, instance) in enumerate((("new", None), ("middle", "anna"), ("old", "anna"))):
        folder = of_instance(write(Path("runs") / name, [record(0)]), instance)
        os.utime(folder / "run.json", (1_790_000_000 - age, 1_790_000_000 - age))
    assert latest_run() == Path("runs/new")
    assert latest_run("anna") == Path("runs/middle")
    with pytest.raises(UsageError, match="there is no run of instance ben under runs/"):
        latest_run("ben")
    with (
        pytest.raises(UsageError, match="--instance cannot be combined with RUN"),
        opened_source("r", None, print, "b"),
    ):
        pytest.fail("it was not refused")


@pytest.fixture(scope="module")
def run_of_anna(shown_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("anna") / "run"
    folder.mkdir()
    (folder / "records.jsonl").write_bytes((shown_run / "records.jsonl").read_bytes())
    (folder / "run.json").write_bytes((shown_run / "run.json").read_bytes())
    return of_instance(folder, "anna")


def rounded(shown: Any) -> Any:
    """The last digits of a sum depend on the order of its parts."""
    return json.loads(json.dumps(shown), parse_float=lambda digits: float(f"{float(digits):.12g}"))


def test_dashboards_of_an_instance_draw_its_runs_and_no_other(
    run_of_anna: Path, shown_run: Path, comparison: Dashboard, tmp_path: Path
) -> None:
    (body, *_) = synthesized_dashboards(tmp_path, instance="anna")
    assert body.name == ANNA.comparison_dashboard(REGION) == f"CacheLab-anna-comparison-{REGION}"
    of_anna = parse_dashboard(*body)

    assert rounded(whole_run(run_of_anna, of_anna)) == rounded(whole_run(shown_run, comparison))
    refused = [each for each in whole_run(shown_run, of_anna).values() if each["kind"] != "text"]
    assert refused
    assert all("is not drawn" in each["why"] for each in refused)


def test_a_report_says_which_instance_was_measured(run_of_anna: Path, shown_run: Path) -> None:
    where = [dict(how_measured(summarise(run)))["Where"] for run in (shown_run, run_of_anna)]
    assert where[1] == f"{where[0]}; instance anna"


def test_a_run_remembers_its_instance_and_an_older_one_has_none(run_of_anna: Path, shown_run: Path) -> None:
    assert read_run(run_of_anna).run.instance == "anna"
    assert read_run(shown_run).run.instance is None
    assert dataclasses.replace(read_run(run_of_anna).run, instance=None) == read_run(shown_run).run
