"""The emulator's program: ministack, with its own invocations of functions sent to the local endpoint's front door.

Step Functions, topics and queues of ministack call its own executor, inside its process. Here they call the front door,
so that every function runs in the engine: ministack takes the front door's address for its own. It answers only
requests whose path begins with the secret in `VARIABLE`, which functions do not have.
`lab.endpoint.lambda_api` and `read_units` correct what a user can see of ministack that differs from AWS.

Run as a program with the number of a listening socket. It ends when its standard input closes, however the lab ended.
"""

import asyncio
import io
import json
import os
import resource
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
VARIABLE = "LAB_EMULATOR_SECRET"
REFUSAL = b'{"message":"this address is for the local endpoint only: use AWS_ENDPOINT_URL"}'
CONTROL_VARIABLE = "LAB_CONTROL_SECRET"
LONGEST_S = 910  # a function's 900 s, and the way there and back


def invoke(func: dict[str, Any], event: Any, url: str, request_id: str) -> dict[str, Any]:  # noqa: ARG001
    """Invoke a function as ministack's executors do: ``body`` is the answer, ``error`` whether it is a failure's."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(event).encode(), headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=LONGEST_S) as answer:  # noqa: S310
            failed = answer.headers.get("X-Amz-Function-Error") is not None
            return {"body": json.loads(answer.read() or b"null"), "error": failed}
    except urllib.error.HTTPError as refused:
        kind = (refused.headers.get("x-amzn-ErrorType") or "Unknown").partition(":")[0]
        return {"body": {"errorType": f"Lambda.{kind}", "errorMessage": refused.read().decode()}, "error": True}
    except OSError as error:
        return {"body": {"errorType": "Lambda.SdkClientException", "errorMessage": str(error)}, "error": True}


def front_door_url(config: dict[str, Any]) -> str:
    """Where a function is invoked."""
    function = urllib.parse.quote(config["FunctionArn"], safe="")
    return f"{_front_door()}/2015-03-31/functions/{function}/invocations"


def _front_door() -> str:
    return f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}"


def guarded(app: Any, secret: str) -> Any:
    """The ASGI application behind a first part of the path that is secret. It sees neither that part nor others."""
    prefix = f"/{secret}"

    async def guarded_app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif scope["type"] == "http" and f"{scope['path']}/".startswith(f"{prefix}/"):
            path = scope["path"].removeprefix(prefix) or "/"
            raw_path = scope["raw_path"].removeprefix(prefix.encode()) or b"/"
            await app({**scope, "path": path, "raw_path": raw_path}, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(REFUSAL))]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})
        else:
            await send({"type": "websocket.close", "code": 1008})

    return guarded_app


def inline_package(source: str | None, handler: str, runtime: str = "python3.12") -> bytes | None:
    """The package of a template's inline code, which every user can read: ministack's own only its owner can."""
    if not source:
        return None
    entry = zipfile.ZipInfo(handler.partition(".")[0] + (".js" if runtime.startswith("nodejs") else ".py"))
    entry.external_attr = 0o644 << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(entry, source)
    return content.getvalue()


def snapshots(secret: str) -> Callable[[str], str | None]:
    """A function that has the local endpoint take a snapshot; ``secret`` is that of its control addresses."""
    from lab.endpoint.control_secret import HEADER  # noqa: PLC0415
    from lab.endpoint.lab_api import SNAPSHOTS_PATH  # noqa: PLC0415

    def take_snapshot(arn: str) -> str | None:
        body, headers = json.dumps({"arn": arn}).encode(), {HEADER: secret}
        request = urllib.request.Request(_front_door() + SNAPSHOTS_PATH, body, headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_S) as answer:  # noqa: S310
                failure: str | None = json.loads(answer.read())["failure"]
        except OSError:  # the endpoint cannot run such a version at all: its invocations say why
            return None
        return failure

    return take_snapshot


def _end_with_stdin() -> None:
    os.read(0, 1)
    os._exit(0)


def main(listener: str) -> None:
    """Run ministack until standard input closes."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    sys.path.append(str(ROOT))
    from lab.endpoint.emulator.no_programs import refuse_programs  # noqa: PLC0415

    refuse_programs()
    from hypercorn.asyncio import serve  # noqa: PLC0415 -- after the thread: it takes a second
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415
    from ministack.services import dynamodb, lambda_svc  # noqa: PLC0415
    from ministack.services.cloudformation import provisioners, stacks  # noqa: PLC0415
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # noqa: PLC0415

    lambda_svc._proxy_url_for = front_door_url
    lambda_svc._execute_function_proxy = invoke
    provisioners._zip_inline = inline_package
    from lab.endpoint.emulator import read_units  # noqa: PLC0415
    from lab.endpoint.lambda_api import install, snap_start  # noqa: PLC0415

    install.install(lambda_svc, _RESOURCE_HANDLERS)
    snap_start.install(lambda_svc, stacks, _RESOURCE_HANDLERS, snapshots(os.environ.pop(CONTROL_VARIABLE)))
    read_units.install(dynamodb)
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75  # longer than the wire keeps a connection
    config.loglevel = "WARNING"
    asyncio.run(serve(guarded(app, os.environ.pop(VARIABLE)), config))


if __name__ == "__main__":
    main(sys.argv[1])
