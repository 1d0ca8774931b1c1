"""Whether a request is signed as AWS asks (Signature Version 4), as far as an endpoint without accounts can tell.

The signature itself cannot be checked: callers use what keys they like. Its form, scope and age are.
Source: AWS IAM User Guide, "Elements of an AWS API request signature"; the texts are AWS's, as quoted in public issues.
"""

import dataclasses
import datetime
import re
import urllib.parse

from lab.endpoint.api_error import ApiError
from lab.endpoint.emulator import REGION
from lab.endpoint.http_server import Request

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE = datetime.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True, slots=True)
class _Signature:
    credential: str
    signed_headers: str
    signature: str
    stamp: str
    valid_for: datetime.timedelta


def signer_of(request: Request) -> str | None:
    """The access key that signed a request to Lambda, by header or query; None where it is not signed.

    Raises:
        ApiError: it is signed, but not so that AWS would take it.
    """
    found = _in_header(request) or _in_query(request)
    if found is None:
        return None
    access_key, date, region, service = _scope(found)
    if service != "lambda":
        raise _invalid("Credential should be scoped to correct service: 'lambda'. ")
    if region != REGION:
        raise _invalid("Credential should be scoped to a valid region. ")
    if "host" not in found.signed_headers.split(";"):
        raise _invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if not found.stamp.startswith(date) or _SIGNATURE.fullmatch(found.signature) is None:
        raise _mismatch()
    _check_age(found)
    return access_key


def _in_header(request: Request) -> _Signature | None:
    value = request.header(b"authorization") or ""
    if not value.startswith(ALGORITHM):
        return None
    fields = dict(_FIELD.findall(value))
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if name not in fields]
    stamp = request.header(b"x-amz-date") or ""
    if missing or not stamp:
        told = [f"Authorization header requires '{name}' parameter." for name in missing]
        if not stamp:
            told.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        raise ApiError(403, "IncompleteSignatureException", {"message": f"{' '.join(told)} Authorization={ALGORITHM}"})
    return _Signature(fields["Credential"], fields["SignedHeaders"], fields["Signature"], stamp, TOLERANCE)


def _in_query(request: Request) -> _Signature | None:
    query = dict(urllib.parse.parse_qsl(request.target.partition(b"?")[2].decode("latin-1")))
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        return None
    seconds = query.get("X-Amz-Expires", "")
    return _Signature(
        query.get("X-Amz-Credential", ""),
        query.get("X-Amz-SignedHeaders", ""),
        query.get("X-Amz-Signature", ""),
        query.get("X-Amz-Date", ""),
        datetime.timedelta(seconds=int(seconds) if seconds.isdecimal() and len(seconds) <= 6 else 0),
    )


def _scope(found: _Signature) -> tuple[str, str, str, str]:
    parts = found.credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise _invalid("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
    return parts[0], parts[1], parts[2], parts[3]


def _check_age(found: _Signature) -> None:
    now = datetime.datetime.now(datetime.UTC)
    try:
        signed = datetime.datetime.strptime(found.stamp, STAMP).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise _mismatch() from None
    if signed + found.valid_for < now:
        limit = (now - found.valid_for).strftime(STAMP)
        raise _invalid(f"Signature expired: {found.stamp} is now earlier than {limit} ({now.strftime(STAMP)} - 5 min.)")
    if signed - TOLERANCE > now:
        limit = (now + TOLERANCE).strftime(STAMP)
        text = f"Signature not yet current: {found.stamp} is still later than {limit} ({now.strftime(STAMP)} + 5 min.)"
        raise _invalid(text)


def _mismatch() -> ApiError:
    return _invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
        " Key and signing method. Consult the service documentation for details."
    )


def _invalid(message: str) -> ApiError:
    return ApiError(403, "InvalidSignatureException", {"message": message})
