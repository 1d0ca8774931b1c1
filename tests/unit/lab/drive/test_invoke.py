"""Requests to the Invoke API and to function URLs: how they are signed."""

import json

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from facts.names import Names
from lab.drive.invoke import by_function_url, by_invoke_api


def test_a_request_is_signed_as_lambda_asks() -> None:
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "token")
    sign = by_invoke_api(
        endpoint_url="https://lambda.eu-central-1.amazonaws.com",
        names=Names(),
        region="eu-central-1",
        credentials=credentials,
    )
    request = sign("ttl_cache", "item-0007")

    assert str(request.url) == (
        "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/cache-lab-ttl_cache/invocations?Qualifier=live"
    )
    assert json.loads(request.body) == {"key": "item-0007"}
    assert request.headers["X-Amz-Log-Type"] == "Tail"
    assert request.headers["X-Amz-Invocation-Type"] == "RequestResponse"
    assert request.headers["X-Amz-Security-Token"] == "token"
    scope = "/eu-central-1/lambda/aws4_request"
    day = request.headers["X-Amz-Date"][:8]
    assert f"Credential=AKIDEXAMPLE/{day}{scope}" in request.headers["Authorization"]
    assert request.headers["Authorization"] == signed_again(
        request.headers, request.body, str(request.url), credentials
    )


def signed_again(given: dict[str, str], body: bytes, url: str, credentials: Credentials) -> str:
    """The signature that a receiver computes from what it received."""
    names = given["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    received = {name: value for name, value in given.items() if name.lower() in names}
    request = AWSRequest(method="POST", url=url, data=body, headers=received)
    request.context["timestamp"] = given["X-Amz-Date"]
    auth = SigV4Auth(credentials, "lambda", "eu-central-1")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return f"{given['Authorization'].partition('Signature=')[0]}Signature={auth.signature(text, request)}"


def test_a_request_is_signed_for_the_url_and_its_query() -> None:
    urls = {"a": "https://x.lambda-url.eu-central-1.on.aws/", "b": "http://127.0.0.1:1/_aws/lambda-url/y/"}
    sign = by_function_url(urls=urls, region="eu-central-1", credentials=Credentials("AKIA", "secret", "token"))

    one, other = sign("a", "item-0001"), sign("b", "a b&c")

    assert str(one.url) == "https://x.lambda-url.eu-central-1.on.aws/?key=item-0001"
    assert str(other.url) == "http://127.0.0.1:1/_aws/lambda-url/y/?key=a%20b%26c"
    assert "/eu-central-1/lambda/aws4_request" in one.headers["Authorization"]
    assert one.headers["X-Amz-Security-Token"] == "token"
    assert one.headers["Authorization"] != sign("a", "item-0002").headers["Authorization"]
