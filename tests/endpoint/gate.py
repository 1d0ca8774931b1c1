"""A gate at which functions wait until the test opens it: nothing then depends on how fast the machine is."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

LIMIT_S = 60
WAITS = """
import os, socket, uuid
ME = str(uuid.uuid4())
def handler(event, context):
    if event:
        with socket.create_connection(("127.0.0.1", event["gate"])) as gate: gate.recv(1)
    return ME
"""
"""A function that waits at the gate of its event, if there is one, and returns which environment ran it."""


class Gate:
    """Functions connect to its port and read a byte."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waiting: list[socket.socket] = []
        self.event = {"gate": listener.getsockname()[1]}

    def wait_for(self, count: int) -> None:
        """Return when so many more functions wait at the gate."""
        for _ in range(count):
            self._waiting.append(self._listener.accept()[0])

    def open(self) -> None:
        """Let those go on that wait."""
        for connection in self._waiting:
            connection.close()
        self._waiting.clear()


@contextlib.contextmanager
def gate() -> Iterator[Gate]:
    """A gate that is opened at the end of the block, at the latest."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LIMIT_S)
        made = Gate(listener)
        try:
            yield made
        finally:
            made.open()


@contextlib.contextmanager
def running(call: Callable[[object], object]) -> Iterator[None]:
    """A call with the gate's event runs throughout the block."""
    with gate() as made:
        thread = threading.Thread(target=call, args=[made.event])
        thread.start()
        try:
            made.wait_for(1)
            yield
        finally:
            made.open()
            thread.join()
