"""What an environment has logged since its last invocation ended."""

from collections.abc import Callable

from lab.engine.logs import framed_log

TAIL_BYTES = 4096
KEPT_BYTES = 64 << 10


class LogBuffer:
    """Keeps the log of an invocation, up to a bound; what is over goes to ``overflow`` and only its end is kept.

    What it gives, by ``overflow`` too, is lines and whole records (see `framed_log`).
    """

    def __init__(self, overflow: Callable[[bytes], None]) -> None:
        self._overflow = overflow
        self._records = framed_log.Joiner()
        self._parts: list[bytes] = []
        self._size = 0
        self._gone_tail = b""

    def write(self, data: bytes) -> None:
        """Add what the function has written."""
        self._add(self._records.feed(data))

    def write_lines(self, lines: bytes) -> None:
        """Add the platform's lines, if any: each on a line of its own, even if the function has left one unfinished."""
        if lines:
            if self._records.held:
                self._add(self._records.flush())
            last = self._parts[-1] if self._parts else self._gone_tail
            self._add(lines if not last or last.endswith(b"\n") else b"\n" + lines)

    def take(self, *, with_tail: bool = False) -> tuple[bytes, bytes]:
        """Return the tail (the last 4 KiB as text, if asked for) and all that ``overflow`` did not get; start empty."""
        if self._records.held:
            self._add(self._records.flush())
        whole = b"".join(self._parts)
        tail = (self._gone_tail + framed_log.plain(whole))[-TAIL_BYTES:] if with_tail else b""
        self._parts.clear()
        self._size = 0
        self._gone_tail = b""
        return tail, whole

    def _add(self, data: bytes) -> None:
        if not data:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > KEPT_BYTES:
            whole = b"".join(self._parts)
            self._overflow(whole)
            self._gone_tail = framed_log.plain(whole)[-TAIL_BYTES:]
            self._parts.clear()
            self._size = 0
