import json
from pathlib import Path

import pytest

from stacks.checks.__main__ import main
from stacks.checks.all_checks import check_assembly
from stacks.checks.assembly import Assembly as CheckedAssembly
from stacks.load_stack import REVIEWED
from stacks.reviewed import REASONS, WILDCARD
from tests.snapshot.synthesis import EVERYTHING_ON, Assembly
from tests.snapshot.validators import IGNORED, Reviewed, linted, reviewed_application

SETTINGS: dict[str, dict[str, str]] = {
    "defaults": {},
    "ssm": {"source": "ssm", "variants": "no_cache"},
    "secretsmanager": {"source": "secretsmanager", "variants": "no_cache"},
    "load": {"load": "true", "variants": "no_cache"},
    "everything else on": EVERYTHING_ON | {"load": "false"},
}


@pytest.fixture(scope="module")
def broken_rules(assembly: Assembly, everything_on: Assembly) -> set[str]:
    templates = [*assembly.templates.values(), *everything_on.templates.values()]
    return {rule for template in templates for rule in linted(template)}


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reviewed]:
    return {
        name: reviewed_application(tmp_path_factory.mktemp("reviewed"), context) for name, context in SETTINGS.items()
    }


def test_cfn_lint_finds_nothing(broken_rules: set[str]) -> None:
    assert broken_rules <= set(IGNORED)


def test_every_rule_of_cfn_lint_that_is_ignored_would_find_something(broken_rules: set[str]) -> None:
    assert broken_rules >= set(IGNORED)


@pytest.mark.parametrize("name", SETTINGS)
def test_cdk_nag_finds_nothing_that_is_not_explained(name: str, reviews: dict[str, Reviewed]) -> None:
    assert reviews[name].open == []
    assert all(len(reason) > 20 for reason in reviews[name].explained.values())


def test_every_explanation_explains_a_finding_of_cdk_nag(reviews: dict[str, Reviewed]) -> None:
    given = {reason for review in reviews.values() for reason in review.explained.values()}
    assert given == {*REASONS.values(), WILDCARD, *REVIEWED.values()}


def test_our_checks_find_nothing(assembly: Assembly, everything_on: Assembly) -> None:
    for folder in (assembly.folder, everything_on.folder):
        assert [finding.text for finding in check_assembly(CheckedAssembly.read(folder))] == []


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
    assert "Broken/Function76856677: python3.9 has no SnapStart; python3.12 and newer have" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no/such/folder"], ["one", "two"]])
def test_the_command_says_what_to_give(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
