"""The supervisor as the engine holds it: see `lab.engine.sandbox.supervisor_program` for the process itself."""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from lab.engine.interpreters import ROOT
from lab.engine.runtime import channel
from lab.engine.sandbox.isolation import Isolation

PROGRAM = "lab.engine.sandbox.supervisor_program"


class Supervisor:
    """The process that forks environments, and the folder that they are made in."""

    def __init__(self, folder: Path, isolation: Isolation, groups: list[str]) -> None:
        self.folder = folder
        self.isolation = isolation
        self._root = folder / "root"
        self._root.mkdir(parents=True)
        ours, theirs = socket.socketpair()
        self._socket = ours
        command = [sys.executable, "-m", PROGRAM, str(theirs.fileno()), str(folder.parent), *groups]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT)
        theirs.close()

    def make_environment(self, places: dict[str, str], tmp_mb: int, joins: list[str]) -> socket.socket:
        """Fork an environment's first process; returns the engine's end of its control channel."""
        ours, theirs = socket.socketpair()
        header: dict[str, object] = {
            "namespaces": self.isolation.namespaces,
            "root": str(self._root),
            "places": places,
            "tmp_mb": tmp_mb,
            "joins": joins,
        }
        socket.send_fds(self._socket, [channel.encode(channel.START, header)], [theirs.fileno()])
        theirs.close()
        return ours

    def close(self) -> None:
        """End the supervisor, and with it every environment."""
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
