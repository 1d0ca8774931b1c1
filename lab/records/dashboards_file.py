"""``dashboards.json``: the dashboards with which a run is shown, the comparison first, each as CloudWatch keeps it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lab.errors import LabError

DASHBOARDS_FILE: Final = "dashboards.json"


class DashboardBody(NamedTuple):
    """A dashboard's name, and its body: a JSON text."""

    name: str
    body: str


def dashboards_to_json(dashboards: Sequence[DashboardBody]) -> str:
    """The text of the file."""
    return json.dumps([dashboard._asdict() for dashboard in dashboards]) + "\n"


def read_dashboards(run_dir: Path) -> list[DashboardBody]:
    """The dashboards in a run's folder; none if it has no such file, as runs of version 1 have not.

    Raises:
        LabError: the file cannot be read, or is damaged.
    """
    path = run_dir / DASHBOARDS_FILE
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [DashboardBody(str(entry["name"]), str(entry["body"])) for entry in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LabError(f"{path} is damaged ({type(error).__name__}); run again, or remove it") from None
