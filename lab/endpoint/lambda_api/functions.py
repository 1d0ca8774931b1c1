"""Functions: what Lambda refuses to create and to update, and how it answers."""

import json
from collections.abc import Iterable
from typing import Any, Final

from facts.runtimes import RETIRED
from lab.endpoint.api_error import fault, not_found, not_now
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.emulator.account import REGION
from lab.endpoint.lambda_api.concurrency import OF_THE_ACCOUNT, reserved
from lab.endpoint.lambda_api.model import service
from lab.endpoint.lambda_api.service import (
    Answer,
    Call,
    answer,
    check_revision,
    conflict,
    has_snapshot,
    in_stack,
    invalid,
    is_changing,
    revise,
    settings_of,
    settle,
)
from lab.engine.interpreters import SUPPORTED

MAX_NAME: Final = 64
MAX_ENVIRONMENT_BYTES: Final = 4096  # AWS Lambda Developer Guide, "Lambda quotas"
MAX_LAYERS: Final = 5


def check_configuration(params: dict[str, Any]) -> None:
    """Raises `ApiError` if Lambda or the lab cannot run a function with this configuration."""
    if params.get("Runtime"):
        check_runtime(params["Runtime"])
    _check_environment((params.get("Environment") or {}).get("Variables") or {})
    _check_layers(params.get("Layers") or [])


def check_runtime(runtime: str) -> None:
    """Raises `ApiError` if a runtime is unknown or retired, or is not Python: only Python runs here."""
    known = [one for one in service().shape_for("Runtime").metadata["enum"] if one not in RETIRED]
    if runtime in RETIRED:
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions."
            " We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime not in known:
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set:"
            f" [{', '.join(known)}] or be a valid ARN"
        )
    if not runtime.startswith("python"):
        works = ", ".join(f"python{minor}" for minor in sorted(SUPPORTED))
        raise invalid(f"{runtime} functions cannot run at the local endpoint: use one of {works}, or deploy to AWS")


def _check_environment(variables: dict[str, str]) -> None:
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > MAX_ENVIRONMENT_BYTES:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have"
            f" provided exceeded the 4KB limit. String measured: {measured}"
        )


def _check_layers(arns: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    arns = list(arns)
    if len(arns) > MAX_LAYERS:
        raise invalid("Cannot reference more than 5 layers.")
    for arn in arns:
        layer = arn.rpartition(":")[0]
        if layer in seen:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function."
                f" {seen[layer]} and {arn} are versions of the same layer."
            )
        if arn.split(":")[3:4] not in ([REGION], [""]):
            message = "Layers are not in the same region as the function. Layers are expected to be in region"
            raise invalid(f"{message} {REGION}.")
        seen[layer] = arn


def _check_changeable(configuration: dict[str, Any]) -> None:
    """Raises `ApiError` while a function is being created or updated; CloudFormation waits instead."""
    if in_stack.get() or not is_changing(configuration):
        return
    if configuration.get("State") == "Pending":
        raise not_now("Pending")
    message = "The operation cannot be performed at this time. An update is in progress for resource:"
    raise conflict(f"{message} {configuration['FunctionArn']}")


def create(call: Call) -> Answer:
    """CreateFunction."""
    name = call.name.name
    if len(name) > MAX_NAME:
        broken = fault(name, "functionName", f"have length less than or equal to {MAX_NAME}")
        raise invalid(f"1 validation error detected: {broken}")
    check_configuration(call.params)
    asked = {key: value for key, value in call.params.items() if key != "Publish"}
    created: Answer = call.lambda_svc._create_function({**asked, "FunctionName": name})
    if created[0] != 201:
        return created
    function = call.functions[name]
    configuration = dict(function["config"])
    if call.params.get("Publish"):
        configuration["Version"] = _publish_at_once(call)["Version"]
    return answer(configuration, 201)


def update_configuration(call: Call) -> Answer:
    """UpdateFunctionConfiguration."""
    function = call.function()
    check_revision(call.params.get("RevisionId"), function["config"]["RevisionId"])
    _check_changeable(function["config"])
    check_configuration(call.params)
    return _updated(call, call.lambda_svc._update_config, {})


def update_code(call: Call) -> Answer:
    """UpdateFunctionCode, and the new version if it is to be published."""
    function = call.function()
    check_revision(call.params.get("RevisionId"), function["config"]["RevisionId"])
    _check_changeable(function["config"])
    is_image = function["config"].get("PackageType") == "Image"
    if is_image and "ImageUri" not in call.params:
        raise invalid("Please provide ImageUri when updating a function with packageType Image.")
    updated = _updated(call, call.lambda_svc._update_code, {"Publish": False})
    if updated[0] != 200 or not call.params.get("Publish"):
        return updated
    return answer(_publish_at_once(call))


def _updated(call: Call, update: Any, more: dict[str, Any]) -> Answer:
    function = call.function()
    before, revision = settings_of(function["config"]), function["config"]["RevisionId"]
    updated: Answer = update(call.name.name, {**call.params, **more})
    if settings_of(function["config"]) == before:  # nothing new to publish
        for version in function["versions"].values():
            if version.get("function_revision") == revision:
                version["function_revision"] = function["config"]["RevisionId"]
    return updated


def _publish_at_once(call: Call) -> dict[str, Any]:
    """The version of a function that is still being created or updated: it is pending."""
    function, token = call.function(), in_stack.set(True)
    try:
        version = json.loads(call.lambda_svc._publish_version(call.name.name, {})[2])["Version"]
    finally:
        in_stack.reset(token)
    configuration: dict[str, Any] = function["versions"][version]["config"]
    if has_snapshot(configuration):
        return configuration  # pending until its snapshot is taken
    for key in ("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
        configuration.pop(key, None)
    reason = {"StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    configuration.update({"State": "Pending", **reason})
    return configuration


def publish(lambda_svc: Any, original: Any, name: str, params: dict[str, Any]) -> Answer:
    """PublishVersion, also of CloudFormation: without a change, the last version again."""
    function = lambda_svc._functions.get(name)
    if function is None:
        raise not_found(f"Function not found: {FunctionName(name).arn}")
    configuration, wanted = function["config"], params.get("CodeSha256")
    check_revision(params.get("RevisionId"), configuration["RevisionId"])
    if wanted and wanted != configuration["CodeSha256"]:
        current = configuration["CodeSha256"]
        raise invalid(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({current})."
            " Please try again with the CodeSHA256 in $LATEST."
        )
    _check_changeable(configuration)
    before = set(function["versions"])
    published: Answer = original(name, params)
    if set(function["versions"]) != before:
        revise(function)
    return published


def delete(call: Call) -> Answer | None:
    """DeleteFunction: a version that does not exist is deleted already."""
    function = call.function()
    qualifier = call.name.qualifier
    is_unknown = qualifier not in (None, "$LATEST") and qualifier not in function["versions"]
    return answer(None, 204) if is_unknown else None


def get(call: Call) -> None:
    """GetFunction and GetFunctionConfiguration. A client that looks at an update ends it."""
    function, qualifier = call.function(), call.name.qualifier
    if qualifier not in (None, "$LATEST", *function["versions"], *function["aliases"]):
        raise not_found(f"Function not found: {call.name.arn}")
    if not call.is_of_the_endpoint and function["config"].get("LastUpdateStatus") == "InProgress":
        settle(function)


def account_settings(call: Call) -> Answer:
    """GetAccountSettings: versions and layers take storage, too."""
    functions = list(call.functions.values())
    codes = [record.get("code_zip") for function in functions for record in (function, *function["versions"].values())]
    layers = [
        version["Content"]["CodeSize"] for layer in call.lambda_svc._layers.values() for version in layer["versions"]
    ]
    limits = {"TotalCodeSize": 80530636800, "CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800}
    unreserved = OF_THE_ACCOUNT - reserved(call.functions)
    concurrency = {"ConcurrentExecutions": OF_THE_ACCOUNT, "UnreservedConcurrentExecutions": unreserved}
    usage = {"TotalCodeSize": sum(len(code or b"") for code in codes) + sum(layers), "FunctionCount": len(functions)}
    return answer({"AccountLimit": limits | concurrency, "AccountUsage": usage})
