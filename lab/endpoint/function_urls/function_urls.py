"""Function URLs: which function a URL is of, who may call it, and its invocation.

AWS's address of a function URL is ``https://<url-id>.lambda-url.<region>.on.aws/``. Here it is answered at
``/_aws/lambda-url/<url-id>/`` of the endpoint, which every client can reach, and at the host
``<url-id>.lambda-url.<region>.localhost``, for clients that resolve such names. `rewritten` puts the former into what
the emulator answers.
"""

import asyncio
import dataclasses
import json
import re
from typing import Any

from facts.names import START_WAIT_HEADER
from lab.endpoint.api_error import ApiError, new_request_id
from lab.endpoint.deployments.function_names import FunctionName, parse_name
from lab.endpoint.deployments.functions import Functions
from lab.endpoint.function_urls.sigv4 import signer_of
from lab.endpoint.function_urls.url_payload import BAD_GATEWAY, url_answer, url_event
from lab.endpoint.http_server import Answer, Request
from lab.endpoint.invoke.invoker import Invoker

HOST = re.compile(rb"([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.localhost(?::\d+)?")
PATH = re.compile(rb"/_aws/lambda-url/([a-z0-9]{32})(/[^?]*)?(?:\?.*)?")
ON_AWS = re.compile(rb"https://([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\.on\.aws/?")
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
MAX_BYTES = 6_291_456
MAX_KEPT = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class _FunctionUrl:
    """The function of a URL: no name if its alias was deleted. ``allows_everyone`` is for ``AuthType`` NONE."""

    name: FunctionName | None
    needs_signature: bool
    allows_everyone: bool = False


class FunctionUrls:
    """Answers requests to function URLs."""

    def __init__(self, invoker: Invoker, functions: Functions) -> None:
        self._invoker = invoker
        self._functions = functions
        self._kept: dict[str, _FunctionUrl | None] = {}
        self._generation = functions.generation

    async def answer(self, url_id: str, path: str, request: Request) -> Answer:
        """Answer a request; ``path`` is the part of its target that is the function's.

        Raises `ApiError` if there is no such URL, the caller may not call it, or the function cannot be invoked.
        """
        url = await self._find(url_id)
        caller = signer_of(request) if url.needs_signature else None
        if url.name is None or not (url.allows_everyone or caller):
            raise ApiError(403, "AccessDeniedException", {"Message": FORBIDDEN})
        if len(request.body) > MAX_BYTES:
            raise ApiError(413, "RequestEntityTooLargeException", {"Message": "Request Entity Too Large"})
        request_id = new_request_id()
        resolved = await self._functions.find(url.name)
        trace = self._invoker.trace_headers.of(resolved, request.headers.get(b"x-amzn-trace-id", b""))
        trace_id = trace.partition(";")[0]
        event = url_event(request, url_id=url_id, path=path, caller=caller, request_id=request_id, trace_id=trace_id)
        result = await self._invoker.result(resolved, event, request_id, trace)
        status, headers, body = BAD_GATEWAY if result.function_error else url_answer(result.payload)
        ids = [(b"x-amzn-RequestId", request_id.encode()), (b"X-Amzn-Trace-Id", trace_id.encode())]
        if result.start_wait_ms:
            ids.append((START_WAIT_HEADER.encode(), b"%.1f" % result.start_wait_ms))
        return status, [*headers, *ids], body

    async def _find(self, url_id: str) -> _FunctionUrl:
        if self._generation != self._functions.generation or len(self._kept) > MAX_KEPT:
            self._generation, self._kept = self._functions.generation, {}
        kept = self._kept
        if url_id not in kept:
            kept[url_id] = await asyncio.to_thread(_look_up, self._functions.client, url_id)
        found = kept[url_id]
        if found is None:
            raise ApiError(403, "AccessDeniedException", {"Message": None})
        return found


def rewritten(content: bytes, host: bytes) -> bytes:
    """The emulator's answer, with function URLs that lead to this endpoint, which the caller knows as ``host``."""
    return ON_AWS.sub(rb"http://%b/_aws/lambda-url/\1/" % host, content)


def _look_up(client: Any, url_id: str) -> _FunctionUrl | None:
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            for config in client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]:
                if config["FunctionUrl"].startswith(f"https://{url_id}."):
                    return _described(client, config)
    return None


def _described(client: Any, config: Any) -> _FunctionUrl:
    name = parse_name(config["FunctionArn"], None)
    if name.qualifier is not None:
        try:
            client.get_alias(FunctionName=name.name, Name=name.qualifier)
        except client.exceptions.ResourceNotFoundException:
            return _FunctionUrl(None, needs_signature=True)
    if config["AuthType"] != "NONE":
        return _FunctionUrl(name, needs_signature=True)
    return _FunctionUrl(name, needs_signature=False, allows_everyone=_allows_everyone(client, name))


def _allows_everyone(client: Any, name: FunctionName) -> bool:
    """Whether the policy lets everyone call the URL and invoke the function.

    AWS requires both of public URLs since October 2025 (AWS Lambda Developer Guide, "Control access to Lambda function
    URLs").
    """
    try:
        policy = json.loads(client.get_policy(**name.parameters)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return False
    allowed = {
        statement["Action"]
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        and statement["Principal"] in ("*", {"AWS": "*"})
        and statement["Resource"] == name.arn
    }
    return "lambda:*" in allowed or allowed >= {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
