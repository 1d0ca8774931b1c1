"""The one way from the API to the engine: concurrency is counted."""

from collections.abc import Callable

from lab.endpoint.api_error import ApiError, service_error
from lab.endpoint.concurrency import Concurrency
from lab.endpoint.functions import Resolved
from lab.engine.engine import Engine
from lab.engine.invocation import Invocation, InvocationResult, ThrottledError


class Invoker:
    """Starts invocations of resolved functions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._concurrency = Concurrency()

    def invoke(
        self,
        resolved: Resolved,
        payload: bytes,
        request_id: str,
        on_done: Callable[[InvocationResult], None],
        client_context: str | None = None,
        *,
        wants_log: bool = False,
    ) -> None:
        """Start an invocation; ``on_done`` is called when it is over.

        Raises:
            ApiError: it is throttled, or cannot run here.
        """
        refusal = self._concurrency.take(resolved)
        if refusal is not None:
            raise self._throttled(resolved, refusal)

        def done(outcome: InvocationResult) -> None:
            self._concurrency.give_back(resolved)
            on_done(outcome)

        invocation = Invocation(
            request_id=request_id,
            payload=payload,
            arn=resolved.invoked_arn,
            on_done=done,
            client_context=client_context,
            wants_log=wants_log,
        )
        try:
            self._engine.invoke(resolved.pick_version(), invocation)
        except ThrottledError as error:
            self._concurrency.give_back(resolved)
            raise self._throttled(resolved, str(error)) from None
        except (ValueError, OSError) as error:
            self._concurrency.give_back(resolved)
            # A runtime that this machine lacks: AWS knows the same error for one that it does not support.
            raise service_error(502, "InvalidRuntimeException", str(error)) from None

    def _throttled(self, resolved: Resolved, reason: str) -> ApiError:
        """The answer to an invocation that is throttled, as AWS was recorded to give it."""
        self._engine.throttled(resolved.version, resolved.invoked_arn)
        body = {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}
        return ApiError(429, "TooManyRequestsException", body)
