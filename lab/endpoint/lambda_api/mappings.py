"""Event source mappings."""

import json
from typing import Any

from lab.endpoint.api_error import ApiError, not_found
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api.service import Answer, Call, conflict, invalid

NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue."
    " SQS Error Message: The specified queue does not exist or you do not have access to it."
)
STREAM_DEFAULTS = {
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}
STREAM_SETTINGS = ("StartingPosition", "StartingPositionTimestamp")


def check_new(lambda_svc: Any, params: dict[str, Any], name: FunctionName) -> None:
    """Raises `ApiError` for a mapping that Lambda refuses. Properties in templates have the same names."""
    source = params.get("EventSourceArn") or ""
    service = source.split(":")[2] if source.count(":") > 2 else ""
    if not source:
        raise invalid("Unrecognized event source.")
    check_filters(params)
    if service == "sqs":
        if any(params.get(key) for key in STREAM_SETTINGS):
            raise invalid("StartingPosition is not valid for SQS event sources.")
        if not _has_queue(source):
            raise invalid(NO_QUEUE)
    elif params.get("StartingPositionTimestamp") and params.get("StartingPosition") != "AT_TIMESTAMP":
        raise invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP")
    elif service in {"dynamodb", "kinesis"} and not params.get("StartingPosition"):
        raise invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must"
            " not be null."
        )
    _check_single(lambda_svc, source, service, name)


def _check_single(lambda_svc: Any, source: str, service: str, name: FunctionName) -> None:
    for mapping in lambda_svc._esms.values():
        if mapping["EventSourceArn"] == source and mapping["FunctionArn"] == name.arn:
            kind = {"sqs": "SQS", "dynamodb": "dynamodb"}.get(service, service)
            raise conflict(
                f'An event source mapping with {kind} arn (" {source} ") and function (" {name.name} ") already exists.'
                f" Please update or delete the existing mapping with UUID {mapping['UUID']}"
            )


def check_filters(params: dict[str, Any]) -> None:
    """Raises `ApiError` if a pattern is not one of EventBridge's: an object, with lists of values as leaves."""
    for one in (params.get("FilterCriteria") or {}).get("Filters") or []:
        try:
            pattern = json.loads(one.get("Pattern") or "null")
        except ValueError:
            pattern = None
        if not (isinstance(pattern, dict) and pattern and all(map(_is_pattern, pattern.values()))):
            raise invalid("Invalid filter pattern definition.")


def _is_pattern(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(map(_is_pattern, value.values()))
    return isinstance(value, list) and bool(value)


def _has_queue(arn: str) -> bool:
    from ministack.services import sqs  # noqa: PLC0415 -- in ministack's process only

    return any(queue.get("attributes", {}).get("QueueArn") == arn for queue in sqs._queues.values())


def create(call: Call) -> Answer | None:
    """CreateEventSourceMapping. Its answer says that the mapping is being created; it works at once."""
    if not call.params.get("EventSourceArn"):
        raise invalid("Unrecognized event source.")
    try:
        call.target()
    except ApiError:
        raise invalid("Function does not exist") from None
    check_new(call.lambda_svc, call.params, call.name)
    return None


def change(call: Call) -> None:
    """GetEventSourceMapping, UpdateEventSourceMapping and DeleteEventSourceMapping."""
    if call.params["UUID"] not in call.lambda_svc._esms:
        raise not_found("The resource you requested does not exist.")
    check_filters(call.params)


def shown(operation: str, params: dict[str, Any], mapping: dict[str, Any]) -> dict[str, Any]:
    """A mapping as it is answered: with the defaults of its kind, and in the answer to a change while it is made."""
    if ":sqs:" in mapping["EventSourceArn"]:
        mapping.pop("LastProcessingResult", None)
    else:
        mapping = STREAM_DEFAULTS | mapping | {"StateTransitionReason": "User action"}
    if operation == "CreateEventSourceMapping" and mapping.get("State") == "Enabled":
        return mapping | {"State": "Creating"}
    if operation == "UpdateEventSourceMapping":
        turned = {True: "Enabling", False: "Disabling"}.get(params.get("Enabled"), "Updating")  # type: ignore[arg-type]
        return mapping | {"State": turned}
    return mapping
