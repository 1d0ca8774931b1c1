"""A small run of version 2 with the application's dashboards, for tests of what is drawn: nothing is run or deployed.

The records are simulated; the dashboards are those of a synthesis with the run's settings.
"""

import fcntl
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cloudwatch.dashboard import Dashboard, parse_dashboard
from facts.names import Names
from lab.records.dashboards_file import DASHBOARDS_FILE, DashboardBody, dashboards_to_json, read_dashboards
from tests.unit.lab.report.simulated import NAMES, TTL_S, simulate

SETTINGS = {"memory_mb": 256, "ttl_s": round(TTL_S), "architecture": "x86_64", "source": "dynamodb"} | {
    "variants": ",".join(NAMES)
}
"""Those of the simulated runs."""
REGION = "us-east-1"


@pytest.fixture(scope="session")
def application_dashboards(tmp_path_factory: pytest.TempPathFactory) -> Sequence[DashboardBody]:
    """The dashboards of the application with these settings, the comparison first. Synthesized once for all workers."""
    base = tmp_path_factory.getbasetemp()
    # Each worker of pytest-xdist has a folder of its own below the session's.
    folder = (base.parent if base.name.startswith("popen-") else base) / "application"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / DASHBOARDS_FILE).exists():
            add_dashboards(folder, synthesized_dashboards(folder / "out"))
    return read_dashboards(folder)


def synthesized_dashboards(folder: Path, **settings: object) -> Sequence[DashboardBody]:
    """The dashboards of the application, synthesized into a folder."""
    from tests.snapshot.synthesis import dashboard_body, dashboard_name, resources, synthesize  # noqa: PLC0415 - starts node

    kind = "AWS::CloudWatch::Dashboard"
    found = [
        DashboardBody(dashboard_name(template, REGION), json.dumps(dashboard_body(template)))
        for template in synthesize(folder, **(SETTINGS | settings)).templates.values()
        if resources(template, kind)
    ]
    return sorted(found, key=lambda body: (body.name != Names().comparison_dashboard(REGION), body.name))


def add_dashboards(run_dir: Path, dashboards: Sequence[DashboardBody]) -> Path:
    """Give a run's folder these dashboards."""
    (run_dir / DASHBOARDS_FILE).write_text(dashboards_to_json(dashboards), encoding="utf-8")
    return run_dir


@pytest.fixture(scope="session")
def comparison(application_dashboards: Sequence[DashboardBody]) -> Dashboard:
    """The dashboard that compares the variants."""
    return parse_dashboard(*application_dashboards[0])


@pytest.fixture(scope="session")
def shown_run(tmp_path_factory: pytest.TempPathFactory, application_dashboards: Sequence[DashboardBody]) -> Path:
    """Five variants, 150 invocations each in 15 s. Not to be changed."""
    folder = tmp_path_factory.mktemp("shown") / "run"
    return add_dashboards(simulate(folder, target="local", rate=10.0, duration_s=15.0), application_dashboards)
