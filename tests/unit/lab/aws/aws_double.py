"""AWS's control plane on loopback, as far as a run asks it before it begins: right answers, or those a test sets.

Shapes: STS answers the Query protocol (XML), Lambda REST-JSON with the error's type in a header, as botocore's models
and AWS's "Common Errors" pages have them.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::111122223333:user/lab</Arn><UserId>AIDA</UserId><Account>111122223333</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
CONFIGURATION = {
    "Runtime": "python3.14",
    "MemorySize": 512,
    "Timeout": 10,
    "Architectures": ["arm64"],
    "Environment": {"Variables": {"CACHE_LAB_SOURCE": "dynamodb", "CACHE_LAB_TTL_S": "10"}},
}


class Answer(NamedTuple):
    status: int
    body: str
    error_type: str | None = None


def xml_error(status: int, code: str, message: str) -> Answer:
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    )
    return Answer(status, body)


def json_error(status: int, code: str, message: str, **more: str) -> Answer:
    return Answer(status, json.dumps({"message": message, **more}), code)


FUNCTION = r"functions/[^/]+"
NO_URL = json_error(404, "ResourceNotFoundException", "The resource you requested does not exist.")
NONE_PROVISIONED = json_error(
    404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function"
)
LIMITS = {"AccountLimit": {"ConcurrentExecutions": 10}}

ROUTES = (
    ("identity", r"POST /", Answer(200, IDENTITY)),
    ("configuration", rf"GET /2015-03-31/{FUNCTION}/configuration.*", Answer(200, json.dumps(CONFIGURATION))),
    ("concurrency", rf"GET /2019-09-30/{FUNCTION}/concurrency", Answer(200, "{}")),
    ("provisioned", rf"GET /2019-09-30/{FUNCTION}/provisioned-concurrency.*", NONE_PROVISIONED),
    ("url", rf"GET /2021-10-31/{FUNCTION}/url.*", NO_URL),
    ("invoke", rf"POST /2015-03-31/{FUNCTION}/invocations.*", Answer(204, "")),
    ("settings", r"GET /2016-08-19/account-settings/?", Answer(200, json.dumps(LIMITS))),
)


class AwsDouble:
    """Answers by route; ``answers`` has those that a test sets. ``asked`` lists the requests in order."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []

    @contextmanager
    def serving(self) -> Iterator[str]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                name, answer = double.answer(f"{self.command} {self.path}")
                double.asked.append(name)
                double.headers.append(dict(self.headers.items()))
                self.send_response_only(answer.status)
                self.send_header("Date", formatdate(usegmt=True))
                self.send_header("x-amzn-RequestId", "0")
                if answer.error_type:
                    self.send_header("x-amzn-ErrorType", answer.error_type)
                content = answer.body.encode()
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, request: str) -> tuple[str, Answer]:
        for name, route, answer in ROUTES:
            if re.fullmatch(route, request):
                return name, self.answers.get(name, answer)
        return request, json_error(501, "NotImplemented", request)
