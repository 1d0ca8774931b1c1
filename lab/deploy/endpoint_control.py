"""The client of the local endpoint's own API (`lab/endpoint/lab_api.py`)."""

import http.client
import json
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from lab.endpoint.control_secret import HEADER, LOOPBACK, read_secret
from lab.endpoint.lab_api import (
    ENVIRONMENTS_PATH,
    FAULTS_PATH,
    INFO_PATH,
    WIRE_PATH,
    Ended,
    Faults,
    FunctionCalls,
    Info,
)
from lab.errors import LabError

REMEDY = "start one with `lab serve`, or leave out --endpoint-url and AWS_ENDPOINT_URL"
USER_REMEDY = "run `lab` as the user who runs `lab serve`, with the same HOME and XDG_STATE_HOME"


class EndpointControl:
    """The paths under ``/_lab`` of a local endpoint.

    Every method raises `LabError` if no lab endpoint answers, or this user cannot read its secret.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def info(self) -> Info:
        """The endpoint's interpreters, profiles, snapshots, isolation and warnings."""
        return cast("Info", self._call("GET", INFO_PATH))

    def wire(self) -> dict[str, FunctionCalls]:
        """Downstream calls since the endpoint started, by function name."""
        return dict(self._call("GET", WIRE_PATH).get("functions", {}))

    def fail_downstream(self, error_rate: float) -> None:
        """Fail this share (0 to 1) of the functions' downstream calls from now on."""
        self._call("PUT", FAULTS_PATH, Faults(error_rate=error_rate))

    def end_environments(self) -> Ended:
        """End all idle environments of all functions; the busy ones end when they have answered. Snapshots stay."""
        return cast("Ended", self._call("DELETE", ENVIRONMENTS_PATH))

    def _call(self, method: str, path: str, content: Faults | None = None) -> dict[str, Any]:
        address = urlsplit(self._endpoint_url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        host = LOOPBACK if address.hostname == "localhost" else str(address.hostname)
        connection = kind(host, address.port, timeout=10)
        refusal = f"{self._endpoint_url} refuses the secret that this user has"
        headers = {"Content-Type": "application/json"}
        try:
            headers[HEADER] = read_secret(self._endpoint_url)
        except LabError as error:
            refusal = str(error)
        try:
            body = None if content is None else json.dumps(content)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise LabError(f"no local endpoint answers at {self._endpoint_url} ({reason}); {REMEDY}") from error
        finally:
            connection.close()
        if status == HTTPStatus.FORBIDDEN and HEADER.encode() in text:
            raise LabError(f"{refusal}; {USER_REMEDY}")
        try:
            result = json.loads(text or b"{}")
        except ValueError:
            result = None
        if status not in (200, 204) or not isinstance(result, dict):
            raise LabError(f"{self._endpoint_url} is not a lab endpoint ({path}: HTTP {status}); {REMEDY}")
        return result
