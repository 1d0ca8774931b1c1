"""Ministack's answers in the form of AWS's."""

import json
from typing import Any, Final

from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api import mappings
from lab.endpoint.lambda_api.service import SETTLED, Answer, Call, answer, page

NOT_IF_EMPTY: Final = {"KMSKeyArn", "Layers", *(name for name in SETTLED if "Reason" in name)}
NOT_LISTED: Final = {*SETTLED, "RuntimeVersionConfig"}
QUALIFIED: Final = {"GetFunction", "GetFunctionConfiguration"}


def function_shown(configuration: dict[str, Any], *, is_listed: bool = False) -> dict[str, Any]:
    """A function without what it does not have. In a list it has no state."""
    hidden = NOT_LISTED if is_listed else set()
    shown = {
        key: value for key, value in configuration.items() if key not in hidden and (value or key not in NOT_IF_EMPTY)
    }
    if not shown.get("VpcConfig", {}).get("SubnetIds"):
        shown.pop("VpcConfig", None)
    if not shown.get("RuntimeVersionConfig", {}).get("RuntimeVersionArn"):
        shown.pop("RuntimeVersionConfig", None)
    return shown


def qualified(configuration: dict[str, Any]) -> dict[str, Any]:
    """A function or version with its qualified ARN."""
    arn = FunctionName(configuration["FunctionName"], configuration["Version"]).arn
    return configuration | {"FunctionArn": arn}


def list_functions(call: Call) -> Answer:
    """ListFunctions, with all their versions if the request asks for them."""
    functions = [function for _, function in sorted(call.functions.items())]
    if call.params.get("FunctionVersion") == "ALL":
        records = (record for function in functions for record in (function, *function["versions"].values()))
        listed = [qualified(function_shown(record["config"], is_listed=True)) for record in records]
    else:
        listed = [function_shown(function["config"], is_listed=True) for function in functions]
    return page(listed, "FunctionArn", call.params, "Functions")


def like_aws(call: Call, found: Answer) -> Answer:
    """The answer as AWS gives it."""
    status, headers, content = found
    if not content or not headers.get("Content-Type", "").startswith("application/"):
        return found
    body = json.loads(content)
    if status >= 400:
        return _error(status, headers, body)
    if "Configuration" in body and "Code" in body:
        body["Configuration"] = _named(call, function_shown(body["Configuration"]))
        if not body.get("Tags"):
            body.pop("Tags", None)
    elif "CodeSha256" in body:
        body = _named(call, function_shown(body))
    elif call.operation == "ListVersionsByFunction":
        body["Versions"] = [qualified(function_shown(each, is_listed=True)) for each in body["Versions"]]
    elif call.operation.endswith("EventSourceMapping"):
        body = mappings.shown(call.operation, call.params, body)
        status = 202 if call.operation.startswith("Update") else status
    return answer(body, status)


def _named(call: Call, configuration: dict[str, Any]) -> dict[str, Any]:
    """A function with the ARN by which it was asked for."""
    if call.operation in QUALIFIED and call.name.qualifier is not None:
        return configuration | {"FunctionArn": call.name.arn}
    return configuration


def _error(status: int, headers: dict[str, str], body: dict[str, Any]) -> Answer:
    kind = body.get("__type") or headers.get("x-amzn-ErrorType", "")
    message = body.get("message", body.get("Message"))
    shown = {"Type": "User", "Message" if status == 404 else "message": message}
    return status, {"Content-Type": "application/json", "x-amzn-ErrorType": kind}, json.dumps(shown).encode()
