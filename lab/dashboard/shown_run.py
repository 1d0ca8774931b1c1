"""Which run is shown, and what its `run.json` says."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.analysis.wording import shown
from lab.errors import LabError, UsageError
from lab.records.files import S3, run_files
from lab.records.folder import RUNS
from lab.records.record import RECORDS_FILE
from lab.records.run_file import RUN_FILE, RunFile, read_run


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


@contextlib.contextmanager
def chosen_run(given: Path | str | None) -> Iterator[Path]:
    """The folder of the run, for as long as the context lasts: the one given, or else the latest under ``runs/``.

    Args:
        given: a folder; or ``s3://bucket/prefix`` (see `lab.records.files`), which is brought here as it is by now.

    Raises:
        UsageError: it is no run, or there is none.
        LabError: S3 has no such run, or refuses.
    """
    if is_in_s3(given):
        with run_files(str(given)) as files:
            folder = files.records[0].parent
            _join(files.records, folder / RECORDS_FILE)
            yield folder
    else:
        yield _in_folder(_latest() if given is None else Path(given))


def is_in_s3(given: Path | str | None) -> bool:
    """Whether the run is at ``s3://``."""
    return str(given).startswith(S3)


def _join(shards: Sequence[Path], whole: Path) -> None:
    """Put the shards into one file; they are gone then, so that the disk holds a run once."""
    with whole.open("ab") as records:
        for shard in shards:
            with shard.open("rb") as lines:
                shutil.copyfileobj(lines, records)
            # Where a shard ends amid a line, the next one must not continue it.
            records.write(b"\n")
            shard.unlink()


def _in_folder(folder: Path) -> Path:
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
    run = read_run(folder)
    profile = f", downstream profile {shown(run.local.profile, 24)}" if run.local and run.local.profile else ""
    return RunContent(
        name=shown(run.run.id or folder.name),
        where=f"{shown(run.run.target or 'unknown', 20)}{profile}",
        finished=run.finished,
        context=_context(run),
        wire_errors=_wire_errors(run) if run.finished else {},
    )


def _context(run: RunFile) -> dict[str, str]:
    settings = run.settings
    stated = {"ttl_s": settings.ttl_s, "memory_mb": settings.memory_mb, "architecture": settings.architecture}
    stated |= {"source": run.run.source}
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in stated.items() if value}


def _wire_errors(run: RunFile) -> dict[str, int]:
    counts = {name: count.downstream_errors for name, count in (run.wire or {}).items()}
    return {name: count for name, count in counts.items() if count is not None}
