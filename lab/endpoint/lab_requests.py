"""The lab's own requests at the endpoint, below ``/_lab/``."""

import json
from typing import Any

from lab.endpoint.api_error import ApiError, user_error
from lab.endpoint.destinations import Destinations
from lab.endpoint.http_server import Request, Respond
from lab.endpoint.request_ids import new_request_id
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine

JSON_TYPE = (b"Content-Type", b"application/json")
PREFIX = b"/_lab/"


class LabRequests:
    """What a run asks of the endpoint that it uses."""

    def __init__(self, engine: Engine, the_wire: Wire, destinations: Destinations) -> None:
        self._engine = engine
        self._wire = the_wire
        self._destinations = destinations

    def answer(self, request: Request, respond: Respond) -> None:
        """Answer one of them."""
        try:
            respond(200, [JSON_TYPE], json.dumps(self._result(request)).encode())
        except ApiError as error:
            respond(*error.answer(new_request_id()))

    def _result(self, request: Request) -> dict[str, Any]:
        route = (request.method, request.target)
        if route == ("GET", b"/_lab/info"):
            return self._info()
        if route == ("GET", b"/_lab/wire"):
            return {"functions": {name: calls.to_json() for name, calls in self._wire.calls.items()}}
        if route == ("PUT", b"/_lab/faults"):
            return self._set_faults(request)
        raise user_error(404, "NotFound", f"no such request: {request.method} {request.target.decode('latin-1')}")

    def _set_faults(self, request: Request) -> dict[str, Any]:
        try:
            rate = float(json.loads(request.body)["error_rate"])
        except (ValueError, KeyError, TypeError):
            rate = -1.0
        if not 0 <= rate <= 1:
            raise user_error(400, "ValidationException", 'the body must be {"error_rate": a number from 0 to 1}')
        self._wire.error_rate = rate
        return {"error_rate": rate}

    def _info(self) -> dict[str, Any]:
        profile = self._wire.profile
        return {
            "interpreters": {
                runtime: {"interpreter": interpreter.version, "exact": exact}
                for runtime, (interpreter, exact) in self._engine.interpreters.items()
            },
            "profile": {"name": profile.name, "text": profile.text},
            "tiers": self._engine.tiers(),
            "starts_delayed": {"count": self._engine.gate.delayed, "at_a_time": self._engine.gate.limit},
            "warnings": [
                *self._interpreter_warnings(),
                *self._snapshot_warnings(),
                *self._destination_warnings(),
                *self._wire.telemetry.warnings(),
            ],
        }

    def _interpreter_warnings(self) -> list[dict[str, str]]:
        return [
            {
                "code": "interpreter_differs",
                "message": f"{runtime} functions ran on Python {interpreter.version}: there is no {runtime} here",
                "advice": f"install {runtime}, then `make setup` again",
            }
            for runtime, (interpreter, exact) in self._engine.interpreters.items()
            if not exact
        ]

    def _snapshot_warnings(self) -> list[dict[str, str]]:
        return [
            {
                "code": "snapshot_unusable",
                "message": f"{version.name}, version {version.version}, has no snapshot and starts cold: {reason}",
                "advice": "begin threads after the restore, and mend an init that fails; its log tells more",
            }
            for version, reason in self._engine.unusable_snapshots().items()
        ]

    def _destination_warnings(self) -> list[dict[str, str]]:
        return [
            {
                "code": "destination_failed",
                "message": f"a record of an asynchronous invocation could not be sent to {arn}: {reason}",
                "advice": "check that the destination exists at this endpoint",
            }
            for arn, reason in self._destinations.failed.items()
        ]
