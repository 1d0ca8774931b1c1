"""Reserved concurrency, and provisioned concurrency, which the local endpoint does not have."""

from typing import Any, Final

from lab.endpoint.api_error import user_error
from lab.endpoint.lambda_api.service import Answer, Call, answer, error_of, invalid

OF_THE_ACCOUNT: Final = 1000  # AWS Lambda Developer Guide, "Lambda quotas"
UNRESERVED: Final = 100
"""AWS Lambda Developer Guide, "Configuring reserved concurrency": at least this much stays for all other functions."""
NO_PROVISIONED: Final = "the local endpoint has no provisioned concurrency; remove the setting, or deploy to AWS"


def reserved(functions: Any, *, but: str | None = None) -> int:
    """The reserved concurrency of all functions, or of all but one."""
    return sum(int(function.get("concurrency") or 0) for name, function in functions.items() if name != but)


def check_reserved(functions: Any, name: str | None, wanted: int) -> None:
    """Raises `ApiError` if reserving this for a function leaves too little for those without."""
    if reserved(functions, but=name) + wanted > OF_THE_ACCOUNT - UNRESERVED:
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
    """PutProvisionedConcurrencyConfig: the version or alias must exist. Then `refuse_provisioned` answers."""
    _check_provisioned(call, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")


def refuse_provisioned(*_: Any) -> Answer:
    """Ministack's function that sets provisioned concurrency, also for a stack."""
    return error_of(invalid(NO_PROVISIONED))


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
