"""The process of the AWS emulator (ministack) behind the local endpoint."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from lab.endpoint.emulator_program import FRONT_DOOR
from lab.errors import LabError

ACCESS_KEY = "cachelab"
REGION = "us-east-1"
START_LIMIT_S = 60.0

PROGRAM = Path(__file__).with_name("emulator_program.py")


class Emulator:
    """One ministack process on a free loopback port, with its files in a folder of ours."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._log = folder / "ministack.log"
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_"))}
        env |= {
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            # Never a worker of its own for a SnapStart version: our engine runs the functions.
            "LAMBDA_EXECUTOR": "docker",
            "TMPDIR": str(folder),
            "S3_DATA_DIR": str(folder / "s3"),
            "STATE_DIR": str(folder / "state"),
            "LOG_LEVEL": "WARNING",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: the program's folder has modules of ours, which are not to be found in the place of others.
                [sys.executable, "-P", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=env,
                cwd=folder,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises:
            LabError: it ended, or did not answer in a minute.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LabError(f"ministack did not start: {self._last_words()}; `make setup` installs it anew")
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).close()  # noqa: S310
                return
            time.sleep(0.05)
        raise LabError(f"ministack did not answer in {START_LIMIT_S:.0f} s; see {self._log}")

    def announce(self, front_door: str) -> None:
        """Tell it the address of the local endpoint, through which its own invocations of functions go."""
        (self._folder / FRONT_DOOR).write_text(front_door, encoding="ascii")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(3)
        self._process.kill()
        self._process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
