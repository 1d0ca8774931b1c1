"""Frames over a socketpair between the engine and a process of an execution environment.

A frame is ``length of the rest (4 bytes, big endian), kind (1 byte), length of the header (4 bytes), header, body``.
The same frames go both ways; a body is what Lambda's Runtime API carries as a body of a request or answer. A header is
JSON, but for the frames of every invocation: see `encode_invoke` and `encode_answer`.
"""

import json
import socket
import struct

PREFIX = struct.Struct("!IBI")

# Descriptors of a runtime process
CHANNEL_FD = 3
LOG_FD = 4  # where the runtime client writes log records: the log pipe, as 1 and 2 are

# Engine to runtime
INVOKE = 1
RESTORE = 2
# Runtime to engine
LOADED = 9  # over HTTP only: the runtime client is loaded, the function's init begins
READY = 10  # init (or restore) is done: the runtime has asked for its first invocation
RESULT = 11
ERROR = 12
INIT_ERROR = 13
SNAPSHOT = 14  # init and the before-snapshot hooks are done: the process can be restored from
RESTORE_ERROR = 15
SNAPSHOT_REFUSED = 16
NOT_ALONE = 17  # other threads or children are left while the runtime waits for an invocation
# Engine to an environment's first process, and back
START = 20
KILL = 21
FREEZE = 22  # what has left the runtime's process group; the group itself is the engine's to signal
THAW = 23
EXITED = 30
STARTED = 31
FROZEN = 32  # there was something to freeze

MAX_RESPONSE_BYTES = 6_291_556
RESPONSE_TOO_LARGE = (
    b'{"errorMessage":"Response payload size exceeded maximum allowed payload size (%d bytes).",'
    b'"errorType":"Function.ResponseSizeTooLarge"}' % MAX_RESPONSE_BYTES
)

MOST_FRAME_BYTES = 16 << 20
MAX_FDS = 8
READ_BYTES = 1 << 16  # more would be memory fresh from the kernel for each read


def encode(kind: int, header: dict[str, object] | None = None, body: bytes = b"") -> bytes:
    """One frame as bytes."""
    head = json.dumps(header, separators=(",", ":")).encode() if header else b""
    return PREFIX.pack(5 + len(head) + len(body), kind, len(head)) + head + body


def encode_invoke(
    invoke_id: str, arn: str, deadline_ms: int, client_context: "str | None", body: bytes, *, trace_id: str = ""
) -> bytes:
    """An INVOKE frame. Its header is lines of text, not JSON: it is made and read on every invocation."""
    head = f"{invoke_id}\n{arn}\n{deadline_ms}\n{trace_id}\n{client_context or ''}".encode()
    return PREFIX.pack(5 + len(head) + len(body), INVOKE, len(head)) + head + body


def encode_answer(kind: int, peak_kb: int, body: bytes = b"", invoke_id: str = "") -> bytes:
    """A READY, RESULT or ERROR frame. Its header: the peak memory in KiB, and which invocation it answers.

    The body of READY is how many milliseconds the function's init or hooks took, as text; over HTTP it is empty.
    """
    head = b"%d %b" % (peak_kb, invoke_id.encode())
    return PREFIX.pack(5 + len(head) + len(body), kind, len(head)) + head + body


def decode_answer(header: bytes) -> "tuple[int, str]":
    """What `encode_answer` put into the header; nothing, where the function has written there itself."""
    try:
        peak_kb, invoke_id = header.decode().split(" ")
        return int(peak_kb), invoke_id
    except ValueError:
        return 0, ""


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> "list[tuple[int, bytes, bytes]]":
        """Take bytes as they came; give the frames that they complete: (kind, header, body).

        Raises:
            ValueError: a frame says that it is longer than any can be.
        """
        if not self._buffer and len(data) >= 9:
            rest, kind, head_length = PREFIX.unpack_from(data)
            if len(data) == 4 + rest:  # nearly always: one frame, whole
                return [(kind, data[9 : 9 + head_length], data[9 + head_length :])]
        buffer = self._buffer
        buffer += data
        frames = []
        while len(buffer) >= 9:
            rest, kind, head_length = PREFIX.unpack_from(buffer)
            if rest > MOST_FRAME_BYTES:
                raise ValueError(f"a frame of {rest} bytes")
            end = 4 + rest
            if len(buffer) < end:
                break
            frames.append((kind, bytes(buffer[9 : 9 + head_length]), bytes(buffer[9 + head_length : end])))
            del buffer[:end]
        return frames


class Channel:
    """The blocking end of a channel, as a process of an environment holds it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._decoder = Decoder()
        self._frames: list[tuple[int, bytes, bytes]] = []
        self._fds: list[int] = []

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self.sock.fileno()

    def send(self, kind: int, header: dict[str, object] | None = None, body: bytes = b"") -> None:
        """Send one frame, whole."""
        self.sock.sendall(encode(kind, header, body))

    def receive(self) -> tuple[int, bytes, bytes]:
        """Wait for the next frame: its kind, header and body.

        Raises:
            EOFError: the engine has gone.
        """
        while not self._frames:
            self._take(self.sock.recv(READ_BYTES))
        return self._frames.pop(0)

    def receive_with_fds(self) -> tuple[int, bytes, bytes]:
        """As `receive`; descriptors that come along are kept for `take_fds`."""
        while not self._frames:
            data, fds, _, _ = socket.recv_fds(self.sock, READ_BYTES, MAX_FDS)
            self._fds += fds
            self._take(data)
        return self._frames.pop(0)

    def _take(self, data: bytes) -> None:
        if not data:
            raise EOFError("the engine has closed the channel")
        self._frames = self._decoder.feed(data)

    def take_fds(self) -> list[int]:
        """The descriptors that came with the frames received so far."""
        fds, self._fds = self._fds, []
        return fds
