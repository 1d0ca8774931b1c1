"""SnapStart in ministack: a published version is Pending until its snapshot is taken, then Active or Failed.

The local endpoint takes the snapshot. CloudFormation waits for it, and rolls back a version that has failed. Sources:
the AWS Lambda Developer Guide, "Lambda SnapStart and function states"; StateReason and CloudFormation's message as
quoted in aws-samples/bedrock-chat issue 653, StateReasonCode in hashicorp/terraform-provider-aws issue 49904.
"""

import time
from collections.abc import Callable
from typing import Any

from lab.endpoint.lambda_api.service import SETTLED

FAILED = {
    "State": "Failed",
    "StateReason": "An error occurred during function initialization.",
    "StateReasonCode": "FunctionError",
}
VERSION = "AWS::Lambda::Version"
LOOK_EVERY_S = 0.05


def install(
    lambda_svc: Any, stacks: Any, handlers: dict[str, dict[str, Any]], take_snapshot: Callable[[str], str | None]
) -> None:
    """Hook into ministack's Lambda module, CloudFormation and its handlers of resources.

    ``take_snapshot`` takes the snapshot of the version with an ARN. It blocks, and returns why the version has failed.
    """
    reasons: dict[str, str] = {}
    in_background, blocks = lambda_svc.spawn_background, stacks._runs_on_worker_thread

    def provision(_name: str, record: dict[str, Any]) -> None:
        configuration = record["config"]

        def take() -> None:
            reason = take_snapshot(configuration["FunctionArn"])
            if reason is not None:
                reasons[configuration["FunctionArn"]] = reason
            configuration.update(SETTLED if reason is None else FAILED)

        in_background(take, thread_name="lab-snapshot")

    def settled(made: tuple[str, Any], properties: dict[str, Any]) -> tuple[str, Any]:
        arn = made[0]
        name, number = arn.split(":")[6:8]
        function = lambda_svc._functions.get(name) or {"versions": {}}
        configuration = function["versions"].get(number, {}).get("config", SETTLED)
        while configuration["State"] == "Pending":
            time.sleep(LOOK_EVERY_S)
        if configuration["State"] == "Failed":
            delete(arn, properties)
            raise ValueError(
                f"Resource handler returned message: \"Resource of type '{VERSION}' with identifier '{arn}' did not"
                f' stabilize. Status Reason is {FAILED["StateReason"]}" (HandlerErrorCode: NotStabilized).'
                f" The error is {reasons[arn]}"
            )
        return made

    version = handlers[VERSION]
    create, update, delete = version["create"], version["update"], version["delete"]
    lambda_svc._snapstart_provision_version_async = provision
    stacks._runs_on_worker_thread = lambda resource: resource == VERSION or blocks(resource)
    version["create"] = lambda logical_id, new, stack: settled(create(logical_id, new, stack), new)
    version["update"] = lambda arn, old, new, *rest, **named: settled(update(arn, old, new, *rest, **named), new)
