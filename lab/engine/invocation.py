"""An invocation and its outcome."""

import dataclasses
import enum
from collections.abc import Callable

TAIL_BYTES = 4096


class Fault(enum.StrEnum):
    """Why an invocation failed other than by the function's own error; the values are Lambda's ``errorType``."""

    TIMEOUT = "Sandbox.Timedout"
    EXIT = "Runtime.ExitError"
    MEMORY = "Runtime.OutOfMemory"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What Invoke answers: the payload, whether it is a function error, and the end of the log."""

    payload: bytes
    function_error: bool
    executed_version: str
    log_tail: bytes


@dataclasses.dataclass(slots=True, kw_only=True)
class Invocation:
    """One invocation on its way. ``on_done`` is called once, with its outcome, in the engine's event loop."""

    request_id: str
    payload: bytes
    arn: str
    on_done: Callable[[Outcome], None]
    client_context: str | None = None


class LogTail:
    """The log of one environment since the last invocation ended: bounded, as ``LogType=Tail`` is."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add to the log."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > 64 * TAIL_BYTES:
            self._parts = [b"".join(self._parts)[-TAIL_BYTES:]]
            self._size = TAIL_BYTES

    def take(self) -> bytes:
        """The last 4 KiB of what was written; the log begins anew."""
        data = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return data[-TAIL_BYTES:]
