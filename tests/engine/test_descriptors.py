"""What of another process, or of native code, the copy of a snapshot refuses: each in a process of its own."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="macOS does not show what descriptors are")
PROGRAM = """
import ctypes, os, select, sys
from lab.engine.runtime.descriptors import CannotCopyError, Descriptors
{source}
try:
    Descriptors(())
except CannotCopyError as error:
    print(error)
"""
NATIVE_LOOP = """
counter, loop = os.eventfd(0), select.epoll()
event = (ctypes.c_uint32 * 3)(select.EPOLLIN, 4321, 0)
assert ctypes.CDLL(None).epoll_ctl(loop.fileno(), 1, counter, event) == 0
"""


def refusal(folder: Path, source: str, stdin: int = subprocess.DEVNULL) -> str:
    """Why a process with this standard input is not copied, after it has run the source."""
    with (folder / "output").open("w+") as output:
        program = [sys.executable, "-c", PROGRAM.format(source=source)]
        subprocess.run(program, stdin=stdin, stdout=output, stderr=output, check=True, timeout=60)
        output.seek(0)
        return output.read().strip()


def test_what_a_process_has_alone_is_copied(tmp_path: Path) -> None:
    assert refusal(tmp_path, "pipe = os.pipe()") == ""


def test_a_pipe_to_another_process_is_refused(tmp_path: Path) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        assert refusal(tmp_path, "", stdin=cat.stdout.fileno()) == "descriptor 0 is a pipe to another process"
        cat.communicate()


def test_a_socket_of_another_process_is_refused(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert refusal(tmp_path, "", stdin=theirs.fileno()) == "descriptor 0 is a socket of another process"
        with pytest.raises(BlockingIOError):  # nothing was sent to it
            ours.recv(1, socket.MSG_DONTWAIT)


def test_an_event_loop_of_native_code_is_refused(tmp_path: Path) -> None:
    """It may keep pointers beside what it watches."""
    assert refusal(tmp_path, NATIVE_LOOP).endswith("is an event loop of native code")
