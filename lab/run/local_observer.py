"""What a run on a local endpoint observes beside its records: downstream calls on the wire, and the endpoint itself."""

import dataclasses
from collections.abc import Iterator

from facts.names import function_name
from facts.warnings import WarningCode
from lab.deploy.endpoint_control import EndpointControl
from lab.endpoint.lab_api import Info
from lab.records.run_file import LocalEndpoint, RunFile, RunWarning, WireCounts, run_warning


class LocalObserver:
    """Observes one run. Use in the order: `begin`, the window, `end`."""

    def __init__(self, control: EndpointControl) -> None:
        self._control = control
        self._calls_before: dict[str, tuple[int, int]] = {}
        self._delayed_before = 0

    def begin(self, run: RunFile) -> RunFile:
        """Read the counts before the window, and describe the endpoint in the run file."""
        info = self._control.info()
        self._calls_before = self._calls(run)
        self._delayed_before = info["starts_delayed"]["count"]
        return dataclasses.replace(run, local=_endpoint(info, run.run.runtime))

    def end(self, run: RunFile) -> RunFile:
        """Add the counts of the window, and the endpoint's warnings, to the run file."""
        info, before = self._control.info(), self._calls_before
        wire = {
            variant: WireCounts(
                downstream_calls=calls - before[variant][0], downstream_errors=errors - before[variant][1]
            )
            for variant, (calls, errors) in self._calls(run).items()
        }
        warnings = (*run.warnings, *self._warnings(info))
        return dataclasses.replace(run, local=_endpoint(info, run.run.runtime), wire=wire, warnings=warnings)

    def _calls(self, run: RunFile) -> dict[str, tuple[int, int]]:
        """Downstream calls and errors since the endpoint started, by variant."""
        functions = self._control.wire()
        seen = {variant: functions.get(function_name(variant)) for variant in run.settings.variants}
        return {
            variant: (each["downstream_calls"], each["downstream_errors"]) if each else (0, 0)
            for variant, each in seen.items()
        }

    def _warnings(self, info: Info) -> Iterator[RunWarning]:
        for each in info["warnings"]:
            # The report derives this one for this run's runtime; the endpoint says it of all that it ran.
            if each["code"] != WarningCode.INTERPRETER_DIFFERS:
                yield RunWarning(each["code"], each["message"], each["advice"])
        starts = info["starts_delayed"]
        delayed = starts["count"] - self._delayed_before
        if delayed > 0:
            yield run_warning(
                WarningCode.STARTS_DELAYED,
                f"{delayed} environments waited to start: this machine starts {starts['at_a_time']} at a time",
                "lower --rate, drive fewer variants, or use a machine with more processors",
            )


def _endpoint(info: Info, runtime: str | None) -> LocalEndpoint:
    interpreter = info["interpreters"].get(runtime or "")
    return LocalEndpoint(
        interpreter=interpreter["interpreter"] if interpreter else None,
        profile=info["profile"]["name"],
        profile_text=info["profile"]["text"],
        tiers=info["tiers"],
    )
