"""The process of the AWS emulator (ministack) behind the local endpoint, and clients of it."""

import contextlib
import logging
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
from botocore.exceptions import BotoCoreError, ClientError

from lab.endpoint.emulator.account import ACCESS_KEY, REGION
from lab.endpoint.emulator.program import CONTROL_VARIABLE, VARIABLE
from lab.errors import LabError

EMULATOR_ERRORS = (BotoCoreError, ClientError, OSError)
"""What a client raises where the emulator refuses a request or does not answer."""
START_LIMIT_S = 60.0
PROGRAM = Path(__file__).with_name("program.py")
logger = logging.getLogger(__name__)


class Emulator:
    """One ministack process on a free loopback port, with its files in a folder of ours.

    Only who knows `url` can call it: its path is a secret, so that functions cannot avoid the wire. In what it answers,
    ministack gives the address of ``front_door`` as its own; its own invocations of functions go there, too,
    and its requests for snapshots, for which it has the ``control_secret``.
    """

    def __init__(self, folder: Path, front_door: str, control_secret: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._log = (folder / "ministack.log").open("w+b")  # open: the folder may be deleted first
        self._was_ready = False
        address, secret = urlsplit(front_door), secrets.token_urlsafe(32)
        env = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINISTACK_"))}
        env |= {
            "MINISTACK_HOST": str(address.hostname),
            "GATEWAY_PORT": str(address.port),
            VARIABLE: secret,
            CONTROL_VARIABLE: control_secret,
            "MINISTACK_REGION": REGION,
            # Never a worker of its own for a SnapStart version: our engine runs the functions.
            "LAMBDA_EXECUTOR": "docker",
            "TMPDIR": str(folder),
            "S3_DATA_DIR": str(folder / "s3"),
            "STATE_DIR": str(folder / "state"),
            "LOG_LEVEL": "WARNING",
        }
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/{secret}"
            self._process = subprocess.Popen(
                # -P: modules in the program's folder must not hide others
                [sys.executable, "-P", str(PROGRAM), str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[listener.fileno()],
                env=env,
                cwd=folder,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises `LabError` if it ended, or did not answer in a minute. The text names its log, which is kept.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LabError(
                    f"ministack did not start: {self._last_line()}; run `make setup` to install it again; "
                    f"its log is {self._kept_log()}"
                )
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2).close()  # noqa: S310
                self._was_ready = True
                return
            time.sleep(0.05)
        raise LabError(f"ministack did not answer within {START_LIMIT_S:.0f} s; its log is {self._kept_log()}")

    def close(self) -> None:
        """End the process."""
        if self._was_ready and self._process.poll() is not None:
            logger.error("ministack had ended: %s; its log is %s", self._last_line(), self._kept_log())
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(3)
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _last_line(self) -> str:
        lines = self._log_content().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def _kept_log(self) -> str:
        """A copy of its log that outlives the folder."""
        with tempfile.NamedTemporaryFile(prefix="cache-lab-ministack-", suffix=".log", delete=False) as kept:
            kept.write(self._log_content())
        return kept.name

    def _log_content(self) -> bytes:
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)  # the process writes at the shared offset


def emulator_client(service: str, emulator_url: str) -> Any:
    """A boto3 client of the emulator, past the front door. It may be used from several threads."""
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=emulator_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
    )
