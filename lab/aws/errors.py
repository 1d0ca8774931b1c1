"""AWS's refusals as one clear line each, with the remedy.

Error codes: AWS General Reference and the services' "Common Errors" pages; the same fault has another code at each
service (STS ``InvalidClientTokenId``, Lambda ``UnrecognizedClientException``, S3 ``InvalidAccessKeyId``).
"""

import contextlib
from collections.abc import Iterator
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from lab.errors import LabError

EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
UNKNOWN: Final = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
THROTTLED: Final = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
NOT_ENABLED: Final = frozenset({"OptInRequired", "SubscriptionRequiredException"})

FORMS: Final = (
    (EXPIRED, "the AWS credentials have expired ({told}); log in again (`aws sso login`), or fetch new ones"),
    (
        UNKNOWN,
        "AWS does not know these credentials ({told}); check AWS_PROFILE or the access key, and that the region is"
        " enabled in the account",
    ),
    (DENIED, "no permission ({told}); use credentials that may, docs/aws.md lists what is needed"),
    (THROTTLED, "AWS throttled it, also when asked again ({told}); try again in a minute"),
    (NOT_ENABLED, "the region is not enabled in this account ({told}); enable it, or set AWS_REGION to another"),
)


@contextlib.contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn botocore's errors into one clear line that says what could not be done, and what to do.

    Args:
        doing: what is being done, to follow "cannot".
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        told = _of_answer(error) if isinstance(error, ClientError) else _of_botocore(error)
        raise LabError(f"cannot {doing}: {told}") from error


def error_code(error: ClientError) -> str:
    """The code of an error that AWS answered, such as `AccessDenied`; empty if it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _of_answer(error: ClientError) -> str:
    code = error_code(error) or "error"
    message = " ".join(str(error.response.get("Error", {}).get("Message") or "no message").split()).rstrip(".")
    told = f"{code}: {message}"
    if "Signature expired" in message or "Signature not yet current" in message or code == "RequestTimeTooSkewed":
        return f"{told}; set this machine's clock, AWS takes five minutes' difference at most"
    for codes, form in FORMS:
        if code in codes:
            return form.format(told=told)
    return told


def _of_botocore(error: BotoCoreError) -> str:
    told = " ".join(str(error).split()).rstrip(".")
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return f"{told}; run `aws configure`, or set AWS_PROFILE"
        case SSOTokenLoadError() | UnauthorizedSSOTokenError() | TokenRetrievalError():
            return FORMS[0][1].format(told=told)
        case NoRegionError() | InvalidRegionError():
            return f"{told}; set AWS_REGION to a region such as eu-central-1"
        case EndpointConnectionError():
            return f"{told}; check the network, and that AWS_REGION names a region"
    return told
