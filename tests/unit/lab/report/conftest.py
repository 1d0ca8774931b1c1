"""Runs that several tests report, each summarised once."""

import functools
from pathlib import Path

import pytest

from lab.analysis.model import Report
from lab.analysis.summary import summarise
from tests.unit.lab.report.simulated import simulate

TWO = ("no_cache", "ttl_cache")

_once = functools.cache(summarise)


@pytest.fixture(scope="session")
def slower_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated run with a slower downstream."""
    return simulate(tmp_path_factory.mktemp("slower") / "run", seed=2, downstream_ms=9.0)


@pytest.fixture(scope="session")
def run_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two variants."""
    return simulate(tmp_path_factory.mktemp("two") / "run", variants=TWO)


@pytest.fixture(autouse=True)
def _summarised_once(simulated_run: Path, slower_run: Path, run_of_two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def summarised(run: Path | str) -> Report:
        return _once(run) if run in (simulated_run, slower_run, run_of_two) else summarise(run)

    for module in ("render", "compare"):
        monkeypatch.setattr(f"lab.report.{module}.summarise", summarised)
