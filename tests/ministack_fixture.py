"""A fixture: ministack, the emulator of AWS's control plane and data stores, as a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

START_LIMIT_S = 120
PROGRAM = """
import os, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
from ministack.app import main
main()
"""
"""It ends when its standard input closes, however this process ended."""


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty ministack that lives as long as the test session."""
    folder = tmp_path_factory.mktemp("ministack")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LAMBDA_EXECUTOR": "docker",
        "LOG_LEVEL": "WARNING",
    }
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM], env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        ) as process,
    ):
        try:
            _wait_until_ready(url, process, folder / "log")
            yield url
        finally:
            process.kill()  # it has nothing to keep, and on SIGTERM it waits for what its state machines do


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/ready", timeout=1):  # noqa: S310 -- our own URL
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"ministack did not start within {START_LIMIT_S} s:\n{log.read_text()}")
