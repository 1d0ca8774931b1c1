"""Ministack's answers in the form of AWS's."""

import json
from typing import Any, Final

from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api import mappings
from lab.endpoint.lambda_api.service import Answer, Call, answer

UNSET: Final = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "KMSKeyArn")
UNSET_LISTS: Final = ("Layers",)
NOT_LISTED: Final = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason")
NOT_LISTED_EITHER: Final = ("LastUpdateStatusReasonCode", "RuntimeVersionConfig")
QUALIFIED: Final = {"GetFunction", "GetFunctionConfiguration"}


def function_shown(configuration: dict[str, Any], *, is_listed: bool = False) -> dict[str, Any]:
    """A function without what it does not have. In a list it has no state."""
    shown = {key: value for key, value in configuration.items() if key not in UNSET or value}
    if not shown.get("VpcConfig", {}).get("SubnetIds"):
        shown.pop("VpcConfig", None)
    if not shown.get("RuntimeVersionConfig", {}).get("RuntimeVersionArn"):
        shown.pop("RuntimeVersionConfig", None)
    for key in UNSET_LISTS:
        if not shown.get(key):
            shown.pop(key, None)
    if is_listed:
        for key in (*NOT_LISTED, *NOT_LISTED_EITHER):
            shown.pop(key, None)
    return shown


def qualified(configuration: dict[str, Any]) -> dict[str, Any]:
    """A function or version with its qualified ARN."""
    arn = FunctionName(configuration["FunctionName"], configuration["Version"]).arn
    return configuration | {"FunctionArn": arn}


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


def list_functions(call: Call) -> dict[str, Any]:
    """The functions, with all their versions if it is asked for."""
    every = sorted(call.functions.items())
    if call.params.get("FunctionVersion") != "ALL":
        return {arn(one["config"]): function_shown(one["config"], is_listed=True) for _, one in every}
    records = [record for _, one in every for record in (one, *one["versions"].values())]
    shown = [qualified(function_shown(record["config"], is_listed=True)) for record in records]
    return {arn(each): each for each in shown}


def arn(configuration: dict[str, Any]) -> str:
    """The ARN of a configuration."""
    return str(configuration["FunctionArn"])
