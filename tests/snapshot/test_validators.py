import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from functions.registry import BASELINE, VARIANTS
from stacks.checks.__main__ import check_assembly, main
from stacks.checks.assembly import Assembly as CheckedAssembly
from stacks.load_stack import REVIEWED
from stacks.reviewed import REASONS, WILDCARD
from tests.snapshot.synthesis import BIN, EVERYTHING_ON, ROOT, Assembly, distinct, read_assembly
from tests.snapshot.validators import IGNORED, Reviewed, linted, reviewed_application

TWO = ",".join([BASELINE, *(variant.name for variant in VARIANTS if variant.snap_start)][:2])
"""One variant with SnapStart and one without: the others differ from these in names (see test_templates)."""

SETTINGS: dict[str, dict[str, str]] = {
    "defaults": {"variants": TWO},
    "ssm": {"source": "ssm", "variants": "no_cache"},
    "secretsmanager": {"source": "secretsmanager", "variants": TWO},
    "everything on": EVERYTHING_ON | {"variants": TWO},
}


class CliSynthesis(NamedTuple):
    """`cdk synth` under way, and the folder that it writes."""

    process: "subprocess.Popen[str]"
    folder: Path


@pytest.fixture(scope="module", autouse=True)
def cli_synthesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliSynthesis]:
    """`cdk synth` with the CDK's own validation: most of ten seconds, in which the other tests here go on."""
    folder = tmp_path_factory.mktemp("cli")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "AWS_"))},
        "PATH": os.pathsep.join([str(BIN), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]),
        # The CLI would ask the machine it is on for an account.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with subprocess.Popen(
        ["cdk", "synth", "--quiet", "--output", str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # The CLI's own end would leave the application that it has started.
        process_group=0,
    ) as process:
        yield CliSynthesis(process, folder)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def broken_rules(assembly: Assembly, everything_on: Assembly) -> set[str]:
    templates = [template for made in (assembly, everything_on) for template in distinct(made).values()]
    return {rule for template in templates for rule in linted(template)}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reviewed]:
    return {
        name: reviewed_application(tmp_path_factory.mktemp("reviewed"), context) for name, context in SETTINGS.items()
    }


def test_cfn_lint_finds_nothing(broken_rules: set[str]) -> None:
    assert broken_rules <= set(IGNORED)


def test_cfn_lint_reports_no_wait_that_a_reference_implies(broken_rules: set[str]) -> None:
    assert "W3005" not in {*broken_rules, *IGNORED}


def test_every_rule_of_cfn_lint_that_is_ignored_would_find_something(broken_rules: set[str]) -> None:
    assert broken_rules >= set(IGNORED)


@pytest.mark.parametrize("name", SETTINGS)
def test_cdk_nag_finds_nothing_that_is_not_explained(name: str, reviews: dict[str, Reviewed]) -> None:
    assert reviews[name].open == []
    assert all(len(reason) > 20 for reason in reviews[name].explained)


def test_every_explanation_explains_a_finding_of_cdk_nag(reviews: dict[str, Reviewed]) -> None:
    given = {reason for review in reviews.values() for reason in review.explained}
    assert given == {*REASONS.values(), WILDCARD, *REVIEWED.values()}


def test_our_checks_find_nothing(assembly: Assembly, everything_on: Assembly) -> None:
    for folder in (assembly.folder, everything_on.folder):
        assert [finding.text for finding in check_assembly(CheckedAssembly.read(folder))] == []


def test_the_cdk_cli_makes_the_same_templates_and_they_are_valid(
    assembly: Assembly, cli_synthesis: CliSynthesis
) -> None:
    _, said = cli_synthesis.process.communicate()
    assert cli_synthesis.process.returncode == 0, said
    assert read_assembly(cli_synthesis.folder).templates == assembly.templates
    # The report is written only by a synthesis that validates, and holds only what was found.
    report = json.loads((cli_synthesis.folder / "validation-report.json").read_text())
    assert report["pluginReports"] == []


def test_without_an_assembly_there_is_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="synthesize first"):
        CheckedAssembly.read(tmp_path)


def test_the_command_tells_what_it_finds(
    assembly: Assembly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(assembly.folder)]) == 0
    assert capsys.readouterr().out == ""
    template = json.dumps(assembly.templates["CacheLab-snapstart"])
    (tmp_path / "Broken.template.json").write_text(template.replace('"python3.14"', '"python3.9"'))
    assert main([str(tmp_path)]) == 1
    assert "Broken/Function76856677: python3.9 has no SnapStart; use python3.12 or newer" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--help"], ["no/such/folder"], ["one", "two"]])
def test_the_command_says_what_to_give(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
