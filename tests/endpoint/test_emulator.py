"""An emulator that does not start: its error names a log that is kept."""

import logging
import re
import shutil
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab.endpoint.emulator import emulator as module
from lab.endpoint.emulator.emulator import Emulator
from lab.errors import LabError


@pytest.mark.parametrize(
    ("program", "limit_s", "message"),
    [
        (
            "print('first'); raise SystemExit('no such module')",
            60,
            "ministack did not start: no such module; run `make ",
        ),
        ("print('first', flush=True); input()", 0.5, "ministack did not answer within 0 s"),
    ],
)
def test_the_error_of_a_failed_start_names_a_log_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, limit_s: float, message: str
) -> None:
    script = tmp_path / "program.py"
    script.write_text(program)
    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(module, "PROGRAM", script)
    monkeypatch.setattr(module, "START_LIMIT_S", limit_s)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "kept"))
    emulator = Emulator(tmp_path / "emulator", "http://127.0.0.1:4566", "secret")
    with pytest.raises(LabError) as caught:
        emulator.wait_until_ready()
    emulator.close()
    assert str(caught.value).startswith(message)
    log = re.search(r"its log is (\S+)$", str(caught.value))
    assert log is not None
    assert Path(log[1]).parent == tmp_path / "kept"


def test_no_other_program_can_take_the_emulators_port_before_it_listens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text("input()")
    monkeypatch.setattr(module, "PROGRAM", script)
    emulator = Emulator(tmp_path / "emulator", "http://127.0.0.1:4566", "secret")
    address = urlsplit(emulator.url)
    with pytest.raises(OSError, match="in use"):
        socket.create_server((str(address.hostname), address.port or 0))
    emulator.close()


def test_an_emulator_that_ended_before_the_endpoint_is_logged_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    emulator = Emulator(tmp_path / "emulator", "http://127.0.0.1:4566", "secret")
    emulator.wait_until_ready()
    emulator._process.kill()
    emulator._process.wait()
    shutil.rmtree(tmp_path / "emulator")  # the engine's end deletes the endpoint's folder
    emulator.close()
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message.startswith("ministack had ended: ")
    assert "; its log is " in record.message
    assert Path(record.message.rpartition(" ")[2]).is_file()
