"""What all handlers share: a request, its answers and errors, and the states and revisions of functions."""

import contextvars
import copy
import dataclasses
import json
import threading
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from lab.endpoint.api_error import ApiError, not_found, user_error
from lab.endpoint.deployments.function_names import FunctionName

Answer = tuple[int, dict[str, str], bytes]
Function = dict[str, Any]
PENDING_S: Final = 0.5
UPDATE_S: Final = 2.0
"""An update ends after this time, or when a client looks at the function, so that a waiter does not sleep."""
UPDATING: Final = {
    "State": "Active",
    "StateReason": "",
    "StateReasonCode": "",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
SETTLED: Final = {
    "State": "Active",
    "StateReason": "",
    "StateReasonCode": "",
    "LastUpdateStatus": "Successful",
    "LastUpdateStatusReason": "",
    "LastUpdateStatusReasonCode": "",
}
in_stack: contextvars.ContextVar[bool] = contextvars.ContextVar("in_stack", default=False)
"""Whether CloudFormation changes the function: it waits for each update, so an update ends at once."""


class Request(NamedTuple):
    """A request as ministack gets it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, list[str]]


@dataclasses.dataclass(frozen=True)
class Call:
    """A request: its operation, its parameters, the function that it names, and ministack's Lambda module.

    ``is_of_the_endpoint``: the endpoint itself asks, not a client.
    """

    operation: str
    params: dict[str, Any]
    name: FunctionName
    lambda_svc: Any
    is_of_the_endpoint: bool = False

    @property
    def functions(self) -> Any:
        """All functions by name."""
        return self.lambda_svc._functions

    def function(self, suffix: str = "") -> Function:
        """The function. Raises `ApiError` if it does not exist; the ARN in its text ends with the suffix."""
        found: Function | None = self.functions.get(self.name.name)
        if found is None:
            raise not_found(f"Function not found: {FunctionName(self.name.name).arn}{suffix}")
        return found

    def target(self) -> dict[str, Any]:
        """The configuration of the version or the alias that is named. Raises `ApiError` if there is none."""
        qualifier = self.name.qualifier
        function = self.functions.get(self.name.name)
        if qualifier is not None and not qualifier.isdigit() and "$" not in qualifier:
            if function is None or qualifier not in function["aliases"]:
                raise not_found(f"Cannot find alias arn: {self.name.arn}")
            alias: dict[str, Any] = function["aliases"][qualifier]
            return alias
        if function is None or not (qualifier in (None, "$LATEST") or qualifier in function["versions"]):
            raise not_found(f"Function not found: {self.name.arn}")
        found: dict[str, Any] = function["versions"].get(qualifier, function)["config"]
        return found


def answer(body: Any, status: int = 200) -> Answer:
    """An answer with a JSON body; None is an empty one."""
    content = b"" if body is None else json.dumps(body).encode()
    return status, {"Content-Type": "application/json"}, content


def error_of(refused: ApiError) -> Answer:
    """The answer of a refused request."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": refused.error_type}
    return refused.status, headers, json.dumps(refused.body).encode()


def invalid(message: str) -> ApiError:
    """A value that Lambda does not take."""
    return user_error(400, "InvalidParameterValueException", message)


def conflict(message: str) -> ApiError:
    """What exists already, or cannot be done now."""
    return user_error(409, "ResourceConflictException", message)


def check_revision(wanted: Any, current: Any, called: str = "GetFunction/GetAlias") -> None:
    """Raises `ApiError` if the request was made for another revision."""
    if wanted is not None and wanted != current:
        message = (
            "The Revision Id provided does not match the latest Revision Id."
            f" Call the {called} API to retrieve the latest Revision Id"
        )
        raise user_error(412, "PreconditionFailedException", message)


def page(items: Iterable[dict[str, Any]], key: str, params: dict[str, Any], field: str) -> Answer:
    """A page of a list: from ``Marker`` on, at most ``MaxItems``. The key tells the items apart."""
    all_items = list(items)
    keys = [str(item[key]) for item in all_items]
    start = keys.index(params["Marker"]) + 1 if params.get("Marker") in keys else 0
    end = start + int(params.get("MaxItems", 50))
    more = {"NextMarker": keys[end - 1]} if end < len(all_items) else {}
    return answer({field: all_items[start:end], **more})


def revise(function: Function, record: dict[str, Any] | None = None) -> None:
    """Give a function (or the alias or version given) a new revision. Its last version stays that of this state."""
    record = function["config"] if record is None else record
    old, record["RevisionId"] = record.get("RevisionId"), str(uuid.uuid4())
    for version in function["versions"].values():
        if record is function["config"] and version.get("function_revision") == old:
            version["function_revision"] = record["RevisionId"]


def is_changing(configuration: dict[str, Any]) -> bool:
    """Whether a version is being created or updated."""
    return configuration.get("State") == "Pending" or configuration.get("LastUpdateStatus") == "InProgress"


def has_snapshot(configuration: dict[str, Any]) -> bool:
    """Whether a version has SnapStart: it is pending until its snapshot is taken (`snap_start`)."""
    return bool(configuration.get("SnapStart", {}).get("OptimizationStatus") == "On")


def settle(function: Function) -> None:
    """End the update of a function, and what is pending of its versions."""
    for version in function["versions"].values():
        if is_changing(version["config"]) and not has_snapshot(version["config"]):
            version["config"].update(SETTLED)
    if is_changing(function["config"]):
        function["config"].update(SETTLED)
        revise(function)


def schedule(lambda_svc: Any, name: str) -> None:
    """End the creation or the update of a function in a while. It replaces ministack's own function."""
    function = lambda_svc._functions[name]
    configuration = function["config"]
    is_new = configuration.get("StateReasonCode") == "Creating"
    if is_new:
        for key in ("LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
            configuration.pop(key, None)
    else:
        configuration.update(UPDATING)
        if in_stack.get():
            settle(function)
            return
    change = function["change"] = str(uuid.uuid4())

    def end() -> None:
        if function["change"] == change:
            settle(function)

    timer = threading.Timer(PENDING_S if is_new else UPDATE_S, end)
    timer.daemon = True
    timer.start()


def settings_of(configuration: dict[str, Any]) -> dict[str, Any]:
    """A copy of what a client can change of a function."""
    own = {"LastModified", "RevisionId", *SETTLED}
    return copy.deepcopy({key: value for key, value in configuration.items() if key not in own})
