"""The process that makes execution environments: it forks their first processes, and nothing else.

It exists so that the engine itself never forks (its event loop would stand still), that making an environment is cheap
(no interpreter to start: a fork of this small process), and that every environment ends when the engine does, however
it ends: this process and the environments see its sockets close, and end.
"""

import json
import os
import shutil
import signal
import socket
import sys
import time
from typing import Any

from lab.engine.runtime import init, namespaces
from lab.engine.runtime.channel import Channel
from lab.engine.sandbox.control_groups import PATIENCE_S, end_groups


def main(fd: int, folder: str, groups: list[str]) -> None:
    """Serve requests for environments from the engine's end of the socket ``fd``.

    When the engine is gone, take away what a death would leave behind: ``folder``, and the control ``groups``.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests = Channel(socket.socket(fileno=fd))
    while True:
        try:
            _, header, _ = requests.receive_with_fds()
        except (EOFError, OSError):
            _clean_up(folder, groups)
            return
        (control_fd,) = requests.take_fds()
        if os.fork() == 0:
            requests.sock.close()
            _be_environment(json.loads(header), Channel(socket.socket(fileno=control_fd)))
        os.close(control_fd)


def _clean_up(folder: str, groups: list[str]) -> None:
    end_groups(groups, PATIENCE_S)
    # More than once: processes that end with the engine may still write for a moment.
    until = time.monotonic() + PATIENCE_S
    while os.path.exists(folder) and time.monotonic() < until:  # noqa: PTH110 - a path as text throughout
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


def _be_environment(header: dict[str, Any], control: Channel) -> None:
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        in_namespace = init.enter(header["namespaces"], header["joins"])
        if in_namespace:
            namespaces.build_root(header["root"], places=header["places"], tmp_mb=header["tmp_mb"])
    except BaseException as error:
        init.fail(control, error)
    init.serve(control, in_namespace)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
