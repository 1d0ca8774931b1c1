"""The one way from the API to the engine. Counts concurrency, and throttles."""

import asyncio
import collections
from collections.abc import Callable

from lab.endpoint.api_error import ApiError, service_error
from lab.endpoint.deployments.functions import Resolved
from lab.endpoint.invoke.trace_header import TraceHeaders
from lab.engine.engine import Engine
from lab.engine.invocation import Invocation, InvocationResult, ThrottledError


class Invoker:
    """Starts invocations of resolved functions, and counts those that are running.

    All versions of a function share its reserved concurrency. Functions without share what the account has left (AWS
    Lambda Developer Guide, "Understanding Lambda function scaling").
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.trace_headers = TraceHeaders()
        self._running: collections.defaultdict[str | None, int] = collections.defaultdict(int)
        """By the function's name; by None for all functions without reserved concurrency."""

    def invoke(
        self,
        resolved: Resolved,
        payload: bytes,
        request_id: str,
        on_done: Callable[[InvocationResult], None],
        client_context: str | None = None,
        *,
        wants_log: bool = False,
        trace_id: str = "",
    ) -> None:
        """Start an invocation; ``on_done`` is called when it is over. Without a ``trace_id`` it begins a new trace.

        Raises `ApiError` if it is throttled, or cannot run here.
        """
        running, reserved = self._running, resolved.reserved_concurrency
        counter = None if reserved is None else resolved.name.name
        if running[counter] >= (resolved.unreserved_concurrency if reserved is None else reserved):
            reason = "ConcurrentInvocationLimitExceeded"
            raise self._throttled(resolved, reason if reserved is None else f"ReservedFunction{reason}")
        running[counter] += 1

        def done(result: InvocationResult) -> None:
            running[counter] -= 1
            on_done(result)

        invocation = Invocation(
            request_id=request_id,
            payload=payload,
            arn=resolved.invoked_arn,
            on_done=done,
            client_context=client_context,
            wants_log=wants_log,
            trace_id=trace_id or self.trace_headers.of(resolved),
        )
        try:
            self._engine.invoke(resolved.pick_version(), invocation)
        except ThrottledError as error:
            running[counter] -= 1
            raise self._throttled(resolved, str(error)) from None
        except (ValueError, OSError) as error:
            running[counter] -= 1
            # A runtime that this machine lacks: AWS has the same error for one that it does not support.
            raise service_error(502, "InvalidRuntimeException", str(error)) from error

    async def result(self, resolved: Resolved, payload: bytes, request_id: str, trace_id: str = "") -> InvocationResult:
        """Run an invocation and wait for its result; errors as of `invoke`."""
        future: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()

        def done(result: InvocationResult) -> None:
            if not future.done():  # the endpoint may have ended meanwhile
                future.set_result(result)

        self.invoke(resolved, payload, request_id, done, trace_id=trace_id)
        return await future

    def _throttled(self, resolved: Resolved, reason: str) -> ApiError:
        self._engine.throttled(resolved.version, resolved.invoked_arn)
        body = {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}  # as recorded
        return ApiError(429, "TooManyRequestsException", body)
