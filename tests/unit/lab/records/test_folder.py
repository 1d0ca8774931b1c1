"""A run's folder: made, appended to, finished, killed."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from lab.errors import LabError, UsageError
from lab.records.folder import RunFolder, new_run_id
from lab.records.record import Record
from lab.records.run_file import RunFile, read_run
from tests.records import read_records

RECORD = Record(
    run_id="r",
    target="local",
    variant="no_cache",
    sequence=0,
    key="item-0000",
    planned_at=1.0,
    sent_at=1.5,
    received_at=2.0,
    latency_ms=1000.0,
    service_ms=500.0,
    status="ok",
)


def _program(tmp_path: Path) -> str:
    """The beginning of a program that writes a run; it imports little, so that it starts soon."""
    return f"""
import json
from pathlib import Path
from lab.errors import LabError
from lab.records.folder import RunFolder
from lab.records.record import Record
from lab.records.run_file import RunFile
RECORD = Record(**json.loads({RECORD.to_json()!r}))
folder = RunFolder(Path({str(tmp_path / "run")!r}), invocations=1).__enter__()
folder.begin(RunFile())
"""


@contextlib.contextmanager
def begun(path: Path) -> Iterator[RunFolder]:
    with RunFolder(path, invocations=1) as folder:
        folder.begin(RunFile())
        yield folder


def test_records_are_there_as_soon_as_they_are_appended(tmp_path: Path) -> None:
    with begun(tmp_path / "a" / "run") as folder:
        folder.append(RECORD)
        assert list(read_records(folder.path)) == [RECORD]
        assert folder.appended == 1


def test_the_run_is_replaced_in_one_step(tmp_path: Path) -> None:
    with begun(tmp_path / "run") as folder:
        assert read_run(folder.path) == RunFile()
        folder.write_run(RunFile(finished=True))

    assert read_run(folder.path) == RunFile(finished=True)
    assert sorted(path.name for path in folder.path.iterdir()) == ["records.jsonl", "run.json"]


def test_a_killed_run_keeps_every_complete_record(tmp_path: Path) -> None:
    """Killed in the middle of a line, as a full page of the last write might be."""
    program = f"""
import os, signal
{_program(tmp_path)}for _ in range(3):
    folder.append(RECORD)
os.write(folder._records or 0, RECORD.to_json().encode()[:100])
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[4]
    ended = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)

    assert ended.returncode == -signal.SIGKILL
    assert list(read_records(tmp_path / "run")) == [RECORD] * 3
    assert read_run(tmp_path / "run") == RunFile()


def test_a_folder_in_which_no_run_began_is_removed(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="deploy"), RunFolder(tmp_path / "run", invocations=1):
        raise LabError("deploy failed")

    assert not (tmp_path / "run").exists()


def test_so_are_the_folders_that_were_made_for_it(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "runs" / "one", invocations=1):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    with RunFolder(tmp_path, invocations=1):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["records.jsonl", "run.json"])
def test_a_folder_with_a_run_is_refused_and_not_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious\n")

    with pytest.raises(UsageError, match="holds a run already"), RunFolder(tmp_path, invocations=1):
        pass

    assert (tmp_path / name).read_text() == "precious\n"


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="is a file"), RunFolder(tmp_path / "file", invocations=1):
        pass
    with pytest.raises(LabError, match="Not a directory"), RunFolder(tmp_path / "file" / "run", invocations=1):
        pass


def test_a_folder_that_cannot_be_made_is_told_of() -> None:
    with pytest.raises(LabError, match=r"cannot write /proc/run: .*--out"), RunFolder(Path("/proc/run"), invocations=1):
        pass


def test_ctrl_c_while_it_is_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Path) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "disk_usage", interrupted)
    with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path / "runs" / "one", invocations=1):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_run_that_does_not_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    too_many = shutil.disk_usage(tmp_path).free // 100

    folder = RunFolder(tmp_path / "run", invocations=too_many)
    with pytest.raises(LabError, match=r"MB free and the run needs .*; make room"), folder:
        pass

    assert not (tmp_path / "run").exists()


def test_a_disk_that_fills_up_is_told_in_one_line_and_what_is_there_stays(tmp_path: Path) -> None:
    with begun(tmp_path / "run") as folder:
        folder.append(RECORD)
        assert folder._records is not None
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, folder._records)
        os.close(full)

        with pytest.raises(LabError, match=r"No space left on device; make room$") as told:
            folder.append(RECORD)

    assert "\n" not in str(told.value)
    assert list(read_records(tmp_path / "run")) == [RECORD]


def test_a_record_that_fits_in_part_is_taken_back(tmp_path: Path) -> None:
    """At a limit of the file's size, as at the disk's end, a write takes what fits."""
    program = f"""
import resource, signal
{_program(tmp_path)}folder.append(RECORD)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    folder.append(RECORD)
except LabError as error:
    print(error)
"""
    root = Path(__file__).parents[4]
    said = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True).stdout

    assert "File too large" in said
    assert (tmp_path / "run" / "records.jsonl").read_bytes() == RECORD.to_json().encode() + b"\n"


def test_a_run_json_that_cannot_be_replaced_leaves_the_old_one(tmp_path: Path) -> None:
    with begun(tmp_path / "run") as folder:
        (folder.path / "run.json.new").mkdir()

        with pytest.raises(LabError, match="cannot write"):
            folder.write_run(RunFile(finished=True))

    assert read_run(tmp_path / "run") == RunFile()


def test_run_ids_tell_time_and_label_and_differ() -> None:
    first, second = new_run_id("steady"), new_run_id("steady")

    assert re.fullmatch(r"\d{8}T\d{6}Z-steady-[0-9a-f]{4}", first)
    assert first != second
