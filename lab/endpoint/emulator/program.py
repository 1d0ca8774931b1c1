"""The emulator's program: ministack, with its own invocations of functions sent to the local endpoint's front door.

Step Functions, topics and queues of ministack call its own executor, inside its process. Here they call the front door,
so that every function runs in the engine: ministack takes the front door's address for its own. It answers only
requests whose path begins with the secret in `VARIABLE`, which functions do not have.
`fix_lambda_api`, `lab.endpoint.lambda_api`, `fix_snap_start` and `fix_read_units` correct what a user can see of
ministack that differs from AWS. `refuse_provisioned_concurrency` refuses what the engine does not have.

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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
VARIABLE = "LAB_EMULATOR_SECRET"
NO_PROVISIONED_CONCURRENCY = "the local endpoint has no provisioned concurrency; remove the setting, or deploy to AWS"
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


def fix_lambda_api(lambda_svc: Any) -> None:
    """Delete function URLs with their function.

    AWS Lambda Developer Guide, "Creating and managing Lambda function URLs": Lambda deletes the URL of a deleted
    function (some time later; here at once).
    """
    delete = lambda_svc._delete_function

    def delete_function(name: str, *rest: Any) -> Any:
        answer = delete(name, *rest)
        if name not in lambda_svc._functions:
            urls = lambda_svc._function_urls  # by name, or name:alias
            for key in [key for key in urls if key.partition(":")[0] == name]:
                del urls[key]
        return answer

    lambda_svc._delete_function = delete_function


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


def refuse_provisioned_concurrency(lambda_svc: Any) -> None:
    """Refuse provisioned concurrency, which the engine does not have, to the Lambda API and to CloudFormation."""

    def refused(*_: Any) -> Any:
        return lambda_svc.error_response_json("InvalidParameterValueException", NO_PROVISIONED_CONCURRENCY, 400)

    lambda_svc._put_provisioned_concurrency = refused


def fix_read_units(dynamodb: Any) -> None:
    """State the consumed capacity of GetItem by the item's size, and of BatchGetItem at all.

    DynamoDB Developer Guide, "DynamoDB read and write operations": a read costs one unit for every started 4 KB of the
    item, half of that if it is not strongly consistent; an item that does not exist costs as much as a small one; a
    batch costs as its items do one by one.
    """
    add, batch = dynamodb._add_consumed_capacity, dynamodb._batch_get_item

    def units(table_name: str, key: dict[str, Any], *, consistent: bool) -> float:
        item = dynamodb._get_item_by_key(dynamodb._tables[dynamodb._normalize_table_name(table_name)], key)
        blocks: int = max(1, -(-dynamodb._item_size_bytes(item or {}) // 4096))
        return blocks * (1.0 if consistent else 0.5)

    def add_consumed_capacity(
        result: dict[str, Any],
        asked: dict[str, Any],
        table_name: str,
        write: bool = False,
        **rest: Any,
    ) -> None:
        add(result, asked, table_name, write=write, **rest)
        capacity = result.get("ConsumedCapacity")
        if capacity is not None and not write and "Key" in asked:
            consumed = units(table_name, asked["Key"], consistent=asked.get("ConsistentRead", False))
            for place in (capacity, capacity.get("Table", {})):
                place["CapacityUnits"] = consumed

    def batch_get_item(asked: dict[str, Any]) -> Any:
        status, headers, body = batch(asked)
        level = asked.get("ReturnConsumedCapacity", "NONE")
        if status != 200 or level == "NONE":
            return status, headers, body
        capacities = []
        for table_name, wanted in asked["RequestItems"].items():
            consistent = wanted.get("ConsistentRead", False)
            consumed = {"CapacityUnits": sum(units(table_name, key, consistent=consistent) for key in wanted["Keys"])}
            table = {"Table": consumed} if level == "INDEXES" else {}
            capacities.append({"TableName": table_name, **consumed, **table})
        return status, headers, json.dumps(json.loads(body) | {"ConsumedCapacity": capacities}).encode()

    dynamodb._add_consumed_capacity, dynamodb._batch_get_item = add_consumed_capacity, batch_get_item


def fix_snap_start(lambda_svc: Any, handlers: dict[str, dict[str, Any]], secret: str) -> None:
    """Have the local endpoint take the snapshots of SnapStart versions; ``secret`` is that of its control addresses."""
    from ministack.services.cloudformation import stacks  # noqa: PLC0415

    from lab.endpoint.control_secret import HEADER  # noqa: PLC0415
    from lab.endpoint.emulator import snap_start  # noqa: PLC0415
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

    snap_start.install(lambda_svc, stacks, handlers, take_snapshot)


def _end_with_stdin() -> None:
    os.read(0, 1)
    os._exit(0)


def main(listener: str) -> None:
    """Run ministack until standard input closes."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    from hypercorn.asyncio import serve  # noqa: PLC0415 -- after the thread: it takes a second
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415
    from ministack.services import dynamodb, lambda_svc, sqs  # noqa: PLC0415
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # noqa: PLC0415

    lambda_svc._proxy_url_for = front_door_url
    lambda_svc._execute_function_proxy = invoke
    fix_lambda_api(lambda_svc)
    provisioners._zip_inline = inline_package
    sys.path.append(str(ROOT))
    from lab.endpoint.lambda_api.install import install  # noqa: PLC0415

    install(lambda_svc, _RESOURCE_HANDLERS, sqs)
    fix_snap_start(lambda_svc, _RESOURCE_HANDLERS, os.environ.pop(CONTROL_VARIABLE))
    refuse_provisioned_concurrency(lambda_svc)
    fix_read_units(dynamodb)
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75  # longer than the wire keeps a connection
    config.loglevel = "WARNING"
    asyncio.run(serve(guarded(app, os.environ.pop(VARIABLE)), config))


if __name__ == "__main__":
    main(sys.argv[1])
