"""AWS's error answers as one clear line each, with the remedy.

Error codes: AWS General Reference, and the "Common Errors" page of each service. Services name the same fault
differently (STS ``InvalidClientTokenId``, Lambda ``UnrecognizedClientException``, S3 ``InvalidAccessKeyId``).
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

from facts.quotas import THROTTLED
from lab.errors import LabError

DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_EXPIRED: Final = "the AWS credentials have expired ({error}); log in again (`aws sso login`), or fetch new ones"
_ANSWERS: Final = (
    ({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}, _EXPIRED),
    (
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
        },
        "AWS does not accept these credentials ({error}); check AWS_PROFILE or the access key, and that the region is"
        " enabled in the account",
    ),
    (DENIED, "no permission ({error}); use credentials with the permissions in docs/how-to/measure-on-aws.md"),
    (THROTTLED, "AWS throttled every attempt ({error}); try again in a minute"),
    ({"LimitExceededException"}, "a quota of the service is used up ({error}); wait until it is free, or raise it"),
    (
        {"OptInRequired", "SubscriptionRequiredException"},
        "the region is not enabled in this account ({error}); enable it, or set AWS_REGION to another",
    ),
)
"""Error codes, and the text for each group of them."""
_OF_BOTOCORE: Final = (
    ((NoCredentialsError, PartialCredentialsError), "{error}; run `aws configure`, or set AWS_PROFILE"),
    ((SSOTokenLoadError, UnauthorizedSSOTokenError, TokenRetrievalError), _EXPIRED),
    ((NoRegionError, InvalidRegionError), "{error}; set AWS_REGION to a region such as eu-central-1"),
    ((EndpointConnectionError,), "{error}; check the network, and that AWS_REGION names a region"),
)


@contextlib.contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn botocore's errors into a `LabError`: "cannot", what the block is ``doing``, why, and the remedy."""
    try:
        yield
    except ClientError as error:
        raise LabError(f"cannot {doing}: {_text_of_answer(error)}") from error
    except BotoCoreError as error:
        form = next((form for kinds, form in _OF_BOTOCORE if isinstance(error, kinds)), "{error}")
        raise LabError(f"cannot {doing}: {form.format(error=_line(str(error)))}") from error


def error_code(error: ClientError) -> str:
    """The code of an error answer, such as `AccessDenied`; empty if it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _text_of_answer(error: ClientError) -> str:
    code = error_code(error) or "error"
    text = f"{code}: {_line(error.response.get('Error', {}).get('Message') or 'no message')}"
    if "Signature expired" in text or "Signature not yet current" in text or code == "RequestTimeTooSkewed":
        return f"{text}; set this machine's clock: AWS accepts a difference of five minutes"
    return next((form.format(error=text) for codes, form in _ANSWERS if code in codes), text)


def _line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
