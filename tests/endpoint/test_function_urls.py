"""Function URLs: the event, the answer, and who may call.

Guide: AWS Lambda Developer Guide, "Invoking Lambda function URLs" and "Control access to Lambda function URLs".
"Recorded" is an answer of AWS in LocalStack's validated snapshots of November 2025.
"""

import base64
import json
import re
import shutil
import subprocess
import time
import uuid
from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.engine.endpoint import Endpoint
from tests.engine.raw_http import Answer, request

ECHO = "def handler(event, context): return event\n"
GIVES = "import json\ndef handler(event, context): return json.loads(event['body'])\n"
FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


def url_of(endpoint: Endpoint, source: str, auth_type: str = "NONE") -> str:
    """The path of a function's URL at the endpoint, without the last slash."""
    name = endpoint.function(source, Description=auth_type)
    try:
        url = endpoint.aws_lambda.get_function_url_config(FunctionName=name)["FunctionUrl"]
    except endpoint.aws_lambda.exceptions.ResourceNotFoundException:
        if auth_type == "NONE":
            url = endpoint.function_url(name)
        else:
            url = endpoint.aws_lambda.create_function_url_config(FunctionName=name, AuthType=auth_type)["FunctionUrl"]
    return path_of(endpoint, url)


def path_of(endpoint: Endpoint, function_url: str) -> str:
    assert function_url.startswith(endpoint.url)
    return function_url.removeprefix(endpoint.url).rstrip("/")


def given(endpoint: Endpoint, result: Any, method: str = "POST") -> Answer:
    """The answer for a function's result."""
    path = url_of(endpoint, GIVES)
    return request(endpoint.url, method, path + "/", json.dumps(result).encode(), {"Content-Type": "application/json"})


def signed(endpoint: Endpoint, path: str, auth: Any, method: str = "GET") -> Answer:
    """A request that is signed by botocore."""
    unsigned = AWSRequest(method, f"{endpoint.url}{path}", headers={"Host": endpoint.url.removeprefix("http://")})
    auth.add_auth(unsigned)
    prepared = unsigned.prepare()
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in prepared.headers.items()}
    target = prepared.url.removeprefix(endpoint.url)
    return request(endpoint.url, method, target, b"", headers, host=endpoint.url.removeprefix("http://"))


CREDENTIALS = Credentials("AKIAIOSFODNN7EXAMPLE", "secret")


# The event


def test_the_event_has_the_documented_fields(endpoint: Endpoint) -> None:
    """Guide, "Request payload format"; recorded: an anonymous caller's account (test_lambda_url_echo_invoke)."""
    path = url_of(endpoint, ECHO)
    url_id = path.rpartition("/")[2]
    target = f"{path}/my/path?parameter1=value1&parameter1=value2&parameter2=value"
    headers = {"Content-Type": "text/plain", "User-Agent": "agent", "Cookie": "a=1; b=2", "X-Twice": "1"}
    answer = request(endpoint.url, "POST", target, b"Hello from client!", headers)
    event = answer.json
    domain = f"{url_id}.lambda-url.us-east-1.on.aws"
    context = event["requestContext"]
    assert abs(context.pop("timeEpoch") / 1000 - time.time()) < 60
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("time"))
    assert context.pop("requestId") == answer.headers["x-amzn-requestid"]
    assert context == {
        "accountId": "anonymous",
        "apiId": url_id,
        "domainName": domain,
        "domainPrefix": url_id,
        "http": {
            "method": "POST",
            "path": "/my/path",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "agent",
        },
        "routeKey": "$default",
        "stage": "$default",
    }
    assert event["version"] == "2.0"
    assert event["routeKey"] == "$default"
    assert event["rawPath"] == "/my/path"
    assert event["rawQueryString"] == "parameter1=value1&parameter1=value2&parameter2=value"
    assert event["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ("Hello from client!", False)
    assert event["headers"]["host"] == domain
    assert event["headers"]["x-twice"] == "1"
    assert event["headers"]["x-forwarded-proto"] == "https"
    assert event["headers"]["x-amzn-trace-id"] == answer.headers["x-amzn-trace-id"]


def test_a_request_without_body_query_and_cookies_has_none_of_these_fields(endpoint: Endpoint) -> None:
    """Recorded: test_lambda_url_echo_invoke."""
    event = request(endpoint.url, "GET", url_of(endpoint, ECHO) + "/").json
    assert not {"body", "queryStringParameters", "cookies"} & set(event)
    assert event["isBase64Encoded"] is False
    assert (event["rawPath"], event["rawQueryString"]) == ("/", "")


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("application/json; charset=utf-8", '{"é": 1}'.encode(), False),
        ("application/problem+json", b"{}", False),
        ("text/xml", b"<a/>", False),
        ("application/octet-stream", b"plain", True),
        ("multipart/form-data; boundary=b", b"--b--", True),
        ("text/plain", b"\xff\xfe\x00", True),
    ],
)
def test_a_binary_body_is_in_base64(endpoint: Endpoint, content_type: str, body: bytes, is_base64: bool) -> None:
    """Guide: "If the content type of the request is binary, the body is base64-encoded"; recorded: form payload."""
    event = request(endpoint.url, "PUT", url_of(endpoint, ECHO), body, {"Content-Type": content_type}).json
    assert event["isBase64Encoded"] is is_base64
    assert (base64.b64decode(event["body"]) if is_base64 else event["body"].encode()) == body


def test_the_host_names_the_url_too(endpoint: Endpoint) -> None:
    """The endpoint's own: https://<url-id>.lambda-url.<region>.on.aws is http://<url-id>.lambda-url.<region>.localhost."""
    url_id = url_of(endpoint, ECHO).rpartition("/")[2]
    event = request(endpoint.url, "GET", "/a?b=c", host=f"{url_id}.lambda-url.us-east-1.localhost:1").json
    assert (event["rawPath"], event["rawQueryString"]) == ("/a", "b=c")
    assert event["requestContext"]["apiId"] == url_id


# The answer


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"é": [1, 2]}, '{"é":[1,2]}'),
        (None, "null"),
        ({"body": "not an answer"}, '{"body":"not an answer"}'),
    ],
)
def test_null_letters_and_a_body_without_a_status_are_sent_as_json(endpoint: Endpoint, result: Any, body: str) -> None:
    """As the recorded results are (`tests/recorded`)."""
    answer = given(endpoint, result)
    assert (answer.status, answer.body.decode()) == (200, body)
    assert answer.headers["content-type"] == "application/json"


def test_a_result_with_a_status_sets_headers_and_cookies(endpoint: Endpoint) -> None:
    """Guide, "Response payload format" and "Cookies"."""
    path = url_of(endpoint, GIVES)
    result = {
        "statusCode": 201,
        "headers": {"Content-Type": "text/plain", "My-Custom-Header": "Custom Value", "X-Number": 7},
        "body": "Hello, world!",
        "cookies": ["Cookie_1=Value1; Max-Age=1", "Cookie_2=Value2"],
        "isBase64Encoded": False,
    }
    answer = request(endpoint.url, "POST", path, json.dumps(result).encode(), {"Content-Type": "application/json"})
    assert (answer.status, answer.body) == (201, b"Hello, world!")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["my-custom-header"] == "Custom Value"
    assert answer.headers["x-number"] == "7"
    assert answer.headers["set-cookie"] == "Cookie_2=Value2"  # the last of two
    assert uuid.UUID(answer.headers["x-amzn-requestid"])


def test_a_body_in_base64_is_decoded(endpoint: Endpoint) -> None:
    """Guide: isBase64Encoded."""
    body = base64.b64encode(b"\x00\xff").decode()
    assert given(endpoint, {"statusCode": 200, "body": body, "isBase64Encoded": True}).body == b"\x00\xff"


def test_a_status_alone_is_enough(endpoint: Endpoint) -> None:
    answer = given(endpoint, {"statusCode": 404})
    assert (answer.status, answer.body) == (404, b"")


def test_no_content_has_no_length(endpoint: Endpoint) -> None:
    """RFC 9110, 8.6: no Content-Length in a 204."""
    assert "content-length" not in given(endpoint, {"statusCode": 204}).headers


@pytest.mark.parametrize("header", ["WWW-Authenticate", "Connection", "Content-Length", "Transfer-Encoding", "Date"])
def test_headers_of_the_connection_are_remapped(endpoint: Endpoint, header: str) -> None:
    """Seen by many as x-amzn-Remapped-www-authenticate; AWS's list for API Gateway has the others."""
    answer = given(endpoint, {"statusCode": 200, "headers": {header: "5"}, "body": "hello"})
    assert answer.headers[f"x-amzn-remapped-{header.lower()}"] == "5"
    assert answer.body == b"hello"


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "many"},
        {"statusCode": 99},
        {"statusCode": 101},
        {"statusCode": 1000},
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b"}},
        {"statusCode": 200, "headers": {"X\r\nY": "a"}},
        {"statusCode": 200, "headers": ["X"]},
        {"statusCode": 200, "headers": {"X": "☃"}},
        {"statusCode": 200, "cookies": ["a=b\nX: y"]},
        {"statusCode": 200, "cookies": 5},
        {"statusCode": 200, "body": "!", "isBase64Encoded": True},
        {"statusCode": None},
        {"statusCode": float("inf"), "body": "x"},
        {"statusCode": float("nan"), "body": "x"},
        {"statusCode": "9" * 9_999, "body": "x"},
        {"statusCode": [200], "body": "x"},
        {"statusCode": "\u0663", "body": "x"},
    ],
)
def test_a_result_that_is_no_answer_is_a_bad_gateway(endpoint: Endpoint, result: Any) -> None:
    """Guide, "Monitoring Lambda function URLs": 502 for an invalid response; recorded body."""
    answer = given(endpoint, result)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_throttled_function_is_a_429(endpoint: Endpoint) -> None:
    """Guide, "Throttling of function URLs": reserved concurrency zero turns a URL off with a 429."""
    name = endpoint.new_function(ECHO)
    url = endpoint.function_url(name)
    endpoint.aws_lambda.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert request(endpoint.url, "GET", path_of(endpoint, url)).status == 429


def test_a_head_request_gets_no_body(endpoint: Endpoint) -> None:
    """Guide: HEAD is among the methods."""
    assert request(endpoint.url, "HEAD", url_of(endpoint, ECHO)).status == 200


# Which function


def test_an_aliass_url_runs_its_version(endpoint: Endpoint) -> None:
    """Model: CreateFunctionUrlConfig, Qualifier: "The alias name"."""
    name = endpoint.new_function("def handler(event, context): return context.invoked_function_arn\n")
    endpoint.aws_lambda.publish_version(FunctionName=name)
    endpoint.aws_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    urls = [endpoint.function_url(name), endpoint.function_url(name, Qualifier="live")]
    arns = [request(endpoint.url, "GET", path_of(endpoint, url)).body for url in urls]
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert arns == [arn.encode(), f"{arn}:live".encode()]


def test_a_deleted_url_is_unknown_at_once(endpoint: Endpoint) -> None:
    name = endpoint.new_function(ECHO)
    url = endpoint.function_url(name)
    path = path_of(endpoint, url)
    assert request(endpoint.url, "GET", path).status == 200
    endpoint.aws_lambda.delete_function_url_config(FunctionName=name)
    assert request(endpoint.url, "GET", path).status == 403


@pytest.mark.parametrize("alias", [None, "live"])
def test_a_stacks_output_leads_to_the_endpoint(endpoint: Endpoint, alias: str | None) -> None:
    """FunctionUrl is an attribute of AWS::Lambda::Url: what is answered of it must be reachable."""
    properties = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/role",
        "Code": {"ZipFile": "def handler(event, context): return context.invoked_function_arn.rpartition(':')[2]\n"},
    }
    function = {"Ref": "Alias"} if alias else {"Fn::GetAtt": ["Function", "Arn"]}

    def everyone_may(action: str) -> dict[str, Any]:
        return {"Action": f"lambda:{action}", "FunctionName": function, "Principal": "*"}

    template = {
        "Resources": {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": properties},
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {"FunctionName": {"Ref": "Function"}, "FunctionVersion": "$LATEST", "Name": "live"},
            },
            "Url": {
                "Type": "AWS::Lambda::Url",
                "DependsOn": "Alias",
                "Properties": {
                    "AuthType": "NONE",
                    "TargetFunctionArn": {"Ref": "Function"},
                    **({"Qualifier": alias} if alias else {}),
                },
            },
            "CallIt": {"Type": "AWS::Lambda::Permission", "Properties": everyone_may("InvokeFunctionUrl")},
            "InvokeIt": {"Type": "AWS::Lambda::Permission", "Properties": everyone_may("InvokeFunction")},
        },
        "Outputs": {"Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}},
    }
    name = f"with-url-{alias}"
    cloudformation = endpoint.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.2})
    outputs = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    path = path_of(endpoint, outputs[0]["OutputValue"])
    invoked = request(endpoint.url, "GET", path).body.decode()
    assert invoked.startswith(alias or name)


# Who may call


@pytest.mark.parametrize("action", ["InvokeFunctionUrl", "InvokeFunction"])
def test_a_public_url_needs_both_permissions(endpoint: Endpoint, action: str) -> None:
    """Developer Guide, "Control access to Lambda function URLs": since October 2025."""
    name = endpoint.new_function("def handler(event, context): return 'open'")
    url = endpoint.aws_lambda.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"]
    endpoint.aws_lambda.add_permission(FunctionName=name, StatementId="one", Action=f"lambda:{action}", Principal="*")
    assert request(endpoint.url, "GET", path_of(endpoint, url)).status == 403


def test_an_unsigned_request_to_a_url_with_iam_auth_is_forbidden(endpoint: Endpoint) -> None:
    """Guide: Lambda processes signed requests only; the body is as AWS answers (recorded, and in public threads)."""
    answer = request(endpoint.url, "GET", url_of(endpoint, ECHO, "AWS_IAM"))
    assert (answer.status, answer.json) == (403, {"Message": FORBIDDEN})
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"


def test_a_signed_request_is_accepted_and_the_function_knows_its_caller(endpoint: Endpoint) -> None:
    """Guide: requestContext.authorizer.iam."""
    answer = signed(endpoint, url_of(endpoint, ECHO, "AWS_IAM"), SigV4Auth(CREDENTIALS, "lambda", "us-east-1"))
    context = answer.json["requestContext"]
    assert context["accountId"] == "000000000000"
    assert context["authorizer"]["iam"] == {
        "accessKey": "AKIAIOSFODNN7EXAMPLE",
        "accountId": "000000000000",
        "callerId": "000000000000",
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": "arn:aws:iam::000000000000:root",
        "userId": "000000000000",
    }


def test_a_presigned_request_is_let_in(endpoint: Endpoint) -> None:
    """IAM User Guide: a signature may stand in the query string."""
    path = url_of(endpoint, ECHO, "AWS_IAM")
    assert signed(endpoint, path, SigV4QueryAuth(CREDENTIALS, "lambda", "us-east-1", expires=60)).status == 200


@pytest.mark.parametrize(
    ("service", "region", "message"),
    [
        ("s3", "us-east-1", "Credential should be scoped to correct service: 'lambda'. "),
        ("lambda", "eu-west-1", "Credential should be scoped to a valid region. "),
    ],
)
def test_a_signature_of_another_scope_is_refused(endpoint: Endpoint, service: str, region: str, message: str) -> None:
    """The texts are AWS's, in many public threads."""
    answer = signed(endpoint, url_of(endpoint, ECHO, "AWS_IAM"), SigV4Auth(CREDENTIALS, service, region))
    assert (answer.status, answer.json) == (403, {"message": message})
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("stamp", "message"),
    [
        ("20200101T000000Z", r"Signature expired: 20200101T000000Z is now earlier than \d{8}T\d{6}Z \(.* - 5 min\.\)"),
        (
            "20990101T000000Z",
            r"Signature not yet current: 20990101T000000Z is still later than \d{8}T\d{6}Z \(.* \+ 5 min\.\)",
        ),
    ],
)
def test_an_old_or_future_signature_is_refused(endpoint: Endpoint, stamp: str, message: str) -> None:
    """IAM User Guide: five minutes; the texts are AWS's, in many public threads."""
    scope = f"Credential=AKID/{stamp[:8]}/us-east-1/lambda/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
        "X-Amz-Date": stamp,
    }
    answer = request(endpoint.url, "GET", url_of(endpoint, ECHO, "AWS_IAM"), b"", headers)
    assert answer.status == 403
    assert re.fullmatch(message, answer.json["message"])


@pytest.mark.parametrize(
    ("header", "error_type"),
    [
        ("AWS4-HMAC-SHA256 Credential=a/b", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c", "InvalidSignatureException"),
        (
            "AWS4-HMAC-SHA256 Credential=a/{day}/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=c",
            "InvalidSignatureException",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/{day}/us-east-1/lambda/aws4_request, SignedHeaders=range, Signature=c",
            "InvalidSignatureException",
        ),
        ("Bearer token", "AccessDeniedException"),
    ],
)
def test_what_is_no_signature_is_refused(endpoint: Endpoint, header: str, error_type: str) -> None:
    """IAM User Guide, "Elements of an AWS API request signature"."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"Authorization": header.format(day=now[:8]), "X-Amz-Date": now}
    answer = request(endpoint.url, "GET", url_of(endpoint, ECHO, "AWS_IAM"), b"", headers)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, error_type)


# By curl


@pytest.fixture
def curl() -> str:
    found = shutil.which("curl")
    if found is None:
        pytest.skip("no curl on this machine")
    return found


def curled(*arguments: str) -> str:
    return subprocess.run([*arguments], capture_output=True, check=True, text=True, timeout=60).stdout


def test_a_public_url_can_be_called_with_curl(endpoint: Endpoint, curl: str) -> None:
    url = endpoint.url + url_of(endpoint, ECHO)
    event = json.loads(curled(curl, "-sS", "--json", '{"a": 1}', f"{url}/path?q=1"))
    assert (event["body"], event["rawPath"], event["rawQueryString"]) == ('{"a": 1}', "/path", "q=1")


def test_a_url_with_iam_auth_can_be_called_with_the_sigv4_of_curl(endpoint: Endpoint, curl: str) -> None:
    """The line of docs/how-to/call-a-function-url.md."""
    url = endpoint.url + url_of(endpoint, ECHO, "AWS_IAM")
    sign = ("--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", "AKIAIOSFODNN7EXAMPLE:secret")
    event = json.loads(curled(curl, "-sS", *sign, "-H", "x-amz-security-token: token", f"{url}/"))
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "AKIAIOSFODNN7EXAMPLE"
    assert json.loads(curled(curl, "-sS", f"{url}/")) == {"Message": FORBIDDEN}
