"""Invocations by function URLs: the second way in, signed as the first.

An answer has no log and no REPORT line, so what Lambda measured is absent from the records.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from botocore.credentials import Credentials

from lab.drive.invoke import SignedRequest, answered, signed
from lab.records.record import Outcome
from lab.records.report_line import Report

FAILED: Final = 502


class UrlSigner:
    """Makes signed requests to the function URLs of the variants, ahead of the moment of sending."""

    def __init__(self, *, urls: Mapping[str, str], region: str, credentials: Credentials) -> None:
        """Args: urls: by variant; region: that they are in; credentials: to sign with (service `lambda`)."""
        self._urls = urls
        self._region = region
        self._credentials = credentials

    def invocation(self, variant: str, key: str) -> SignedRequest:
        """A request for a key, which the function finds in the query string."""
        url = f"{self._urls[variant].rstrip('/')}/?key={quote(key, safe='')}"
        # Not GET, which aiohttp sends a second time when a kept connection breaks.
        return signed("POST", url, body=b"", headers={}, region=self._region, credentials=self._credentials)


def read_url_answer(http_status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome that an answer of a function URL tells.

    A function error is HTTP 502, and its type is only in the log (AWS Lambda Developer Guide, "Invoking Lambda function
    URLs"). HTTP 429 is `throttled`; any other that is not 200 means that the function was not run: `lost`.
    """
    request_id = headers.get("x-amzn-RequestId")
    if http_status == 200:
        return answered(body, request_id, Report())
    status = {FAILED: "function_error", 429: "throttled"}.get(http_status, "lost")
    error_type = headers.get("x-amzn-ErrorType", f"HTTP {http_status}").partition(":")[0]
    return Outcome(status=status, error_type=error_type, request_id=request_id)  # type: ignore[arg-type]
