"""The requests of the Lambda API: the operation and the function of each, and who handles it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lab.endpoint.api_error import ApiError
from lab.endpoint.deployments.function_names import FunctionName, parse_name
from lab.endpoint.emulator.account import ACCESS_KEY
from lab.endpoint.lambda_api import (
    aliases,
    answers,
    concurrency,
    event_settings,
    functions,
    layers,
    mappings,
    model,
    permissions,
    tags,
    urls,
)
from lab.endpoint.lambda_api.service import Answer, Call, Request

Handler = Callable[[Call], Answer | None]
"""Refuses a request by an `ApiError`, answers it, or leaves the answer to ministack (None)."""


def _check_function(call: Call) -> None:
    call.function()


HANDLERS: Final[Mapping[str, Handler]] = {
    "AddLayerVersionPermission": layers.check_policy,
    "AddPermission": permissions.add,
    "CreateAlias": aliases.create,
    "CreateEventSourceMapping": mappings.create,
    "CreateFunction": functions.create,
    "CreateFunctionUrlConfig": urls.create,
    "DeleteAlias": aliases.delete,
    "DeleteEventSourceMapping": mappings.change,
    "DeleteFunction": functions.delete,
    "DeleteFunctionEventInvokeConfig": event_settings.delete,
    "DeleteFunctionUrlConfig": urls.get,
    "DeleteLayerVersion": layers.check_number,
    "DeleteProvisionedConcurrencyConfig": concurrency.get_provisioned,
    "GetAccountSettings": functions.account_settings,
    "GetAlias": aliases.get,
    "GetEventSourceMapping": mappings.change,
    "GetFunction": functions.get,
    "GetFunctionCodeSigningConfig": _check_function,
    "GetFunctionConfiguration": functions.get,
    "GetFunctionEventInvokeConfig": event_settings.get,
    "GetFunctionUrlConfig": urls.get,
    "GetLayerVersion": layers.check_number,
    "GetPolicy": permissions.get,
    "GetProvisionedConcurrencyConfig": concurrency.get_provisioned,
    "ListAliases": aliases.list_aliases,
    "ListFunctionEventInvokeConfigs": event_settings.list_settings,
    "ListFunctionUrlConfigs": urls.list_urls,
    "ListFunctions": answers.list_functions,
    "ListProvisionedConcurrencyConfigs": concurrency.list_provisioned,
    "ListTags": tags.change,
    "PutFunctionConcurrency": concurrency.put,
    "PutFunctionEventInvokeConfig": event_settings.put,
    "PutProvisionedConcurrencyConfig": concurrency.put_provisioned,
    "RemoveLayerVersionPermission": layers.check_policy,
    "RemovePermission": permissions.remove,
    "TagResource": tags.change,
    "UntagResource": tags.change,
    "UpdateAlias": aliases.update,
    "UpdateEventSourceMapping": mappings.change,
    "UpdateFunctionCode": functions.update_code,
    "UpdateFunctionConfiguration": functions.update_configuration,
    "UpdateFunctionEventInvokeConfig": event_settings.put,
    "UpdateFunctionUrlConfig": urls.update,
}


def call_of(lambda_svc: Any, request: Request) -> Call | None:
    """The call that a request is; None for an invocation, and for what is not in the model.

    Raises `ApiError` if it breaks the model, or names a function of another region or account.
    """
    known = model.recognise(request.method, request.path, request.query, request.body)
    if known is None or known[0].startswith("Invoke"):
        return None
    operation, params = known
    model.check(operation, params)
    is_of_the_endpoint = f"Credential={ACCESS_KEY}/" in request.headers.get("authorization", "")
    return Call(operation, params, _name(operation, params), lambda_svc, is_of_the_endpoint=is_of_the_endpoint)


def _name(operation: str, params: dict[str, Any]) -> FunctionName:
    if "FunctionName" not in params:
        return FunctionName("")
    try:
        return parse_name(params["FunctionName"], params.get("Qualifier"))
    except ApiError as error:
        if error.status == 403 and operation == "CreateFunction":
            raise ApiError(403, "AccessDeniedException", {"Message": None}) from error
        raise


def handle(call: Call) -> Answer | None:
    """The answer of the lab; None where ministack is to answer. Raises `ApiError` for what is refused."""
    handler = HANDLERS.get(call.operation)
    return handler(call) if handler is not None else None
