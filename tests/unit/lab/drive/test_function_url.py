"""Invocations by function URLs: how a request is signed, and what an answer tells."""

import json

import pytest
from botocore.credentials import Credentials
from multidict import CIMultiDict

from lab.drive.function_url import UrlSigner, read_url_answer
from lab.records.record import Outcome

ANSWER = {"version": 3, "cache": "miss", "downstream_calls": 1, "environment": {"id": "e", "invocation": 2}}


def test_a_request_is_signed_for_the_url_and_its_query() -> None:
    urls = {"a": "https://x.lambda-url.eu-central-1.on.aws/", "b": "http://127.0.0.1:1/_aws/lambda-url/y/"}
    signer = UrlSigner(urls=urls, region="eu-central-1", credentials=Credentials("AKIA", "secret", "token"))

    one, other = signer.invocation("a", "item-0001"), signer.invocation("b", "a b&c")

    assert str(one.url) == "https://x.lambda-url.eu-central-1.on.aws/?key=item-0001"
    assert str(other.url) == "http://127.0.0.1:1/_aws/lambda-url/y/?key=a%20b%26c"
    assert "/eu-central-1/lambda/aws4_request" in one.headers["Authorization"]
    assert one.headers["X-Amz-Security-Token"] == "token"
    assert one.headers["Authorization"] != signer.invocation("a", "item-0002").headers["Authorization"]


def test_no_request_is_one_that_is_sent_again() -> None:
    signer = UrlSigner(urls={"a": "http://x/"}, region="eu-central-1", credentials=Credentials("a", "b"))

    assert signer.invocation("a", "k").method == "POST"  # aiohttp sends GET again when a kept connection breaks


def test_an_answer_has_no_report() -> None:
    found = read_url_answer(200, CIMultiDict({"X-Amzn-RequestId": "r"}), json.dumps(ANSWER).encode())

    assert found == Outcome(
        status="ok",
        request_id="r",
        environment_id="e",
        invocation=2,
        version=3,
        cache="miss",
        downstream_calls=1,
    )


@pytest.mark.parametrize(
    ("http_status", "error_type", "status", "told"),
    [
        (502, None, "function_error", "HTTP 502"),
        (429, "TooManyRequestsException", "throttled", "TooManyRequestsException"),
        (403, "AccessDeniedException:http://x/", "lost", "AccessDeniedException"),
        (504, None, "lost", "HTTP 504"),
    ],
)
def test_a_failure(http_status: int, error_type: str | None, status: str, told: str) -> None:
    headers = CIMultiDict({"x-amzn-RequestId": "r"} | ({"x-amzn-ErrorType": error_type} if error_type else {}))

    found = read_url_answer(http_status, headers, b"Internal Server Error")

    assert (found.status, found.error_type, found.request_id) == (status, told, "r")
