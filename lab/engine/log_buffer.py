"""What an environment has logged since its last invocation ended."""

from collections.abc import Callable

TAIL_BYTES = 4096
KEPT_BYTES = 64 << 10


class LogBuffer:
    """Keeps the log of an invocation, up to a bound; what is over goes to ``overflow`` and only its end is kept.

    `take` gives what ``LogType=Tail`` returns (the last 4 KiB) and what ``overflow`` has not been given.
    """

    def __init__(self, overflow: Callable[[bytes], None]) -> None:
        self._overflow = overflow
        self._parts: list[bytes] = []
        self._size = 0
        self._gone_tail = b""

    def write(self, data: bytes) -> None:
        """Add to the log."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > KEPT_BYTES:
            whole = b"".join(self._parts)
            self._overflow(whole)
            self._gone_tail = whole[-TAIL_BYTES:]
            self._parts.clear()
            self._size = 0

    def write_lines(self, lines: bytes) -> None:
        """Add the platform's lines, if any: each on a line of its own, even if the function has left one unfinished."""
        if lines:
            last = self._parts[-1] if self._parts else self._gone_tail
            self.write(lines if not last or last.endswith(b"\n") else b"\n" + lines)

    def take(self) -> tuple[bytes, bytes]:
        """The tail, and what was kept whole; the log begins anew."""
        whole = b"".join(self._parts)
        tail = (self._gone_tail + whole)[-TAIL_BYTES:]
        self._parts.clear()
        self._size = 0
        self._gone_tail = b""
        return tail, whole
