"""Invoke and InvokeAsync, as the Lambda API answers them.

Sources of messages: the API's model (botocore, ``lambda/2015-03-31``), AWS's answers as recorded in LocalStack's
validated snapshots (November 2025), and errors quoted in public issue threads, each named beside its message.
"""

import base64
import json
import re

from facts.names import START_WAIT_HEADER
from lab.endpoint.api_error import ApiError, fault, new_request_id, user_error, validation_error
from lab.endpoint.deployments.function_names import FunctionName, name_in_path, parse_name
from lab.endpoint.deployments.functions import Functions, Resolved
from lab.endpoint.http_server import Answer, Request, Respond
from lab.endpoint.invoke.event_queue import EventQueue
from lab.endpoint.invoke.invoker import Invoker
from lab.endpoint.invoke.json_fault import describe, is_json
from lab.endpoint.lambda_api import model
from lab.engine.invocation import InvocationResult

INVOKE = re.compile(rb"/2015-03-31/functions/([^/?]+)/invocations(?:\?(.*))?")
INVOKE_ASYNC = re.compile(rb"/2014-11-13/functions/([^/?]+)/invoke-async/?(?:\?(.*))?")

SYNC, EVENT, DRY_RUN = b"RequestResponse", b"Event", b"DryRun"
KINDS = (DRY_RUN, SYNC, EVENT)  # in the order of a recorded message (ex_aws pull request 442)
NO_LOG, LOG_TAIL = b"None", b"Tail"
LOG_TYPES = (NO_LOG, LOG_TAIL)
MAX_SYNC_BYTES = 6_291_456
MAX_EVENT_BYTES = 1_048_576
MAX_INVOKE_ASYNC_BYTES = 262_144
MAX_CLIENT_CONTEXT_BYTES = 3_583

ANSWERED = (
    b"Content-Type: application/json\r\nx-amzn-RequestId: %b\r\nx-amzn-Remapped-Content-Length: 0\r\n"
    b"X-Amz-Executed-Version: %b\r\nX-Amzn-Trace-Id: %b\r\n"
)
ACCEPTED = b"x-amzn-RequestId: %b\r\nx-amzn-Remapped-Content-Length: 0\r\n"


class InvokeApi:
    """Answers invocations. Every method raises `ApiError` where the Lambda API answers an error."""

    def __init__(self, invoker: Invoker, functions: Functions, events: EventQueue) -> None:
        self._invoker = invoker
        self._functions = functions
        self._events = events
        model.service()  # it takes 20 ms to load: not in the first invocation

    def invoke(self, resolved: Resolved, request: Request, respond: Respond) -> None:
        """Invoke a function that is known: without a task or a thread, because this is the path of warm invocations."""
        headers, body = request.headers, request.body
        kind = headers.get(b"x-amz-invocation-type", SYNC)
        log_type = headers.get(b"x-amz-log-type", NO_LOG)
        if kind not in KINDS or log_type not in LOG_TYPES:
            raise validation_error(_header_faults(request))
        _check_size(body, kind)
        payload = _payload(body)
        request_id = new_request_id()
        if kind == EVENT:
            self._events.submit(resolved, payload, request_id)
            respond(*_accepted(request_id))
        elif kind == DRY_RUN:
            respond(204, [(b"x-amzn-RequestId", request_id.encode())], b"")
        else:
            encoded = headers.get(b"x-amz-client-context")
            client_context = None if encoded is None else _client_context(encoded)
            wants_log = log_type == LOG_TAIL
            trace_id = self._invoker.trace_headers.of(resolved, headers.get(b"x-amzn-trace-id", b""))

            def on_done(result: InvocationResult) -> None:
                lines = ANSWERED % (request_id.encode(), result.executed_version.encode(), trace_id.encode())
                if result.start_wait_ms:
                    lines += b"%b: %.1f\r\n" % (START_WAIT_HEADER.encode(), result.start_wait_ms)
                if result.function_error:
                    lines += b"X-Amz-Function-Error: Unhandled\r\n"
                if wants_log:
                    lines += b"X-Amz-Log-Result: %b\r\n" % base64.b64encode(result.log_tail)
                respond(200, lines, result.payload)

            self._invoker.invoke(
                resolved, payload, request_id, on_done, client_context, wants_log=wants_log, trace_id=trace_id
            )

    async def resolve_and_invoke(self, match: re.Match[bytes], request: Request, respond: Respond) -> None:
        """Invoke a function that is not known yet; ``match`` is of `INVOKE`."""
        name = _checked_name(match, request)
        _check_size(request.body, request.headers.get(b"x-amz-invocation-type", SYNC))
        self.invoke(await self._functions.resolve(name, key=request.target), request, respond)

    async def invoke_async(self, match: re.Match[bytes], request: Request) -> Answer:
        """InvokeAsync, the deprecated form of an event invocation; ``match`` is of `INVOKE_ASYNC`."""
        name = _checked_name(match, request)
        _check_size(request.body, EVENT, MAX_INVOKE_ASYNC_BYTES)
        resolved = await self._functions.find(name)
        request_id = new_request_id()
        self._events.submit(resolved, _payload(request.body), request_id)
        return _accepted(request_id)


def _accepted(request_id: str) -> Answer:
    return 202, ACCEPTED % request_id.encode(), b""


def _checked_name(match: re.Match[bytes], request: Request) -> FunctionName:
    name, qualifier = name_in_path(match[1], match[2])
    faults = model.faults("Invoke", {"FunctionName": name, "Qualifier": qualifier}) + _header_faults(request)
    if faults:
        raise validation_error(faults)
    return parse_name(name, qualifier)


def _header_faults(request: Request) -> list[str]:
    faults = []
    for header, field, values in (
        (b"x-amz-invocation-type", "invocationType", KINDS),
        (b"x-amz-log-type", "logType", LOG_TYPES),
    ):
        value = request.headers.get(header)
        if value is not None and value not in values:
            known = b", ".join(values).decode()
            faults.append(fault(value.decode("latin-1"), field, f"satisfy enum value set: [{known}]"))
    return faults


def _check_size(body: bytes, kind: bytes, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
    if len(body) <= (max_event_bytes if kind == EVENT else MAX_SYNC_BYTES):
        return
    # Both texts, and an error type other than the model's, are as AWS answers (hyp3 issue 2241, streetwarp-web issue
    # 14); the limit of one MB is the model's.
    if kind == EVENT:
        message = f"{len(body)} byte payload is too large for the Event invocation type (limit {max_event_bytes} bytes)"
    else:
        message = f"Request must be smaller than {MAX_SYNC_BYTES} bytes for the InvokeFunction operation"
    raise user_error(413, "RequestEntityTooLargeException", message)


def _payload(body: bytes) -> bytes:
    if not body:
        return b"{}"
    if not is_json(body):
        message = f"Could not parse request body into json: Could not parse payload into json: {describe(body)}"
        raise user_error(400, "InvalidRequestContentException", message)
    return body


def _client_context(encoded: bytes) -> str:
    if len(encoded) > MAX_CLIENT_CONTEXT_BYTES:
        constraint = f"have length less than or equal to {MAX_CLIENT_CONTEXT_BYTES}"
        raise validation_error([fault(encoded.decode("latin-1"), "clientContext", constraint)])
    try:
        text = base64.b64decode(encoded, validate=True).decode()
        if isinstance(json.loads(text), dict):
            return text
    except (ValueError, RecursionError):
        pass
    # The text is as AWS answers (aws-sdk-js issue 1388).
    message = "Client context must be a valid Base64-encoded JSON object."
    raise ApiError(400, "InvalidRequestContentException", {"Type": None, "message": message})
