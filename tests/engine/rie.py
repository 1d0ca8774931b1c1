"""AWS's Runtime Interface Emulator for tests: `make rie` fetches it."""

import http.client
import os
import platform
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from lab.engine import interpreters

ROOT = Path(__file__).parents[2]
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
BINARY = ROOT / ".lab" / "rie" / "samcli" / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"
PATH = "/2015-03-31/functions/function/invocations"
OWN_LINE = re.compile(r"^\d+ \w+ \d{4} [\d:,]+ \[\w+\] \(rapid\) ")
LAST_LINE = re.compile(r"^REPORT .*\n|^.* \(rapid\) Invoke DONE failed: .*\n", re.MULTILINE)
WAIT_S = 60.0


class Rie:
    """One emulator that runs ``function.handler`` of a folder with the runtime pack's own client, on loopback only."""

    def __init__(self, code: Path, runtime: str, memory_mb: int, timeout_s: float) -> None:
        interpreter, _ = interpreters.choose(runtime)
        self._port, api_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._log_path = code.parent / f"{code.name}.rie.log"
        self._read = 0
        command: list[str | Path] = [BINARY, "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{api_port}"]
        command += [interpreter.path, "-s", "-m", "awslambdaric", "function.handler"]
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{code}:{interpreter.pack}",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": code.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": f"{timeout_s:.0f}",
        }
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=code, env=variables, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait_until_it_listens()

    def invoke(self, payload: bytes) -> tuple[http.client.HTTPMessage, bytes, list[str]]:
        """Invoke: the answer's headers and body, and what was logged without the emulator's own lines."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("POST", PATH, payload)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.headers, body, self._new_lines()

    def close(self) -> None:
        """End it and its runtime."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _new_lines(self) -> list[str]:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            log = self._log_path.read_bytes()[self._read :].decode()
            if LAST_LINE.search(log):
                self._read += len(log.encode())
                return [line for line in log.split("\n") if line and not OWN_LINE.match(line)]
            time.sleep(0.02)
        raise TimeoutError(f"no end of an invocation in {self._log_path.read_text()}")

    def _wait_until_it_listens(self) -> None:
        until = time.monotonic() + WAIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
