"""Errors as the Lambda API answers them, and request ids."""

import json
import logging
import random
from typing import Any

from lab.endpoint.http_server import JSON_TYPE, Answer

logger = logging.getLogger(__name__)
_random = random.Random()  # noqa: S311 - ids tell invocations apart, and keep no secret


def new_request_id() -> str:
    """A UUID of version 4, as AWS's are. As ``str(uuid.uuid4())``, in less than half of its time."""
    digits = f"{_random.getrandbits(128) & ~(0xF << 76 | 3 << 62) | 4 << 76 | 2 << 62:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class ApiError(Exception):
    """An error answer: HTTP status, error type (header ``x-amzn-ErrorType``) and JSON body.

    Lambda's errors differ in their bodies: ``message`` or ``Message``, with or without ``Type``. Each constructor here
    makes the body that AWS was seen to answer with.
    """

    def __init__(self, status: int, error_type: str, body: dict[str, Any]) -> None:
        super().__init__(f"{error_type}: {body}")
        self.status = status
        self.error_type = error_type
        self.body = body


def error_answer(error: Exception) -> Answer:
    """The answer to an error. What is not an `ApiError` is a bug: its traceback is logged."""
    if not isinstance(error, ApiError):
        logger.error("internal error", exc_info=error)
        error = service_error(500, "ServiceException", f"{type(error).__name__}: {error}")
    headers = [
        JSON_TYPE,
        (b"x-amzn-RequestId", new_request_id().encode()),
        (b"x-amzn-ErrorType", error.error_type.encode()),
    ]
    return error.status, headers, json.dumps(error.body, separators=(",", ":")).encode()


def validation_error(faults: list[str]) -> ApiError:
    """Parameters that break the API's model, each fault as from `fault`."""
    plural = "s" if len(faults) > 1 else ""
    message = f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}"
    return ApiError(400, "ValidationException", {"message": message})


def fault(value: str, field: str, constraint: str) -> str:
    """One fault of a validation error."""
    return f"Value '{value}' at '{field}' failed to satisfy constraint: Member must {constraint}"


def user_error(status: int, error_type: str, message: str) -> ApiError:
    """An error that the caller can correct."""
    return ApiError(status, error_type, {"Type": "User", "message": message})


def not_now(state: str) -> ApiError:
    """A function, or a version of it, is in a state that does not allow the operation."""
    message = "The operation cannot be performed at this time. The function is currently in the following state:"
    return user_error(409, "ResourceConflictException", f"{message} {state}")


def not_found(message: str) -> ApiError:
    """No such function, version or alias."""
    return ApiError(404, "ResourceNotFoundException", {"Type": "User", "Message": message})


def service_error(status: int, error_type: str, message: str) -> ApiError:
    """An error on this side."""
    return ApiError(status, error_type, {"Type": "Service", "Message": message})
