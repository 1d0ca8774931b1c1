"""Errors as the Lambda API answers them."""

import json
from typing import Any

from lab.endpoint.http_server import Headers


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

    def answer(self, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers and body."""
        headers = [
            (b"Content-Type", b"application/json"),
            (b"x-amzn-RequestId", request_id.encode()),
            (b"x-amzn-ErrorType", self.error_type.encode()),
        ]
        return self.status, headers, json.dumps(self.body).encode()


def validation_error(faults: list[str]) -> ApiError:
    """Parameters that break the API's model, each fault as from `fault`."""
    plural = "s" if len(faults) > 1 else ""
    message = f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}"
    return ApiError(400, "ValidationException", {"message": message})


def fault(value: str, field: str, constraint: str) -> str:
    """One fault of a validation error."""
    return f"Value '{value}' at '{field}' failed to satisfy constraint: Member must {constraint}"


def user_error(status: int, error_type: str, message: str) -> ApiError:
    """An error that the caller can mend."""
    return ApiError(status, error_type, {"Type": "User", "message": message})


def not_found(message: str) -> ApiError:
    """There is no such function, version or alias."""
    return ApiError(404, "ResourceNotFoundException", {"Type": "User", "Message": message})


def internal_error(error: Exception) -> ApiError:
    """The answer to what nobody foresaw."""
    return service_error(500, "ServiceException", f"{type(error).__name__}: {error}")


def service_error(status: int, error_type: str, message: str) -> ApiError:
    """An error on this side."""
    return ApiError(status, error_type, {"Type": "Service", "Message": message})
