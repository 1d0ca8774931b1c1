"""How asynchronous invocations are retried and recorded (EventInvokeConfig)."""

import time
from typing import Any

from lab.endpoint.api_error import ApiError, not_found
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api.service import Answer, Call, answer, invalid, page

SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")
SERVICES = {"lambda", "sqs", "sns", "events", "s3"}


def _key(call: Call) -> str:
    return "" if call.name.qualifier in (None, "$LATEST") else str(call.name.qualifier)


def _settings_of(function: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = function.setdefault("event_invoke_configs", {})
    return found


def _found(call: Call) -> dict[str, Any]:
    function = call.functions.get(call.name.name)
    found: dict[str, Any] | None = _settings_of(function).get(_key(call)) if function is not None else None
    if found is None:
        raise not_found(f"The function {call.name.qualified_arn} doesn't have an EventInvokeConfig")
    return found


def _check_function(call: Call) -> None:
    try:
        call.target()
    except ApiError:
        raise not_found("The function doesn't exist.") from None


def _check_destinations(call: Call) -> None:
    config = call.params.get("DestinationConfig") or {}
    for when in ("OnSuccess", "OnFailure"):
        destination = (config.get(when) or {}).get("Destination")
        parts = (destination or "").split(":")
        if not destination:
            continue
        if parts[2] not in SERVICES:
            shown = {one: _shown(config, one) for one in ("OnSuccess", "OnFailure")}
            raise invalid(
                f"The provided destination config DestinationConfig(onSuccess={shown['OnSuccess']},"
                f" onFailure={shown['OnFailure']}) is invalid."
            )
        if parts[2] == "lambda" and parts[6] == call.name.name:
            raise invalid("You can't specify the function as a destination for itself.")
        if parts[2] == "lambda" and parts[6] not in call.functions:
            raise invalid(f"The destination ARN {destination} is invalid.")


def _shown(config: dict[str, Any], when: str) -> str:
    return f"{when}(destination={config[when]['Destination']})" if config.get(when) else "null"


def put(call: Call) -> Answer:
    """PutFunctionEventInvokeConfig, and UpdateFunctionEventInvokeConfig, which keeps what it does not name."""
    params = call.params
    if not any(key in params for key in (*SETTINGS, "DestinationConfig")):
        raise invalid("You must specify at least one of error handling or destination setting.")
    _check_function(call)
    _check_destinations(call)
    is_update = call.operation.startswith("Update")
    settings = dict(_found(call)) if is_update else {}
    settings |= {key: params[key] for key in SETTINGS if key in params}
    wanted = params.get("DestinationConfig") or settings.get("DestinationConfig") or {}
    settings["DestinationConfig"] = {"OnSuccess": {}, "OnFailure": {}} | wanted
    settings["FunctionArn"] = call.name.qualified_arn
    settings["LastModified"] = time.time()
    _settings_of(call.function())[_key(call)] = settings
    return answer(settings)


def get(call: Call) -> Answer:
    """GetFunctionEventInvokeConfig."""
    return answer(_found(call))


def delete(call: Call) -> Answer:
    """DeleteFunctionEventInvokeConfig."""
    _found(call)
    del _settings_of(call.function())[_key(call)]
    return answer(None, 204)


def list_settings(call: Call) -> Answer:
    """ListFunctionEventInvokeConfigs."""
    _check_function(Call(call.operation, call.params, FunctionName(call.name.name), call.lambda_svc))
    every = _settings_of(call.function()).values()
    return page(every, "FunctionArn", call.params, "FunctionEventInvokeConfigs")
