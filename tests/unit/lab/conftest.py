"""Fixtures that the tests of several packages share."""

from pathlib import Path

import pytest

from lab.records.record import Record
from tests.unit.lab.report.simulated import BEGAN, simulate
from tests.unit.lab.runs_in_s3 import bucket

__all__ = ["bucket"]


@pytest.fixture(scope="session")
def simulated_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five variants, 200 invocations each."""
    return simulate(tmp_path_factory.mktemp("simulated") / "run")


@pytest.fixture
def record() -> Record:
    """A warm hit of the baseline."""
    return Record(
        run_id="simulated-run",
        target="simulated",
        variant="no_cache",
        sequence=0,
        key="item-0001",
        planned_at=BEGAN,
        sent_at=BEGAN,
        received_at=BEGAN + 0.01,
        latency_ms=10.0,
        service_ms=9.0,
        status="ok",
        environment_id="one",
        invocation=2,
        cold_start=False,
        restored=False,
        duration_ms=5.0,
        billed_ms=5.0,
        memory_mb=256,
        cache="hit",
        downstream_calls=0,
        age_ms=1000.0,
        version=1,
        staleness_ms=0.0,
    )
