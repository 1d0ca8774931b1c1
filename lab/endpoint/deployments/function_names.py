"""Names of functions as callers give them: a name, a partial or a full ARN, each with or without a qualifier."""

import dataclasses
import re
import urllib.parse

from lab.endpoint.api_error import ApiError, not_found, user_error
from lab.endpoint.emulator.account import ACCOUNT, REGION

# NamespacedFunctionName of the Lambda API's model (botocore's service-2.json).
_NAME = re.compile(
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
_REGION, _ACCOUNT, _SHORT_NAME, _QUALIFIER = 3, 9, 11, 13  # groups of the pattern


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionName:
    """A function by its name, and its version or alias; without one, the unpublished version."""

    name: str
    qualifier: str | None = None

    @property
    def arn(self) -> str:
        """The ARN, which ends with the qualifier if there is one."""
        suffix = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}{suffix}"

    @property
    def qualified_arn(self) -> str:
        """The ARN, which ends with ``$LATEST`` where no qualifier was given."""
        return self.arn if self.qualifier else f"{self.arn}:$LATEST"

    @property
    def parameters(self) -> dict[str, str]:
        """As boto3's parameters."""
        return {"FunctionName": self.name} | ({"Qualifier": self.qualifier} if self.qualifier else {})


def parse_name(name: str, qualifier: str | None) -> FunctionName:
    """What a name means that the API's model allows.

    Raises `ApiError` if the qualifiers in the name and beside it differ, or it names another region or account.
    """
    match = _NAME.fullmatch(name)
    assert match is not None
    region, account = ((match[group] or "").rstrip(":") for group in (_REGION, _ACCOUNT))
    if region not in ("", REGION):
        raise not_found(f"Functions from '{region}' are not reachable in this region ('{REGION}')")
    if account not in ("", ACCOUNT):
        raise _denied(account, match[_SHORT_NAME])
    if qualifier is not None and match[_QUALIFIER] not in (None, qualifier):
        message = "The derived qualifier from the function name does not match the specified qualifier."
        raise user_error(400, "InvalidParameterValueException", message)
    return FunctionName(match[_SHORT_NAME], qualifier or match[_QUALIFIER])


def name_in_path(segment: bytes, query: bytes | None) -> tuple[str, str | None]:
    """The name in a request's path, and its ``Qualifier`` parameter."""
    name = urllib.parse.unquote_to_bytes(segment).decode("utf-8", "replace")
    given = urllib.parse.parse_qs((query or b"").decode("latin-1"), keep_blank_values=True).get("Qualifier")
    return name, given[0] if given else None


def _denied(account: str, name: str) -> ApiError:
    resource = f"arn:aws:lambda:{REGION}:{account}:function:{name}"
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: lambda:InvokeFunction on resource: {resource}"
        " because no resource-based policy allows the lambda:InvokeFunction action"
    )
    return ApiError(403, "AccessDeniedException", {"Message": message})
