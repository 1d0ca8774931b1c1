"""The port that a program of the lab listens on."""

import errno
import socket
from collections.abc import Callable

from lab.errors import UsageError

BACKLOG = 1024


def listen(port: int | None, default: int, say: Callable[[str], None]) -> socket.socket:
    """A socket that listens on 127.0.0.1: at ``port``, or a free one for 0.

    None: the user gave none. Then it is ``default``, or a free port if that is in use; ``say`` gets a line about it.
    Raises `UsageError` if the port that the user gave is in use, or cannot be listened on.
    """
    try:
        return socket.create_server(("127.0.0.1", default if port is None else port), backlog=BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise UsageError(
                f"cannot listen on 127.0.0.1:{default if port is None else port}: {error.strerror}"
            ) from None
    if port is not None:
        raise UsageError(f"port {port} is in use: give another with --port, or 0 for a free one")
    say(f"port {default} is in use: using a free one")
    return socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
