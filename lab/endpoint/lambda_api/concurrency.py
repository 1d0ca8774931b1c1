"""Reserved concurrency, and provisioned concurrency, which the local endpoint does not have."""

from typing import Any, Final

from lab.endpoint.api_error import user_error
from lab.endpoint.lambda_api.service import Answer, Call, answer, invalid

ACCOUNT: Final = 1000
UNRESERVED: Final = 100
"""AWS Lambda Developer Guide, "Configuring reserved concurrency": at least this much stays for all other functions."""


def check_reserved(functions: Any, name: str | None, wanted: int) -> None:
    """Raises `ApiError` if reserving this for a function leaves too little for those without."""
    others = sum(int(each.get("concurrency") or 0) for other, each in functions.items() if other != name)
    if others + wanted > ACCOUNT - UNRESERVED:
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
            f" below its minimum value of [{UNRESERVED}]."
        )


def put(call: Call) -> None:
    """PutFunctionConcurrency."""
    call.function(suffix=":$LATEST")
    if call.name.qualifier is not None:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation."
            " Please specify either a function name or an unqualified function ARN."
        )
    check_reserved(call.functions, call.name.name, call.params["ReservedConcurrentExecutions"])


def _check_provisioned(call: Call, latest: str) -> None:
    if call.name.qualifier == "$LATEST":
        raise invalid(latest)
    call.target()


def put_provisioned(call: Call) -> None:
    """PutProvisionedConcurrencyConfig: what it names must be, before the lab refuses it."""
    _check_provisioned(call, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")


def get_provisioned(call: Call) -> Answer | None:
    """GetProvisionedConcurrencyConfig, DeleteProvisionedConcurrencyConfig."""
    _check_provisioned(call, "The function resource provided must be an alias or a published version.")
    if call.operation.startswith("Delete"):
        return answer(None, 204)
    message = "No Provisioned Concurrency Config found for this function"
    raise user_error(404, "ProvisionedConcurrencyConfigNotFoundException", message)


def list_provisioned(call: Call) -> Answer:
    """ListProvisionedConcurrencyConfigs."""
    call.function()
    return answer({"ProvisionedConcurrencyConfigs": []})
