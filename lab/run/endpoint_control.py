"""What the local endpoint answers beside AWS's APIs: itself, the calls on the wire, faults."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from lab.errors import LabError


class EndpointControl:
    """The paths under ``/_lab`` of a local endpoint."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def info(self) -> dict[str, Any]:
        """The endpoint itself: ``interpreters`` by deployed runtime, ``profile``, ``tiers``, ``warnings``.

        Raises:
            LabError: no endpoint of the lab answers there.
        """
        return self._call("GET", "/_lab/info")

    def wire(self) -> dict[str, dict[str, Any]]:
        """What the endpoint saw each function call downstream since it started, by the function's name."""
        functions = self._call("GET", "/_lab/wire").get("functions", {})
        return dict(functions)

    def fail_downstream(self, error_rate: float) -> None:
        """Fail this share (0 to 1) of the functions' downstream calls from now on."""
        self._call("PUT", "/_lab/faults", {"error_rate": error_rate})

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        address = urlsplit(self._endpoint_url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        remedy = "start one with `python -m lab serve`, or leave --endpoint-url and AWS_ENDPOINT_URL out"
        try:
            connection = kind(address.netloc, timeout=10)
            try:
                body = None if content is None else json.dumps(content)
                connection.request(method, path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                status, text = answer.status, answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise LabError(f"no local endpoint answers at {self._endpoint_url} ({reason}); {remedy}") from error
        try:
            result = json.loads(text or b"{}")
        except ValueError:
            result = None
        if status not in (200, 204) or not isinstance(result, dict):
            raise LabError(f"{self._endpoint_url} is no endpoint of this lab ({path}: HTTP {status}); {remedy}")
        return result
