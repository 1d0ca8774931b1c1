"""What the engine reports of invocations and log lines."""

from typing import Protocol

from lab.engine.function import FunctionVersion
from lab.engine.logs.platform_log import ReportLine


class TelemetrySink(Protocol):
    """Gets every invocation as it happens, on its path: a call takes a microsecond or two, and never fails.

    Logs are lines and whole records (`lab.engine.logs.framed_log`). ``arn`` is the one that was invoked: it ends with
    the alias, if there was one.
    """

    def started(self, version: FunctionVersion) -> None:
        """An invocation was given to an environment; `invocation` follows, once."""

    def invocation(self, version: FunctionVersion, arn: str, log_stream: str, log: bytes, report: ReportLine) -> None:
        """An invocation ended; ``log``: what was logged since the last call for this stream, to a line's end."""

    def log(self, version: FunctionVersion, log_stream: str, data: bytes) -> None:
        """What was logged before an invocation's end, or outside of one; it may end within a line."""

    def throttled(self, version: FunctionVersion, arn: str) -> None:
        """An invocation was refused because its function's concurrency is in use."""
