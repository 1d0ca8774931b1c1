"""What the endpoint sends to the telemetry process, and in what form.

Entries are made on the path of every invocation, thousands a second: so they are plain tuples, which the C code of
``marshal`` writes. Both ends run the same interpreter.
"""

import marshal
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

# Kinds of entries
INVOCATION: Final = 0
LOG: Final = 1
THROTTLE: Final = 2

# Kinds of frames
ENTRIES: Final = 0
REQUEST: Final = 1
ANSWER: Final = 2

EMULATOR_URL: Final = "LAB_EMULATOR_URL"
"""The variable that gives the process the emulator's address, which is secret. Every user can read a command line."""

HEAD: Final = struct.Struct("!IB")


class Invocation(NamedTuple):
    """A finished invocation.

    ``arn`` is the one invoked. ``level`` is the application log level of a function that logs JSON, else None. ``at``
    is when it ended, in Unix seconds. ``running`` and ``all_running`` are how many invocations of the function, and of
    all functions, were under way, this one included. The rest is what its REPORT line says.
    """

    kind: int
    function: str
    version: str
    arn: str
    log_group: str
    log_stream: str
    level: str | None
    log: bytes
    at: float
    failed: bool
    running: int
    all_running: int
    request_id: str
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None
    restore_ms: float | None


class Log(NamedTuple):
    """What was logged outside an invocation's end; it may end within a line."""

    kind: int
    log_group: str
    log_stream: str
    level: str | None
    data: bytes
    at: float


class Throttle(NamedTuple):
    """A refused invocation."""

    kind: int
    function: str
    version: str
    arn: str
    at: float


def log_groups(batch: Iterable[Sequence[Any]]) -> set[str]:
    """The log groups that entries write to."""
    places = {INVOCATION: Invocation._fields.index("log_group"), LOG: Log._fields.index("log_group")}
    return {entry[places[entry[0]]] for entry in batch if entry[0] in places}


def encode(kind: int, content: Any) -> bytes:
    """One frame."""
    data = marshal.dumps(content)
    return HEAD.pack(len(data), kind) + data


class Decoder:
    """Splits a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, Any]]:
        """Take bytes as they come; return the frames that they complete: (kind, content)."""
        self._buffer += data
        frames = []
        begin = 0
        while len(self._buffer) - begin >= HEAD.size:
            size, kind = HEAD.unpack_from(self._buffer, begin)
            end = begin + HEAD.size + size
            if len(self._buffer) < end:
                break
            frames.append((kind, marshal.loads(self._buffer[begin + HEAD.size : end])))  # noqa: S302 - our own process
            begin = end
        del self._buffer[:begin]
        return frames
