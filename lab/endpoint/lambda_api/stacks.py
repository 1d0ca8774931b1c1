"""Refuses to stacks what the Lambda API refuses. The event of the resource has the reason."""

from collections.abc import Callable
from typing import Any

from lab.endpoint.api_error import ApiError
from lab.endpoint.deployments.function_names import parse_name
from lab.endpoint.lambda_api import aliases, model
from lab.endpoint.lambda_api.concurrency import check_reserved
from lab.endpoint.lambda_api.functions import check_configuration
from lab.endpoint.lambda_api.mappings import check_filters, check_new
from lab.endpoint.lambda_api.service import in_stack

Properties = dict[str, Any]
RESERVED = "ReservedConcurrentExecutions"


def reason(refused: ApiError) -> ValueError:
    """A refusal as CloudFormation reports it."""
    message = refused.body.get("message", refused.body.get("Message"))
    return ValueError(
        f'Resource handler returned message: "{message} (Service: Lambda, Status Code: {refused.status})"'
        " (HandlerErrorCode: InvalidRequest)"
    )


def _refusing(check: Callable[..., None], then: Callable[..., Any]) -> Callable[..., Any]:
    """A handler of a resource that CloudFormation calls after the check of its arguments."""

    def checked(*arguments: Any, **named: Any) -> Any:
        token = in_stack.set(True)
        try:
            check(*arguments)
            return then(*arguments, **named)
        except ApiError as refused:
            raise reason(refused) from refused
        finally:
            in_stack.reset(token)

    return checked


def install(handlers: dict[str, dict[str, Any]], lambda_svc: Any) -> None:
    """Check the functions, aliases and mappings of templates, and set and remove their reserved concurrency.

    A reserved concurrency that the template never had, but the Lambda API set, stays, as at AWS.
    """

    def check_function(name: str | None, properties: Properties) -> None:
        model.check("CreateFunction", {"FunctionName": "f", "Code": {}, "Role": properties.get("Role")})
        check_configuration(properties)
        if RESERVED in properties:
            check_reserved(lambda_svc._functions, name, int(properties[RESERVED]))

    def check_mapping(properties: Properties) -> None:
        name = parse_name(properties.get("FunctionName", ""), None)
        check_new(lambda_svc, properties, name)

    def check_alias(properties: Properties) -> None:
        wanted = {key: properties.get(key) for key in ("FunctionName", "FunctionVersion", "Name")}
        model.check("CreateAlias", wanted)
        aliases.check_routing({}, str(wanted["FunctionVersion"]))

    function = handlers["AWS::Lambda::Function"]
    create, update = function["create"], function["update"]

    def create_function(logical_id: str, properties: Properties, stack: str) -> Any:
        made = create(logical_id, properties, stack)
        if RESERVED in properties:
            lambda_svc._functions[made[0]]["concurrency"] = int(properties[RESERVED])
        return made

    def update_function(name: str, old: Properties, new: Properties, *rest: Any, **named: Any) -> Any:
        made = update(name, old, new, *rest, **named)
        if RESERVED in new:
            lambda_svc._functions[made[0]]["concurrency"] = int(new[RESERVED])
        elif RESERVED in old:
            lambda_svc._functions[made[0]]["concurrency"] = None
        return made

    function["create"] = _refusing(lambda _, new, *__: check_function(None, new), create_function)
    function["update"] = _refusing(lambda name, _, new, *__: check_function(name, new), update_function)
    mapping = handlers["AWS::Lambda::EventSourceMapping"]
    mapping["create"] = _refusing(lambda _, new, *__: check_mapping(new), mapping["create"])
    mapping["update"] = _refusing(lambda _, __, new, *___: check_filters(new), mapping["update"])
    alias = handlers["AWS::Lambda::Alias"]
    alias["create"] = _refusing(lambda _, new, *__: check_alias(new), alias["create"])
