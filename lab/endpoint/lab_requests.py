"""Answers the lab's own API below ``/_lab/``. Its paths and types are in `lab.endpoint.lab_api`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lab.endpoint import lab_api
from lab.endpoint.api_error import user_error
from lab.endpoint.http_server import JSON_TYPE, Answer, Request
from lab.endpoint.invoke.destinations import Destinations
from lab.endpoint.wire import Wire
from lab.engine.engine import Engine
from lab.engine.sandbox.isolation import HOW_TO_PROTECT, NOTHING_PROTECTED


class LabRequests:
    """What a run asks of the endpoint that it uses."""

    def __init__(self, engine: Engine, the_wire: Wire, destinations: Destinations) -> None:
        self._engine = engine
        self._wire = the_wire
        self._destinations = destinations

    def answer(self, request: Request) -> Answer:
        """Answer one of them. Raises `ApiError` if there is no such request, or its body is not valid."""
        return 200, [JSON_TYPE], json.dumps(self._result(request)).encode()

    def _result(self, request: Request) -> Mapping[str, Any]:
        target = request.target.decode("latin-1")
        match request.method, target:
            case "GET", lab_api.INFO_PATH:
                return self._info()
            case "GET", lab_api.WIRE_PATH:
                return {"functions": self._wire.calls}
            case "PUT", lab_api.FAULTS_PATH:
                return self._set_faults(request)
            case "DELETE", lab_api.ENVIRONMENTS_PATH:
                return self._end_environments()
        raise user_error(404, "NotFound", f"no such request: {request.method} {target}")

    def _set_faults(self, request: Request) -> lab_api.Faults:
        try:
            rate = float(json.loads(request.body)["error_rate"])
        except (ValueError, KeyError, TypeError):
            rate = -1.0
        if not 0 <= rate <= 1:
            raise user_error(400, "ValidationException", 'the body must be {"error_rate": a number from 0 to 1}')
        self._wire.error_rate = rate
        return {"error_rate": rate}

    def _end_environments(self) -> lab_api.Ended:
        ended, busy = self._engine.end_environments()
        return {"ended": ended, "busy": busy}

    def _info(self) -> lab_api.Info:
        engine, profile = self._engine, self._wire.profile
        return {
            "interpreters": {
                runtime: {"interpreter": interpreter.version, "exact": exact}
                for runtime, (interpreter, exact) in engine.interpreters.items()
            },
            "profile": {"name": profile.name, "text": profile.text},
            "startup": {"name": engine.startup.name, "text": engine.startup.text},
            "tiers": engine.tiers(),
            "starts_delayed": {"count": engine.gate.delayed, "at_a_time": engine.gate.limit},
            "snapshots": [
                {"function": version.name, "version": version.version, "age_s": round(age_s, 3)}
                for version, age_s in engine.snapshot_ages_s().items()
            ],
            "warnings": [*self._warnings(), *self._wire.telemetry.warnings()],
        }

    def _warnings(self) -> Iterator[lab_api.EndpointWarning]:
        if not self._engine.isolation.confines:
            yield {"code": "not_confined", "message": NOTHING_PROTECTED, "advice": HOW_TO_PROTECT}
        for runtime, (interpreter, exact) in self._engine.interpreters.items():
            if not exact:
                yield {
                    "code": "interpreter_differs",
                    "message": f"{runtime} functions ran on Python {interpreter.version}: there is no {runtime} here",
                    "advice": f"install {runtime}, then run `make setup` again",
                }
        for version, reason in self._engine.unusable_snapshots().items():
            yield {
                "code": "snapshot_unusable",
                "message": f"{version.name}, version {version.version}, has no snapshot and starts cold: {reason}",
                "advice": "start threads and processes after the restore: the local endpoint cannot copy them",
            }
        for arn, reason in self._destinations.failed.items():
            yield {
                "code": "destination_failed",
                "message": f"a record of an asynchronous invocation could not be sent to {arn}: {reason}",
                "advice": "check that the destination exists at this endpoint",
            }
