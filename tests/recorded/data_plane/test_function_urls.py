"""Function URLs, as recordings of AWS show them."""

import base64
import json
import re
from typing import Any

import pytest

from tests.engine.endpoint import Endpoint
from tests.engine.raw_http import Answer, request
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.logs import messages
from tests.recorded.data_plane.sources import LAMBDA

ECHO = "def handler(event, context): return event\n"
GIVES = "import json\ndef handler(event, context): return json.loads(event['body'])\n"
FAILS = "def handler(event, context): raise Exception('some error')\n"
SAYS_HI = "def handler(event, context): return 'hi'\n"
URL = f"{LAMBDA}, TestLambdaURL"
FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}
BODY = b'\r\n--4efd\r\nContent-Disposition: form-data; name="formfield"\r\n\r\nnot a file\r\n--4efd--\r\n'


def path_of(endpoint: Endpoint, url: str) -> str:
    return url.removeprefix(endpoint.url).rstrip("/")


def called(endpoint: Endpoint, path: str, body: bytes = b"", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return request(endpoint.url, "POST", path, body, sent)


@pytest.fixture(scope="module")
def gives(endpoint: Endpoint) -> str:
    """The path of a URL that answers with the body of the request."""
    return path_of(endpoint, endpoint.function_url(endpoint.new_function(GIVES)))


@pytest.fixture(scope="module")
def echo(endpoint: Endpoint) -> str:
    """The path of a URL that answers with its event."""
    return path_of(endpoint, endpoint.function_url(endpoint.new_function(ECHO)))


@pytest.fixture(scope="module")
def event(endpoint: Endpoint, echo: str) -> Any:
    """The event of a request with a query, headers and a JSON body."""
    path = f"{echo}/pa2%Fth/1?q=query&multiQuery=foo&multiQuery=%2Fbar"
    headers = {"ExTrA-HeadErs": "With WeiRd CapS", "user_agent": "test/echo", "content_type": "application/json"}
    return called(endpoint, path, b'{"foo": "bar"}', **headers).json


def result(of: str, given: Any, text: str) -> Any:
    says = f"a result that is {of} is the body: JSON without spaces, a string without quotes, type application/json"
    return pytest.param(given, text, marks=behaviour(says, source=f"{URL}.test_lambda_url_invocation"), id=of)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        result("an object", {"hello": "world"}, '{"hello":"world"}'),
        result("a list", ["hello", 3, True], '["hello",3,true]'),
        result("a string", "hello", "hello"),
        result("an integer", 3, "3"),
        result("a float", 3.1, "3.1"),
        result("a boolean", True, "true"),
    ],
)
def test_a_result_without_a_status_is_the_body(endpoint: Endpoint, gives: str, given: Any, text: str) -> None:
    answer = called(endpoint, gives, json.dumps(given).encode(), content_type="application/json")
    assert (answer.status, answer.body.decode()) == (200, text)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(text))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            "body123",
            id="text",
            marks=behaviour(
                "a result with statusCode and body is the answer, with type application/json where it names none",
                source=f"{URL}.test_lambda_url_invocation[http-response]",
            ),
        ),
        pytest.param(
            '{"hello": "world"}',
            id="json",
            marks=behaviour(
                "a body that is JSON as text is sent as it is",
                source=f"{URL}.test_lambda_url_invocation[http-response-json]",
            ),
        ),
    ],
)
def test_a_result_with_a_status_is_the_answer(endpoint: Endpoint, gives: str, body: str) -> None:
    given = {"statusCode": 200, "body": body}
    answer = called(endpoint, gives, json.dumps(given).encode(), content_type="application/json")
    assert (answer.status, answer.body.decode()) == (200, body)
    assert answer.headers["content-type"] == "application/json"


@behaviour(
    "a function sets the status and headers of the answer",
    source=f"{URL}.test_lambda_url_headers_and_status",
)
def test_a_function_sets_status_and_headers(endpoint: Endpoint, gives: str) -> None:
    headers = {"Content-Type": "application/json", "My-Custom-Header": "Custom Value"}
    given = {"statusCode": 201, "headers": headers, "body": '{"message": "hello-world"}', "isBase64Encoded": False}
    answer = called(endpoint, gives, json.dumps(given).encode(), content_type="application/json")
    assert (answer.status, answer.json) == (201, {"message": "hello-world"})
    assert answer.headers["my-custom-header"] == "Custom Value"


@behaviour("a status may be a string", source=f"{URL}.test_lambda_url_headers_and_status")
def test_a_status_may_be_a_string(endpoint: Endpoint, gives: str) -> None:
    given = {"statusCode": "418", "body": "i'm a teapot", "isBase64Encoded": False}
    answer = called(endpoint, gives, json.dumps(given).encode(), content_type="application/json")
    assert (answer.status, answer.body) == (418, b"i'm a teapot")


@behaviour(
    "a function error is 502 with the text Internal Server Error",
    source=f"{URL}.test_lambda_url_invocation_exception",
)
def test_a_function_error_is_a_bad_gateway(endpoint: Endpoint) -> None:
    url = endpoint.function_url(endpoint.new_function(FAILS))
    answer = called(endpoint, path_of(endpoint, url), b"{}")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


@behaviour(
    "an unknown URL is 403 with a null Message and the error type AccessDeniedException",
    source=f"{URL}.test_lambda_url_non_existing_url",
)
def test_an_unknown_url_is_refused(endpoint: Endpoint) -> None:
    answer = called(endpoint, "/_aws/lambda-url/0123456789abcdefghijklmnopqrstuv/")
    assert (answer.status, answer.body) == (403, b'{"Message":null}')
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert answer.headers["content-type"] == "application/json"


@behaviour(
    "a URL without auth that no permission opens to everyone is 403",
    source=f"{LAMBDA}, TestLambdaPermissions.test_lambda_permission_url_invocation",
)
def test_a_public_url_needs_a_permission(endpoint: Endpoint) -> None:
    name = endpoint.new_function(ECHO)
    url = endpoint.aws_lambda.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    answer = called(endpoint, path_of(endpoint, url), b"text", content_type="text/plain")
    assert (answer.status, answer.json) == (403, FORBIDDEN)


@pytest.fixture(scope="module")
def aliased(endpoint: Endpoint) -> tuple[Answer, Answer]:
    """The answers of an alias's URL before and after the alias was deleted."""
    name = endpoint.new_function(ECHO)
    endpoint.publish(name, SAYS_HI)
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    path = path_of(endpoint, endpoint.function_url(name, Qualifier="live"))
    before = called(endpoint, path)
    endpoint.aws_lambda.delete_alias(FunctionName=name, Name="live")
    return before, called(endpoint, path)


@behaviour("the URL of an alias runs its version", source=f"{URL}.test_lambda_url_persists_after_alias_delete")
def test_the_url_of_an_alias_runs_its_version(aliased: tuple[Answer, Answer]) -> None:
    assert (aliased[0].status, aliased[0].body) == (200, b"hi")


@behaviour(
    "the URL of a deleted alias is 403, with the error type AccessDeniedException",
    source=f"{URL}.test_lambda_url_persists_after_alias_delete",
)
def test_the_url_of_a_deleted_alias_is_refused(aliased: tuple[Answer, Answer]) -> None:
    assert (aliased[1].status, aliased[1].json) == (403, FORBIDDEN)
    assert aliased[1].headers["x-amzn-errortype"] == "AccessDeniedException"


@behaviour(
    "a text body is in the event as it is, and isBase64Encoded is false",
    source=f"{URL}.test_lambda_url_echo_invoke[BUFFERED]",
)
def test_a_text_body_is_in_the_event_as_it_is(endpoint: Endpoint, echo: str) -> None:
    found = called(
        endpoint, f"{echo}/custom_path/extend?test_param=test_value", b"text", content_type="text/plain"
    ).json
    assert (found["body"], found["isBase64Encoded"]) == ("text", False)


@behaviour("the event of a request without a body has no body", source=f"{URL}.test_lambda_url_echo_invoke[None]")
def test_the_event_of_a_request_without_a_body_has_none(endpoint: Endpoint, echo: str) -> None:
    found = called(endpoint, echo).json
    assert "body" not in found
    assert found["isBase64Encoded"] is False


@behaviour(
    "the body of a form is in base64",
    source=f"{URL}.test_lambda_url_form_payload",
)
def test_the_body_of_a_form_is_in_base64(endpoint: Endpoint, echo: str) -> None:
    found = called(endpoint, f"{echo}/test/value", BODY, content_type="multipart/form-data; boundary=4efd").json
    assert base64.b64decode(found["body"]) == BODY
    assert found["isBase64Encoded"] is True


@behaviour(
    "the event has the path as it was sent, with its escapes",
    source=f"{URL}.test_lambda_url_echo_http_fixture_default",
)
def test_the_path_stays_as_it_was_sent(event: Any) -> None:
    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/pa2%Fth/1"


@behaviour(
    "values of one query parameter are joined by commas",
    source=f"{URL}.test_lambda_url_echo_http_fixture_default",
)
def test_values_of_one_parameter_are_joined(event: Any) -> None:
    assert event["queryStringParameters"] == {"q": "query", "multiQuery": "foo,/bar"}


@behaviour(
    "names of headers are in lower case, their values as sent",
    source=f"{URL}.test_lambda_url_echo_http_fixture_default",
)
def test_names_of_headers_are_in_lower_case(event: Any) -> None:
    assert event["headers"]["extra-headers"] == "With WeiRd CapS"
    assert event["headers"]["content-length"] == "14"
    assert event["headers"]["user-agent"] == "test/echo"


@behaviour(
    "AWS adds headers of TLS, of the trace and of forwarding",
    source=f"{URL}.test_lambda_url_echo_http_fixture_default",
)
def test_aws_adds_headers(event: Any) -> None:
    tls = {"x-amzn-tls-cipher-suite", "x-amzn-tls-version"}
    forwarded = {"x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    assert {*tls, *forwarded, "x-amzn-trace-id"} <= set(event["headers"])


@behaviour(
    "the host is the domain of the URL, as in the request's context",
    source=f"{URL}.test_lambda_url_echo_http_fixture_default",
)
def test_the_host_is_the_domain_of_the_url(event: Any) -> None:
    domain = event["requestContext"]["domainName"]
    assert event["headers"]["host"] == domain
    assert re.fullmatch(r"[a-z0-9]{32}\.lambda-url\.us-east-1\.on\.aws", domain)


@behaviour(
    "the caller's address is the origin of the request and in x-forwarded-for",
    source=f"{URL}.test_lambda_url_echo_http_fixture_default",
)
def test_the_callers_address_is_the_origin(event: Any) -> None:
    assert event["requestContext"]["http"]["sourceIp"] == event["headers"]["x-forwarded-for"] == "127.0.0.1"


@behaviour(
    "the request id in the answer is the one of the function's log",
    source=f"{LAMBDA}, TestRequestIdHandling.test_request_id_invoke_url",
)
def test_the_request_id_is_the_one_of_the_log(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS_HI)
    answer = called(endpoint, path_of(endpoint, endpoint.function_url(name)))
    assert answer.body == b"hi"
    assert f"END RequestId: {answer.headers['x-amzn-requestid']}\n" in messages(endpoint, name)
