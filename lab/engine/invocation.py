"""An invocation and its result."""

import dataclasses
import enum
import json
from collections.abc import Callable


class Fault(enum.StrEnum):
    """Why an invocation failed other than by the function's own error; the values are Lambda's ``errorType``."""

    TIMEOUT = "Sandbox.Timedout"
    EXIT = "Runtime.ExitError"
    MEMORY = "Runtime.OutOfMemory"


NO_REASON = "Runtime exited without providing a reason"


@dataclasses.dataclass(slots=True, kw_only=True)
class InvocationResult:
    """What Invoke answers: the payload, whether it is a function error, and the end of the log.

    ``start_wait_ms`` is how much later than on Lambda the function got the event, because this machine starts only a
    few environments at a time.
    """

    payload: bytes
    function_error: bool
    executed_version: str
    log_tail: bytes
    start_wait_ms: float = 0.0


@dataclasses.dataclass(slots=True, kw_only=True)
class Invocation:
    """One invocation. ``on_done`` is called once, with its result, in the engine's event loop.

    Without ``wants_log`` the answer comes sooner, with an empty ``log_tail``. The engine sets ``start_wait_ms``.
    ``trace_id`` is an X-Ray trace header, or empty.
    """

    request_id: str
    payload: bytes
    arn: str
    on_done: Callable[[InvocationResult], None]
    trace_id: str = ""
    client_context: str | None = None
    wants_log: bool = False
    start_wait_ms: float = 0.0

    @property
    def is_sampled(self) -> bool:
        """Whether X-Ray records the trace."""
        return ";Sampled=1" in self.trace_id


def fault_payload(request_id: str, fault: Fault, message: str) -> bytes:
    """What the caller of an invocation gets that failed other than by the function's own error."""
    text = f"RequestId: {request_id} Error: {message}"
    return json.dumps({"errorType": fault.value, "errorMessage": text}).encode()


class ThrottledError(Exception):
    """An invocation was refused because concurrency is used up; the text is Lambda's ``Reason``."""
