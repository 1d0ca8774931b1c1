"""Function URLs: the event that a request becomes, and the answer that a function's result becomes.

Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs" (payload format 2.0). Where the guide and what AWS
answers differ, this follows the answers recorded in LocalStack's validated snapshots: a result that is a string is sent
without quotes, others without spaces; an anonymous caller's account is ``anonymous``; fields that have no value are
left out.
"""

import base64
import json
import re
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any

from lab.endpoint.emulator.account import ACCOUNT, REGION
from lab.endpoint.http_server import JSON_TYPE, Request

UrlAnswer = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
BAD_GATEWAY: UrlAnswer = (502, [JSON_TYPE], b"Internal Server Error")
_TEXT = re.compile(r"text/|application/(?:[\w.-]+\+)?(?:json|xml|javascript)\b")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# Lambda sends these under another name; sent as they are they would contradict this server's own.
_REMAPPED = re.compile(
    "connection|content-length|date|keep-alive|server|trailer|transfer-encoding|upgrade|www-authenticate", re.IGNORECASE
)


def url_event(request: Request, *, url_id: str, path: str, caller: str | None, request_id: str, trace_id: str) -> bytes:
    """The event for a request to a function URL; ``caller`` is the access key that signed it, if it had to be."""
    query = request.target.partition(b"?")[2].decode("latin-1")
    domain = f"{url_id}.lambda-url.{REGION}.on.aws"
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
    now = time.time()
    context: dict[str, Any] = {
        "accountId": "anonymous" if caller is None else ACCOUNT,
        "apiId": url_id,
        "domainName": domain,
        "domainPrefix": url_id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    if caller is not None:
        root = {"accountId": ACCOUNT, "callerId": ACCOUNT, "userArn": f"arn:aws:iam::{ACCOUNT}:root", "userId": ACCOUNT}
        context["authorizer"] = {
            "iam": {"accessKey": caller, "cognitoIdentity": None, "principalOrgId": None, **root},
        }
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers
        | {
            "host": domain,
            "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
            "x-amzn-tls-version": "TLSv1.3",
            "x-amzn-trace-id": trace_id,
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies := [cookie.strip() for cookie in headers.get("cookie", "").split(";") if cookie.strip()]:
        event["cookies"] = cookies
    if parameters := urllib.parse.parse_qs(query, keep_blank_values=True, max_num_fields=1000):
        event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters.items()}
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers.get("content-type", ""))
    return json.dumps(event).encode()


def url_answer(payload: bytes) -> UrlAnswer:
    """Status, headers and body for a function's result; `BAD_GATEWAY` where it cannot be sent."""
    try:
        return _answer(json.loads(payload))
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):  # the last of an infinite status
        return BAD_GATEWAY


def _answer(result: Any) -> UrlAnswer:
    if not isinstance(result, dict) or "statusCode" not in result:
        return 200, [JSON_TYPE], _text(result)
    status = int(result["statusCode"])
    if not 200 <= status <= 599:  # an interim status would leave the client waiting for the final answer
        raise ValueError(status)
    body = result.get("body")
    body = "" if body is None else body
    content = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else _text(body)
    headers = [_header(name, value) for name, value in (result.get("headers") or {}).items()]
    if not any(name.lower() == b"content-type" for name, _ in headers):
        headers.insert(0, JSON_TYPE)
    headers += [_header("Set-Cookie", cookie) for cookie in result.get("cookies") or []]
    return status, headers, content


def _text(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _header(name: str, value: Any) -> tuple[bytes, bytes]:
    text = value if isinstance(value, str) else json.dumps(value)
    if _HEADER_NAME.fullmatch(name) is None or _HEADER_VALUE.fullmatch(text) is None:
        raise ValueError(name)  # it could end the header, and begin an answer of its own
    sent = f"x-amzn-Remapped-{name}" if _REMAPPED.fullmatch(name) else name
    return sent.encode("ascii"), text.encode("latin-1")


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    if _TEXT.match(content_type.lower()):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True
