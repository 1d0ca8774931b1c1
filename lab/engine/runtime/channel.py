"""Frames over a socketpair between the engine and a process of an execution environment.

A frame is ``length of the rest (4 bytes, big endian), kind (1 byte), length of the header (4 bytes), header (JSON),
body``. The same frames go both ways; a body is what Lambda's Runtime API carries as a body of a request or answer.
"""

import json
import socket
import struct

PREFIX = struct.Struct("!IBI")

# Engine to runtime
INVOKE = 1
RESTORE = 2
# Runtime to engine
READY = 10  # init (or restore) is done: the runtime has asked for its first invocation
RESULT = 11
ERROR = 12
INIT_ERROR = 13
SNAPSHOT = 14  # init and the before-snapshot hooks are done: the process can be restored from
RESTORE_ERROR = 15
SNAPSHOT_REFUSED = 16
# Engine to an environment's first process, and back
START = 20
KILL = 21
EXITED = 30
STARTED = 31

MAX_FDS = 8


def encode(kind: int, header: dict[str, object] | None = None, body: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(header, separators=(",", ":")).encode() if header else b""
    return PREFIX.pack(5 + len(head) + len(body), kind, len(head)) + head + body


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> "list[tuple[int, dict[str, object], bytes]]":
        """Take bytes as they came; give the frames that they complete: (kind, header, body)."""
        buffer = self._buffer
        buffer += data
        frames = []
        while len(buffer) >= 9:
            rest, kind, head_length = PREFIX.unpack_from(buffer)
            end = 4 + rest
            if len(buffer) < end:
                break
            head = bytes(buffer[9 : 9 + head_length])
            frames.append((kind, json.loads(head) if head else {}, bytes(buffer[9 + head_length : end])))
            del buffer[:end]
        return frames


class Channel:
    """The blocking end of a channel, as a process of an environment holds it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._decoder = Decoder()
        self._frames: list[tuple[int, dict[str, object], bytes]] = []
        self._fds: list[int] = []

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self.sock.fileno()

    def send(self, kind: int, header: dict[str, object] | None = None, body: bytes = b"") -> None:
        """Send one frame, whole."""
        self.sock.sendall(encode(kind, header, body))

    def receive(self) -> tuple[int, dict[str, object], bytes]:
        """Wait for the next frame.

        Raises:
            EOFError: the engine has gone.
        """
        while not self._frames:
            data, fds, _, _ = socket.recv_fds(self.sock, 1 << 18, MAX_FDS)
            if not data:
                raise EOFError("the engine has closed the channel")
            self._fds += fds
            self._frames = self._decoder.feed(data)
        return self._frames.pop(0)

    def take_fds(self) -> list[int]:
        """The descriptors that came with the frames received so far."""
        fds, self._fds = self._fds, []
        return fds
