"""The folder that a run writes: made, appended to, finished."""

import contextlib
import datetime
import errno
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from lab.errors import LabError, UsageError
from lab.records.dashboards_file import DASHBOARDS_FILE, DashboardBody, dashboards_to_json
from lab.records.record import RECORDS_FILE, Record
from lab.records.run_file import RUN_FILE, RunFile

RUNS: Final = Path("runs")
BYTES_A_RECORD: Final = 800  # as a rule 650 to 750
BYTES_TO_SPARE: Final = 1_000_000


def new_run_id(label: str) -> str:
    """A name for a run and its folder: the time, a label, and four hexadecimal digits against two in one second."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{label}-{secrets.token_hex(2)}"


class RunFolder:
    """A run's folder that is being written, with room for the records of so many invocations.

    A context manager: entering it makes the folder, leaving it closes the files. A folder made for a run that never
    began is removed on leaving. Entering raises `UsageError` if there is a run already, or a file in the way;
    `LabError` if the folder cannot be written, or the disk is too full.
    """

    def __init__(self, path: Path, *, invocations: int) -> None:
        self.path = path
        self.appended = 0
        self._invocations = invocations
        self._made: list[Path] = []
        self._length = 0
        self._records: int | None = None

    def __enter__(self) -> Self:
        path = self.path
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path} is a file; name a folder that does not exist yet")
        if any((path / name).exists() for name in (RECORDS_FILE, RUN_FILE)):
            raise UsageError(f"--out {path} holds a run already; name another folder, or remove it")
        self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not os.access(path, os.W_OK | os.X_OK):
                raise LabError(f"cannot write {path}: no permission; name a folder you can write with --out")
            self._check_room()
        except BaseException as error:  # Ctrl-C, too
            self._unmake()
            if isinstance(error, OSError):
                raise _write_error(path, error) from error
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._records is not None:
            os.close(self._records)
        else:
            self._unmake()

    def begin(self, run: RunFile) -> None:
        """Begin the run: an empty record file, and ``run.json`` as known by now.

        Raises `LabError` if the disk is full or cannot be written.
        """
        self.write_run(run)
        records = self.path / RECORDS_FILE
        try:
            self._records = os.open(records, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except OSError as error:
            raise _write_error(records, error) from error

    def append(self, record: Record) -> None:
        """Write one record down at once, so that a killed run keeps it.

        Raises `LabError` if the disk is full or cannot be written. The records so far stay readable.
        """
        assert self._records is not None, "append comes after begin"
        line = record.to_json().encode() + b"\n"
        rest = line
        try:
            while rest:
                rest = rest[os.write(self._records, rest) :]
        except OSError as error:
            # The last line whole, should another be appended all the same.
            with contextlib.suppress(OSError):
                os.ftruncate(self._records, self._length)
            raise _write_error(self.path / RECORDS_FILE, error) from error
        self._length += len(line)
        self.appended += 1

    def write_run(self, run: RunFile) -> None:
        """Write ``run.json``, or replace it in one step: a reader finds the old or the new, never half of one.

        Raises `LabError` if the disk is full or cannot be written.
        """
        self._replace(RUN_FILE, run.to_json())

    def write_dashboards(self, dashboards: Sequence[DashboardBody]) -> None:
        """Write ``dashboards.json``, the comparison first.

        Raises `LabError` if the disk is full or cannot be written.
        """
        self._replace(DASHBOARDS_FILE, dashboards_to_json(dashboards))

    def _replace(self, name: str, text: str) -> None:
        target, draft = self.path / name, self.path / f"{name}.new"
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise _write_error(target, error) from error

    def discard(self) -> None:
        """Remove what was written: there was no run."""
        for name in (RECORDS_FILE, RUN_FILE, DASHBOARDS_FILE):
            (self.path / name).unlink(missing_ok=True)
        if self._records is not None:
            os.close(self._records)
            self._records = None
        self.appended = 0

    def _check_room(self) -> None:
        needed = self._invocations * BYTES_A_RECORD + BYTES_TO_SPARE
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise LabError(
                f"the disk of {self.path} has {free / 1e6:,.0f} MB free and the run needs {needed / 1e6:,.0f};"
                " make room, or name another disk with --out"
            )

    def _unmake(self) -> None:
        for folder in self._made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _write_error(path: Path, error: OSError) -> LabError:
    reason = error.strerror or type(error).__name__
    remedy = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "name a folder you can write with --out"
    return LabError(f"cannot write {path}: {reason}; {remedy}")
