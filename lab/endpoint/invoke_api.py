"""Invoke and InvokeAsync, as the Lambda API answers them.

Sources of messages: the API's model (botocore, ``lambda/2015-03-31``), AWS's answers as recorded in LocalStack's
validated snapshots (November 2025), and errors quoted in public issue threads; each is named where it is made.
"""

import base64
import json
import re

from lab.endpoint.api_error import ApiError, fault, internal_error, user_error, validation_error
from lab.endpoint.event_queue import EventQueue
from lab.endpoint.function_names import FunctionName, name_faults, name_in_path, parse_name
from lab.endpoint.functions import Functions, Resolved
from lab.endpoint.http_server import Headers, Request, Respond
from lab.endpoint.invoker import Invoker
from lab.endpoint.json_fault import describe, is_json
from lab.endpoint.request_ids import new_request_id
from lab.endpoint.tasks import Tasks
from lab.engine.invocation import InvocationResult

INVOKE = re.compile(rb"/2015-03-31/functions/([^/?]+)/invocations(?:\?(.*))?")
INVOKE_ASYNC = re.compile(rb"/2014-11-13/functions/([^/?]+)/invoke-async/?(?:\?(.*))?")

SYNC, EVENT, DRY_RUN = b"RequestResponse", b"Event", b"DryRun"
KINDS = frozenset({SYNC, EVENT, DRY_RUN})
LOG_TYPES = frozenset({b"None", b"Tail"})
MAX_SYNC_BYTES = 6_291_456
MAX_EVENT_BYTES = 1_048_576
MAX_INVOKE_ASYNC_BYTES = 262_144
MAX_CLIENT_CONTEXT_BYTES = 3_583

REMAPPED = (b"x-amzn-Remapped-Content-Length", b"0")
ANSWERED = (
    b"Content-Type: application/json\r\nx-amzn-RequestId: %b\r\nx-amzn-Remapped-Content-Length: 0\r\n"
    b"X-Amz-Executed-Version: %b\r\n"
)
FAILED = b"X-Amz-Function-Error: Unhandled\r\n"


class InvokeApi:
    """Answers invocations. What is known of a function already is answered without a task or a thread."""

    def __init__(self, invoker: Invoker, functions: Functions, events: EventQueue, tasks: Tasks) -> None:
        self._invoker = invoker
        self._functions = functions
        self._events = events
        self._tasks = tasks

    def answers(self, request: Request, respond: Respond) -> bool:
        """Answer a POST request if it is an invocation: whether it is one."""
        resolved = self._functions.kept(request.target)
        if resolved is not None:
            self._answer(resolved, request, respond)
            return True
        match = INVOKE.fullmatch(request.target)
        if match is not None:
            self._tasks.go(self._resolve_and_answer(match, request, respond))
            return True
        match = INVOKE_ASYNC.fullmatch(request.target)
        if match is not None:
            self._tasks.go(self._invoke_async(match, request, respond))
            return True
        return False

    async def _resolve_and_answer(self, match: re.Match[bytes], request: Request, respond: Respond) -> None:
        try:
            name = _checked_name(match, request)
            _check_size(request)
            resolved = await self._functions.resolve(name, key=request.target)
        except ApiError as error:
            respond(*error.answer(new_request_id()))
        except Exception as error:
            respond(*internal_error(error).answer(new_request_id()))
        else:
            self._answer(resolved, request, respond)

    def _answer(self, resolved: Resolved, request: Request, respond: Respond) -> None:
        request_id = new_request_id()
        try:
            kind = request.headers.get(b"x-amz-invocation-type", SYNC)
            if kind == SYNC:
                self._run(resolved, request, respond, request_id)
            else:
                self._run_otherwise(kind, resolved, request, respond, request_id)
        except ApiError as error:
            respond(*error.answer(request_id))
        except Exception as error:
            respond(*internal_error(error).answer(request_id))

    def _run(self, resolved: Resolved, request: Request, respond: Respond, request_id: str) -> None:
        headers = request.headers
        log_type = headers.get(b"x-amz-log-type")
        if log_type is not None and log_type not in LOG_TYPES:
            raise validation_error(_header_faults(request))
        body = request.body
        if len(body) > MAX_SYNC_BYTES:
            raise _too_large(len(body), SYNC)
        encoded = headers.get(b"x-amz-client-context")
        client_context = None if encoded is None else _client_context(encoded)
        payload = _payload(body)
        wants_log = log_type == b"Tail"

        def on_done(outcome: InvocationResult) -> None:
            respond(200, _headers(request_id, outcome, wants_log=wants_log), outcome.payload)

        self._invoker.invoke(resolved, payload, request_id, on_done, client_context, wants_log=wants_log)

    def _run_otherwise(
        self, kind: bytes, resolved: Resolved, request: Request, respond: Respond, request_id: str
    ) -> None:
        faults = _header_faults(request)
        if faults:
            raise validation_error(faults)
        _check_size(request)
        payload = _payload(request.body)
        if kind == EVENT:
            respond(202, _accepted(request_id), b"")
            self._events.submit(resolved, payload, request_id)
        else:
            respond(204, [(b"x-amzn-RequestId", request_id.encode())], b"")

    async def _invoke_async(self, match: re.Match[bytes], request: Request, respond: Respond) -> None:
        request_id = new_request_id()
        try:
            name = _checked_name(match, request)
            if len(request.body) > MAX_INVOKE_ASYNC_BYTES:
                raise _too_large(len(request.body), EVENT, MAX_INVOKE_ASYNC_BYTES)
            resolved = self._functions.kept(name) or await self._functions.resolve(name, key=name)
            payload = _payload(request.body)
        except ApiError as error:
            respond(*error.answer(request_id))
        except Exception as error:
            respond(*internal_error(error).answer(request_id))
        else:
            respond(202, _accepted(request_id), b"")
            self._events.submit(resolved, payload, request_id)


def _checked_name(match: re.Match[bytes], request: Request) -> FunctionName:
    name, qualifier = name_in_path(match[1], match[2])
    faults = name_faults(name, qualifier) + _header_faults(request)
    if faults:
        raise validation_error(faults)
    return parse_name(name, qualifier)


def _header_faults(request: Request) -> list[str]:
    faults = []
    kind = request.headers.get(b"x-amz-invocation-type", SYNC)
    if kind not in KINDS:
        # The order of the values is that of a recorded answer (ex_aws pull request 442).
        constraint = "satisfy enum value set: [DryRun, RequestResponse, Event]"
        faults.append(fault(kind.decode("latin-1"), "invocationType", constraint))
    log_type = request.headers.get(b"x-amz-log-type", b"None")
    if log_type not in LOG_TYPES:
        faults.append(fault(log_type.decode("latin-1"), "logType", "satisfy enum value set: [None, Tail]"))
    return faults


def _check_size(request: Request) -> None:
    kind = request.headers.get(b"x-amz-invocation-type", SYNC)
    if len(request.body) > (MAX_EVENT_BYTES if kind == EVENT else MAX_SYNC_BYTES):
        raise _too_large(len(request.body), kind)


def _too_large(size: int, kind: bytes, limit: int = MAX_EVENT_BYTES) -> ApiError:
    # Both texts, and an error type other than the model's, are as AWS answers (hyp3 issue 2241, streetwarp-web issue
    # 14); the limit of one MB is the model's.
    if kind == EVENT:
        message = f"{size} byte payload is too large for the Event invocation type (limit {limit} bytes)"
    else:
        message = f"Request must be smaller than {MAX_SYNC_BYTES} bytes for the InvokeFunction operation"
    return user_error(413, "RequestEntityTooLargeException", message)


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


def _headers(request_id: str, outcome: InvocationResult, *, wants_log: bool) -> Headers:
    lines = ANSWERED % (request_id.encode(), outcome.executed_version.encode())
    if outcome.function_error:
        lines += FAILED
    if wants_log:
        lines += b"X-Amz-Log-Result: %b\r\n" % base64.b64encode(outcome.log_tail)
    return lines


def _accepted(request_id: str) -> Headers:
    return [(b"x-amzn-RequestId", request_id.encode()), REMAPPED]
