"""Aliases."""

from typing import Any

from lab.endpoint.api_error import not_found, not_now
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api.service import Answer, Call, answer, check_revision, conflict, invalid, page


def check_routing(params: dict[str, Any], version: str) -> None:
    """Raises `ApiError` for weights that Lambda refuses. It allows one other version, and no ``$LATEST``."""
    weights = (params.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version in weights:
        message = f"Invalid function version {version}. Function version {version} is already included in"
        raise invalid(f"{message} routing configuration.")
    if weights and version == "$LATEST":
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")


def _check_versions(call: Call, version: str) -> None:
    name = call.name.name
    function = call.function(suffix=f":{version}")
    weights = (call.params.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for each in (version, *weights):
        if each not in {"$LATEST", *function["versions"]}:
            raise not_found(f"Function not found: {FunctionName(name, each).arn}")


def create(call: Call) -> None:
    """CreateAlias."""
    params = call.params
    check_routing(params, params["FunctionVersion"])
    _check_versions(call, params["FunctionVersion"])
    if params["Name"] in call.function()["aliases"]:
        raise conflict(f"Alias already exists: {FunctionName(call.name.name, params['Name']).arn}")


def _alias(call: Call) -> dict[str, Any]:
    alias: dict[str, Any] | None = call.function()["aliases"].get(call.params["Name"])
    if alias is None:
        raise not_found(f"Cannot find alias arn: {FunctionName(call.name.name, call.params['Name']).arn}")
    return alias


def get(call: Call) -> None:
    """GetAlias."""
    _alias(call)


def update(call: Call) -> None:
    """UpdateAlias."""
    alias, params = _alias(call), call.params
    check_revision(params.get("RevisionId"), alias["RevisionId"])
    version = params.get("FunctionVersion", alias["FunctionVersion"])
    check_routing(params, version)
    _check_versions(call, version)
    _check_not_failed(call, version)


def _check_not_failed(call: Call, version: str) -> None:
    """Raises `ApiError` for a version with SnapStart that failed (hashicorp/terraform-provider-aws issue 49904)."""
    if call.function()["versions"].get(version, {}).get("config", {}).get("State") == "Failed":
        raise not_now("Failed")


def delete(call: Call) -> Answer:
    """DeleteAlias: what does not exist is deleted already. A URL of the alias stays, and answers 403."""
    call.function()["aliases"].pop(call.params["Name"], None)
    return answer(None, 204)


def list_aliases(call: Call) -> Answer:
    """ListAliases, of one version if it is named."""
    version = call.params.get("FunctionVersion")
    aliases = call.function()["aliases"].values()
    wanted = [alias for alias in aliases if version in (None, alias["FunctionVersion"])]
    return page(wanted, "Name", call.params, "Aliases")
