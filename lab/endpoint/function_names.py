"""Names of functions as callers give them: a name, a partial or a full ARN, each with or without a qualifier."""

import dataclasses
import re
import urllib.parse

from lab.endpoint.api_error import ApiError, fault, not_found, user_error
from lab.endpoint.emulator import REGION

ACCOUNT = "000000000000"
NAME_MAX = 256
QUALIFIER_MAX = 128
# Patterns as they stand in the Lambda API's model (botocore's service-2.json, NamespacedFunctionName and
# NumericLatestPublishedOrAliasQualifier): an error message quotes them.
NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"

_NAME = re.compile(
    r"(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)
_QUALIFIER = re.compile(QUALIFIER_PATTERN)


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionName:
    """A function by its name, and the version or alias that is meant: none for the unpublished version."""

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


def name_faults(name: str, qualifier: str | None) -> list[str]:
    """What is wrong with a name and the ``Qualifier`` parameter beside it, as faults of a validation error."""
    faults = []
    if len(name) > NAME_MAX:
        faults.append(fault(name, "functionName", f"have length less than or equal to {NAME_MAX}"))
    if _NAME.fullmatch(name) is None:
        faults.append(fault(name, "functionName", f"satisfy regular expression pattern: {NAME_PATTERN}"))
    if qualifier is None:
        return faults
    if qualifier == "":
        faults.append(fault(qualifier, "qualifier", "have length greater than or equal to 1"))
    if len(qualifier) > QUALIFIER_MAX:
        faults.append(fault(qualifier, "qualifier", f"have length less than or equal to {QUALIFIER_MAX}"))
    if _QUALIFIER.fullmatch(qualifier) is None:
        faults.append(fault(qualifier, "qualifier", f"satisfy regular expression pattern: {QUALIFIER_PATTERN}"))
    return faults


def parse_name(name: str, qualifier: str | None) -> FunctionName:
    """What a name without faults means.

    Raises:
        ApiError: the qualifiers in the name and beside it differ, or it names another region or account.
    """
    match = _NAME.fullmatch(name)
    assert match is not None
    if match["region"] not in (None, REGION):
        raise not_found(f"Functions from '{match['region']}' are not reachable in this region ('{REGION}')")
    if match["account"] not in (None, ACCOUNT):
        raise _denied(match["account"], match["name"])
    if qualifier is not None and match["qualifier"] not in (None, qualifier):
        message = "The derived qualifier from the function name does not match the specified qualifier."
        raise user_error(400, "InvalidParameterValueException", message)
    return FunctionName(match["name"], qualifier or match["qualifier"])


def name_in_path(segment: bytes, query: bytes | None) -> tuple[str, str | None]:
    """The name in a request's path, and its ``Qualifier`` parameter."""
    name = urllib.parse.unquote_to_bytes(segment).decode("utf-8", "replace")
    asked = urllib.parse.parse_qs((query or b"").decode("latin-1"), keep_blank_values=True).get("Qualifier")
    return name, asked[0] if asked else None


def _denied(account: str, name: str) -> ApiError:
    resource = f"arn:aws:lambda:{REGION}:{account}:function:{name}"
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: lambda:InvokeFunction on resource: {resource}"
        " because no resource-based policy allows the lambda:InvokeFunction action"
    )
    return ApiError(403, "AccessDeniedException", {"Message": message})
