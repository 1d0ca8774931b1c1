"""The documentation is true: generated text is what is generated, links lead somewhere, named files and tests exist."""

import re
from pathlib import Path

import pytest

from docs import running_cost
from docs.generate import README, ROOT, written
from tests.snapshot.synthesis import Assembly

PAGES = sorted(
    [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    + [page for page in (ROOT / "docs").rglob("*.md") if "results" not in page.parts]
)
NOT_HERE = ("docs/aws.md", "docs/engine.md", "docs/settings.md", "functions/lru_cache/handler.py")
"""Paths of before, which the changelog names, and the file that the tutorial makes."""

FOLDERS = "lab|stacks|functions|layer|facts|cloudwatch|tests|docs"


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_generated_text_is_what_is_generated(assembly: Assembly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_cost, "synthesized", lambda: list(assembly.templates.values()))
    assert [_name(page) for page, text in written().items() if _text(page) != text] == [], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_and_pictures_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", _text(page)) + re.findall(
        r"(?:src|srcset)=\"([^\"]+)\"", _text(page)
    )
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_make_targets_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE)
    assert set(re.findall(r"(?:^|`)make ([a-z][a-z-]*[a-z])\b(?!-)", _text(page), re.MULTILINE)) <= set(targets)


def test_tests_that_pages_name_exist() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    defined = {name for file in files for name in re.findall(r"def (test_\w+)", _text(file))}
    named = {name for page in PAGES for name in re.findall(r"`(test_\w+)(?:\.py)?`", _text(page))}
    assert named
    assert named - defined - {file.stem for file in files} == set()


def test_files_that_pages_name_exist() -> None:
    paths = re.compile(rf"`((?:{FOLDERS})/[\w./-]+\.\w+)`")
    named = {name for page in PAGES for name in paths.findall(_text(page))}
    assert named
    missing = [name for name in sorted(named) if not (ROOT / name).exists()]
    assert [name for name in missing if name not in NOT_HERE] == []


def test_the_readme_is_short() -> None:
    assert len(_text(README).splitlines()) <= 150
