"""The supervisor as the engine holds it: see `lab.engine.sandbox.supervisor_program` for the process itself."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from lab.engine.interpreters import ROOT
from lab.engine.runtime import channel
from lab.engine.sandbox.isolation import Isolation
from lab.engine.sandbox.root_folder import make_root

INTERPRETERS_OWN = ("PYTHON", "LD_LIBRARY_PATH")
PROGRAM = "lab.engine.sandbox.supervisor_program"


class Supervisor:
    """The process that forks environments, and the folder that they are made in."""

    def __init__(self, folder: Path, isolation: Isolation, groups: list[str]) -> None:
        self.folder = folder
        self.isolation = isolation
        self._root = folder / "root"
        self._root.mkdir(parents=True)
        self._system = {} if isolation.namespaces is None else make_root(self._root)
        ours, theirs = socket.socketpair()
        self._socket = ours
        command = [sys.executable, "-m", PROGRAM, str(theirs.fileno()), str(folder.parent), *groups]
        # Not the other variables of the user: they hold credentials, and are in the memory of each first process.
        env = {name: value for name, value in os.environ.items() if name.startswith(INTERPRETERS_OWN)}
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=ROOT, env=env, start_new_session=True)
        theirs.close()
        ours.sendall(channel.encode(channel.START, None, isolation.system_calls or b""))

    def make_environment(
        self, places: dict[str, str], tmp_mb: int, joins: list[str], gate: socket.socket | None = None
    ) -> socket.socket:
        """Fork an environment's first process; returns the engine's end of its control channel.

        With a ``gate``, at which a fork of the snapshot waits, the environment is for that fork. It is closed.
        """
        ours, theirs = socket.socketpair()
        header: dict[str, object] = {
            "namespaces": self.isolation.namespaces,
            "root": str(self._root),
            "places": self._system | places,
            "tmp_mb": tmp_mb,
            "joins": joins,
        }
        handed_over = [theirs] if gate is None else [theirs, gate]
        fds = [each.fileno() for each in handed_over]
        socket.send_fds(self._socket, [channel.encode(channel.START, header)], fds)
        for each in handed_over:
            each.close()
        return ours

    def close(self) -> None:
        """End the supervisor, and with it every environment."""
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()
