"""The settings of function URLs."""

from typing import Any

from lab.endpoint.api_error import not_found
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api.service import Answer, Call, answer, conflict, page

UNKNOWN = "The resource you requested does not exist."


def _key(name: FunctionName) -> str:
    return f"{name.name}:{name.qualifier}" if name.qualifier else name.name


def _check_function(call: Call) -> None:
    function = call.functions.get(call.name.name)
    if function is None or call.name.qualifier not in (None, *function["aliases"]):
        raise not_found("Function does not exist")


def _check_url(call: Call) -> None:
    if _key(call.name) not in call.lambda_svc._function_urls:
        raise not_found(UNKNOWN)


def create(call: Call) -> Answer:
    """CreateFunctionUrlConfig."""
    _check_function(call)
    if _key(call.name) in call.lambda_svc._function_urls:
        message = f"Failed to create function url config for [functionArn = {call.name.arn}]."
        raise conflict(f"{message} Error message:  FunctionUrlConfig exists for this Lambda function")
    created: Answer = call.lambda_svc._create_function_url_config(call.name.name, call.params, call.name.qualifier)
    return created


def name_owner(lambda_svc: Any, created: Answer, name: FunctionName) -> Answer:
    """A new URL, also of a stack, with the ARN of its alias if it is of one."""
    if created[0] != 201:
        return created
    config: dict[str, Any] = lambda_svc._function_urls[_key(name)]
    config["FunctionArn"] = name.arn
    return answer(config, 201)


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
