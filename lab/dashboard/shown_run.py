"""Which run is shown, and what its `run.json` says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from functions.registry import VARIANTS
from lab.drive.folder import RUNS
from lab.errors import LabError, UsageError
from lab.records import RUN_FILE, read_run
from lab.report.values import finite, mapping, number
from lab.report.words import shown

_SETTINGS: Final = ("memory_mb", "ttl_s", "architecture")


class RunContent(NamedTuple):
    """What a run's `run.json` says.

    Attributes:
        name: what people call the run.
        where: where its numbers come from, in a few words.
        finished: whether it has ended by itself.
        context: the settings of the application with which its dashboards are synthesized.
        wire_errors: what the wire saw of downstream errors, by variant; empty until the run has ended.
    """

    name: str
    where: str
    finished: bool
    context: Mapping[str, str]
    wire_errors: Mapping[str, int]


def chosen_run(given: Path | None) -> Path:
    """The folder of the run: the one given, or else the latest under ``runs/``.

    Raises:
        UsageError: it is no run, or there is none.
    """
    folder = _latest() if given is None else given
    try:
        read_run(folder)
    except (LabError, OSError) as error:
        raise UsageError(str(error) if isinstance(error, LabError) else f"{folder}: {error.strerror}") from None
    return folder


def _latest() -> Path:
    runs = list(RUNS.glob(f"*/{RUN_FILE}"))
    if not runs:
        raise UsageError(f"there is no run under {RUNS}/; give RUN, or make one with `python -m lab run`")
    return max(runs, key=lambda path: path.stat().st_mtime).parent


def read_content(folder: Path) -> RunContent:
    """What the run says of itself by now.

    Raises:
        LabError: `run.json` is gone or damaged.
    """
    content = finite(read_run(folder))
    run, settings = mapping(content.get("run")), mapping(content.get("settings"))
    finished = content.get("finished") is True
    local = mapping(content.get("local"))
    profile = f", downstream profile {shown(local['profile'], 24)}" if local.get("profile") else ""
    return RunContent(
        name=shown(run.get("id") or folder.name),
        where=f"{shown(run.get('target') or 'unknown', 20)}{profile}",
        finished=finished,
        context=_context(run, settings),
        wire_errors=_wire_errors(mapping(content.get("wire"))) if finished else {},
    )


def _context(run: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    told = {name: settings.get(name) for name in _SETTINGS} | {"source": run.get("source")}
    return {name: f"{value:g}" if number(value) is not None else str(value) for name, value in told.items() if value}


def _wire_errors(wire: Mapping[str, Any]) -> dict[str, int]:
    counts = {variant.name: number(mapping(wire.get(variant.name)).get("downstream_errors")) for variant in VARIANTS}
    return {name: int(count) for name, count in counts.items() if count is not None}
