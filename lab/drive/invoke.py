"""Invocations by the Lambda Invoke API or by function URLs: signing requests and sending them."""

import json
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self, TypeAlias
from urllib.parse import quote

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from yarl import URL

from facts.names import ALIAS, Names
from lab.drive.answers import parse_invoke_answer
from lab.records.record import Outcome


class SignedRequest(NamedTuple):
    """A request that is ready to send. Its signature is valid for five minutes."""

    url: URL
    headers: dict[str, str]
    body: bytes


SignInvocation: TypeAlias = Callable[[str, str], SignedRequest]
"""Makes the request that invokes a variant (first argument) with a key."""

ParseAnswer: TypeAlias = Callable[[int, Mapping[str, str], bytes], Outcome]
"""Parses an answer: HTTP status, headers (a mapping that ignores case), body."""


def by_invoke_api(*, endpoint_url: str, names: Names, region: str, credentials: Credentials) -> SignInvocation:
    """Sign requests to the Invoke API, through the alias, which return the end of the function's log."""
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Invocation-Type": "RequestResponse",
        "X-Amz-Log-Type": "Tail",
    }
    functions = f"{endpoint_url.rstrip('/')}/2015-03-31/functions"

    def sign(variant: str, key: str) -> SignedRequest:
        url = f"{functions}/{names.function_name(variant)}/invocations?Qualifier={ALIAS}"
        return _signed(url, json.dumps({"key": key}).encode(), headers, region, credentials)

    return sign


def by_function_url(*, urls: Mapping[str, str], region: str, credentials: Credentials) -> SignInvocation:
    """Sign requests to the function URLs (by variant), which give the key in the query string."""

    def sign(variant: str, key: str) -> SignedRequest:
        url = f"{urls[variant].rstrip('/')}/?key={quote(key, safe='')}"
        return _signed(url, b"", {}, region, credentials)

    return sign


def _signed(url: str, body: bytes, headers: dict[str, str], region: str, credentials: Credentials) -> SignedRequest:
    """Sign a request to Lambda (AWS Signature Version 4).

    It is a POST request: aiohttp sends GET a second time when a kept connection breaks.
    """
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    # Frozen each time: a role's credentials change during a long run.
    SigV4Auth(credentials.get_frozen_credentials(), "lambda", region).add_auth(request)
    return SignedRequest(URL(url, encoded=True), dict(request.headers.items()), body)


class Invoker:
    """Sends requests, with no limit on how many are under way, each once.

    An asynchronous context manager: leaving it closes the connections.
    """

    def __init__(self, *, timeout_s: float, parse: ParseAnswer = parse_invoke_answer) -> None:
        """Args: timeout_s: how long to wait for an answer; parse: parses answers."""
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._parse = parse

    async def __aenter__(self) -> Self:
        # limit=0: a request that waited for a free connection would be late because of the driver.
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, auto_decompress=False, skip_auto_headers=("User-Agent",)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, request: SignedRequest) -> Outcome:
        """Return the outcome of a request: `lost` without a connection or an answer in time. Nothing is raised."""
        try:
            async with self._session.post(
                request.url, data=request.body, headers=request.headers, allow_redirects=False
            ) as answer:
                return self._parse(answer.status, answer.headers, await answer.read())
        except TimeoutError:
            return Outcome(status="lost", error_type="ClientTimeout")
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(status="lost", error_type=type(error).__name__)
