"""The process that makes execution environments: it forks their first processes, and nothing else.

It exists so that the engine itself never forks (its event loop would stand still), that making an environment is cheap
(no interpreter to start: a fork of this small process), and that every environment ends when the engine does, however
it ends: this process and the environments see its sockets close, and end.
"""

import json
import os
import resource
import shutil
import signal
import socket
import sys
import time
from typing import Any

from lab.engine.runtime import channel, init
from lab.engine.runtime.channel import Channel
from lab.engine.sandbox import first_process
from lab.engine.sandbox.control_groups import PATIENCE_S, end_groups

DESCRIPTORS = 1024  # Source: Lambda quotas


def main(fd: int, folder: str, groups: list[str]) -> None:
    """Serve requests for environments from the engine's end of the socket ``fd``.

    When the engine is gone, take away what a death would leave behind: ``folder``, and the control ``groups``.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    requests = Channel(socket.socket(fileno=fd))
    system_calls = requests.receive_with_fds()[2] or None
    while True:
        try:
            _, header, _ = requests.receive_with_fds()
        except (EOFError, OSError):
            _clean_up(folder, groups)
            return
        fds = requests.take_fds()
        if os.fork() == 0:
            requests.sock.close()
            control, *gates = [Channel(socket.socket(fileno=each)) for each in fds]
            _be_environment(json.loads(header), control, gates[0] if gates else None, system_calls)
        for each in fds:
            os.close(each)


def _clean_up(folder: str, groups: list[str]) -> None:
    end_groups(groups, PATIENCE_S)
    # More than once: processes that end with the engine may still write for a moment.
    until = time.monotonic() + PATIENCE_S
    while os.path.exists(folder) and time.monotonic() < until:  # noqa: PTH110 - a path as text throughout
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)


def _be_environment(order: dict[str, Any], control: Channel, gate: Channel | None, system_calls: bytes | None) -> None:
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        restored = first_process.make(order, gate, system_calls)
    except BaseException as error:
        init.fail(control, error)
    if restored is not None:
        control.send(channel.STARTED, {"pid": restored})
    init.serve(control, order["namespaces"] is not None, restored)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
