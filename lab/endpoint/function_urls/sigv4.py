"""Whether a request is signed as AWS asks (Signature Version 4), as far as an endpoint without accounts can know.

Form, scope and age of a signature are checked. The signature itself cannot be: callers use any keys.
Source: AWS IAM User Guide, "Elements of an AWS API request signature"; the texts are AWS's, as quoted in public issues.
"""

import datetime
import re
import urllib.parse
from typing import NamedTuple

from lab.endpoint.api_error import ApiError
from lab.endpoint.emulator.account import REGION
from lab.endpoint.http_server import Request

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE = datetime.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access"
    " Key and signing method. Consult the service documentation for details."
)
_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class _Signature(NamedTuple):
    credential: str
    signed_headers: str
    signature: str
    stamp: str
    valid_for: datetime.timedelta


def signer_of(request: Request) -> str | None:
    """The access key that signed a request to Lambda, by header or query; None where it is not signed.

    Raises `ApiError` if it is signed, but AWS would not take the signature.
    """
    found = _in_header(request) or _in_query(request)
    if found is None:
        return None
    parts = found.credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise _invalid("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
    access_key, date, region, service, _ = parts
    if service != "lambda":
        raise _invalid("Credential should be scoped to correct service: 'lambda'. ")
    if region != REGION:
        raise _invalid("Credential should be scoped to a valid region. ")
    if "host" not in found.signed_headers.split(";"):
        raise _invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    if not found.stamp.startswith(date) or _SIGNATURE.fullmatch(found.signature) is None:
        raise _invalid(MISMATCH)
    _check_age(found)
    return access_key


def _in_header(request: Request) -> _Signature | None:
    value = request.header(b"authorization") or ""
    if not value.startswith(ALGORITHM):
        return None
    fields = dict(_FIELD.findall(value))
    stamp = request.header(b"x-amz-date") or ""
    names = ("Credential", "Signature", "SignedHeaders")
    faults = [f"Authorization header requires '{name}' parameter." for name in names if name not in fields]
    if not stamp:
        faults.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if faults:
        faults.append(f"Authorization={ALGORITHM}")
        raise ApiError(403, "IncompleteSignatureException", {"message": " ".join(faults)})
    return _Signature(fields["Credential"], fields["SignedHeaders"], fields["Signature"], stamp, TOLERANCE)


def _in_query(request: Request) -> _Signature | None:
    query = dict(urllib.parse.parse_qsl(request.target.partition(b"?")[2].decode("latin-1")))
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        return None
    credential, headers, signature, stamp, seconds = (
        query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature", "Date", "Expires")
    )
    valid_s = int(seconds) if seconds.isdecimal() and len(seconds) <= 6 else 0
    return _Signature(credential, headers, signature, stamp, datetime.timedelta(seconds=valid_s))


def _check_age(found: _Signature) -> None:
    now = datetime.datetime.now(datetime.UTC)
    try:
        signed = datetime.datetime.strptime(found.stamp, STAMP).replace(tzinfo=datetime.UTC)
    except ValueError:
        raise _invalid(MISMATCH) from None
    stamp = now.strftime(STAMP)
    if signed + found.valid_for < now:
        limit = (now - found.valid_for).strftime(STAMP)
        raise _invalid(f"Signature expired: {found.stamp} is now earlier than {limit} ({stamp} - 5 min.)")
    if signed - TOLERANCE > now:
        limit = (now + TOLERANCE).strftime(STAMP)
        raise _invalid(f"Signature not yet current: {found.stamp} is still later than {limit} ({stamp} + 5 min.)")


def _invalid(message: str) -> ApiError:
    return ApiError(403, "InvalidSignatureException", {"message": message})
