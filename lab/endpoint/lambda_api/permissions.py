"""The resource-based policies of functions, versions and aliases. They are stored, but not enforced."""

import json
import re
from typing import Any

from lab.endpoint.api_error import not_found
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.lambda_api.service import Answer, Call, answer, check_revision, conflict, invalid, revise

PRINCIPAL = re.compile(
    r"\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:.+|[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|alexa\.com|amazon\.com)"
)


def _statements(call: Call) -> list[dict[str, Any]]:
    every: list[dict[str, Any]] = call.function()["policy"]["Statement"]
    return [statement for statement in every if statement["Resource"] == call.name.arn]


def _check_not_latest(call: Call) -> None:
    if call.name.qualifier == "$LATEST":
        raise invalid("We currently do not support adding policies for $LATEST.")


def add(call: Call) -> Answer:
    """AddPermission. The same id may be used again for another version or alias."""
    params, principal = call.params, call.params["Principal"]
    _check_not_latest(call)
    target = call.target()
    if not PRINCIPAL.fullmatch(principal):
        raise invalid("The provided principal was invalid. Please check the principal and try again.")
    check_revision(params.get("RevisionId"), target["RevisionId"])
    if any(statement["Sid"] == params["StatementId"] for statement in _statements(call)):
        message = f"The statement id ({params['StatementId']}) provided already exists."
        raise conflict(f"{message} Please provide a new statement id, or remove the existing statement.")
    function = call.function()
    if principal.isdigit():
        principal = f"arn:aws:iam::{principal}:root"
    unique = {"StatementId": f"{call.name.arn} {params['StatementId']}", "Principal": principal}
    added: Answer = call.lambda_svc._add_permission(call.name.name, params | unique, {}, call.name.qualifier)
    if added[0] != 201:
        return added
    statement = function["policy"]["Statement"][-1]
    statement["Sid"] = params["StatementId"]
    revise(function, target)
    return answer({"Statement": json.dumps(statement)}, 201)


def remove(call: Call) -> Answer:
    """RemovePermission."""
    params, arn = call.params, FunctionName(call.name.name).arn
    if call.name.name not in call.functions:
        raise not_found(f"No policy found for: {arn}")
    target, statements = call.target(), _statements(call)
    if not statements:
        raise not_found("No policy is associated with the given resource.")
    check_revision(params.get("RevisionId"), target["RevisionId"])
    gone = [statement for statement in statements if statement["Sid"] == params["StatementId"]]
    if not gone:
        raise not_found(f"Statement {params['StatementId']} is not found in resource policy.")
    function = call.function()
    function["policy"]["Statement"].remove(gone[0])
    revise(function, target)
    return answer(None, 204)


def get(call: Call) -> Answer:
    """GetPolicy: of the function, or of one version or alias."""
    function, statements = call.function(), _statements(call)
    if not statements:
        raise not_found("The resource you requested does not exist.")
    policy = {**function["policy"], "Statement": statements}
    return answer({"Policy": json.dumps(policy), "RevisionId": call.target()["RevisionId"]})
