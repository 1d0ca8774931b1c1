"""Runs that several tests report, each summarised once."""

import functools
from pathlib import Path

import pytest

from lab.analysis.model import Question, Report
from lab.analysis.summary import summarise
from tests.unit.lab.report.simulated import simulate_repeated

TWO = ("no_cache", "ttl_cache")

_once = functools.cache(summarise)


@pytest.fixture(scope="session")
def repeated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five variants, five repetitions, 84 invocations of each variant in a repetition."""
    return simulate_repeated(tmp_path_factory.mktemp("repeated") / "run")


@pytest.fixture(scope="session")
def report(repeated_run: Path) -> Report:
    """Its report."""
    return _once(repeated_run, Question())


@pytest.fixture(scope="session")
def run_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two variants."""
    return simulate_repeated(tmp_path_factory.mktemp("two") / "run", variants=TWO)


@pytest.fixture(autouse=True)
def _summarised_once(
    simulated_run: Path, repeated_run: Path, run_of_two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def summarised(run: Path | str, question: Question = Question()) -> Report:  # noqa: B008 - immutable
        return _once(run, question) if run in (simulated_run, repeated_run, run_of_two) else summarise(run, question)

    for module in ("render", "compare", "recommend"):
        monkeypatch.setattr(f"lab.report.{module}.summarise", summarised)
