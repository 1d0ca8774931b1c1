"""The settings of function URLs."""

import json
from typing import Any

from lab.endpoint.api_error import not_found
from lab.endpoint.lambda_api.service import Answer, Call, answer, conflict, page

UNKNOWN = "The resource you requested does not exist."


def _key(call: Call) -> str:
    return f"{call.name.name}:{call.name.qualifier}" if call.name.qualifier else call.name.name


def _check_function(call: Call) -> None:
    function = call.functions.get(call.name.name)
    if function is None or call.name.qualifier not in (None, *function["aliases"]):
        raise not_found("Function does not exist")


def _check_url(call: Call) -> None:
    if _key(call) not in call.lambda_svc._function_urls:
        raise not_found(UNKNOWN)


def create(call: Call) -> Answer:
    """CreateFunctionUrlConfig."""
    _check_function(call)
    if _key(call) in call.lambda_svc._function_urls:
        message = f"Failed to create function url config for [functionArn = {call.name.arn}]."
        raise conflict(f"{message} Error message:  FunctionUrlConfig exists for this Lambda function")
    created = call.lambda_svc._create_function_url_config(call.name.name, call.params, call.name.qualifier)
    config: dict[str, Any] = call.lambda_svc._function_urls[_key(call)]
    config["FunctionArn"] = call.name.arn
    return answer(json.loads(created[2]) | {"FunctionArn": call.name.arn}, 201)


def get(call: Call) -> None:
    """GetFunctionUrlConfig, DeleteFunctionUrlConfig."""
    _check_url(call)


def update(call: Call) -> None:
    """UpdateFunctionUrlConfig."""
    _check_function(call)
    _check_url(call)


def delete_of(lambda_svc: Any, name: str) -> None:
    """Delete the URLs of a function and its aliases.

    AWS Lambda Developer Guide, "Creating and managing Lambda function URLs": Lambda deletes the URL of a deleted
    function (some time later; here at once).
    """
    for key in [key for key in lambda_svc._function_urls if _is_of(key, name)]:
        del lambda_svc._function_urls[key]


def _is_of(key: str, name: str) -> bool:
    return key.partition(":")[0] == name


def list_urls(call: Call) -> Answer:
    """ListFunctionUrlConfigs: the URL of the function, and those of its aliases."""
    name = call.name.name
    if name not in call.functions:
        raise not_found("Function does not exist")
    urls = [url for key, url in call.lambda_svc._function_urls.items() if _is_of(key, name)]
    return page(urls, "FunctionArn", call.params, "FunctionUrlConfigs")
