"""What a run on a local endpoint observes beside its records: downstream calls on the wire, and the endpoint itself."""

import dataclasses
import time
from collections.abc import Iterator
from typing import Final

from facts.names import Names
from facts.warnings import WarningCode
from lab.deploy.endpoint_control import EndpointControl
from lab.endpoint.lab_api import FunctionCalls, Info
from lab.records.run_file import LocalEndpoint, RunFile, RunWarning, WireCounts

NO_CALLS: Final = FunctionCalls(downstream_calls=0, downstream_errors=0, read_units=0.0, overruns=0, operations={})


class LocalObserver:
    """Observes one run. Use in the order: `begin`, the window, `end`."""

    def __init__(self, control: EndpointControl, names: Names) -> None:
        self._control = control
        self._names = names
        self._before: dict[str, FunctionCalls] = {}
        self._snapshot_taken_at: float | None = None

    def begin(self, run: RunFile) -> RunFile:
        """Read the counts before the window, and describe the endpoint in the run file."""
        info = self._control.info()
        self._before = self._calls(run)
        functions = set(map(self._names.function_name, run.settings.variants))
        ages = [each["age_s"] for each in info["snapshots"] if each["function"] in functions]
        self._snapshot_taken_at = time.time() - min(ages) if ages else None
        return dataclasses.replace(run, local=_endpoint(info, run.run.runtime))

    def end(self, run: RunFile) -> RunFile:
        """Add the counts of the window, and the endpoint's warnings, to the run file."""
        info = self._control.info()
        in_units = run.run.source == "dynamodb"
        wire = {
            variant: _since(self._before[variant], calls, in_units=in_units)
            for variant, calls in self._calls(run).items()
        }
        warnings = (*run.warnings, *self._warnings(info))
        local = dataclasses.replace(_endpoint(info, run.run.runtime), snapshot_age_s=self._snapshot_age_s(run))
        return dataclasses.replace(run, local=local, wire=wire, warnings=warnings)

    def _snapshot_age_s(self, run: RunFile) -> float | None:
        """How old the youngest snapshot was when the first measured time began."""
        measured_from = run.repetitions[0].measured_from if run.repetitions else None
        if self._snapshot_taken_at is None or measured_from is None:
            return None
        return round(measured_from - self._snapshot_taken_at, 3)

    def _calls(self, run: RunFile) -> dict[str, FunctionCalls]:
        """What the wire has seen since the endpoint started, by variant."""
        functions = self._control.wire()
        return {
            variant: functions.get(self._names.function_name(variant), NO_CALLS) for variant in run.settings.variants
        }

    def _warnings(self, info: Info) -> Iterator[RunWarning]:
        for each in info["warnings"]:
            # The report derives this one for this run's runtime; the endpoint says it of all that it ran.
            if each["code"] != WarningCode.INTERPRETER_DIFFERS:
                yield RunWarning(each["code"], each["message"], each["advice"])


def _since(before: FunctionCalls, now: FunctionCalls, *, in_units: bool) -> WireCounts:
    return WireCounts(
        downstream_calls=now["downstream_calls"] - before["downstream_calls"],
        downstream_errors=now["downstream_errors"] - before["downstream_errors"],
        read_units=now["read_units"] - before["read_units"] if in_units else None,
    )


def _endpoint(info: Info, runtime: str | None) -> LocalEndpoint:
    interpreter = info["interpreters"].get(runtime or "")
    return LocalEndpoint(
        interpreter=interpreter["interpreter"] if interpreter else None,
        profile=info["profile"]["name"],
        profile_text=info["profile"]["text"],
        startup=info["startup"]["name"],
        startup_text=info["startup"]["text"],
        tiers=info["tiers"],
    )
