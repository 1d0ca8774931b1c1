"""Records of invocations that the lab did not send, from the logs of their functions.

A function of the lab logs one EMF line for each invocation, and Lambda its REPORT line; both have the request id. What
only a driver knows is absent: planned start, key, latency, version, staleness. ``received_at`` is when Lambda logged
the report, by AWS's clock. Calls of init and of the first invocation are counted together, as the invocation's.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Final

from facts import metrics
from lab.aws.function_logs import LogLine
from lab.records.emf_line import downstream_of, parse_emf
from lab.records.json_values import measured
from lab.records.platform_line import TIMED_OUT, parse_failure, parse_start
from lab.records.record import Outcome, Record
from lab.records.report_line import InvocationReport, parse_report

FAILURES: Final = frozenset({"error", "failure", "timeout"})
ANSWERS: Final = {metrics.HITS.name: "hit", metrics.MISSES.name: "miss", metrics.STALE_SERVED.name: "stale"}


@dataclasses.dataclass(slots=True)
class _Logged:
    """What was logged of one invocation so far."""

    at: float
    request_id: str
    emf: dict[str, Any] | None = None
    report: InvocationReport | None = None
    error_type: str | None = None


@dataclasses.dataclass(slots=True)
class _Environment:
    """What was logged of an execution environment so far. ``invocations`` is None if its first is not in the log."""

    restored: bool | None = None
    invocations: int | None = None


def records(lines: Iterable[LogLine], *, run_id: str, target: str, variant: str) -> Iterator[Record]:
    """Make a record of each invocation, in the order in which the first line of each was logged.

    An asynchronous invocation that Lambda tried again has a record for each try.
    """
    environments: dict[str, _Environment] = {}
    invocations = _Invocations()
    for line in lines:
        invocations.add(line)
    for sequence, logged in enumerate(invocations.found):
        yield Record(
            run_id=run_id,
            target=target,
            variant=variant,
            sequence=sequence,
            received_at=logged.at,
            **_outcome(logged, environments).fields(),
        )


class _Invocations:
    """The invocations of a log, in the order in which the first line of each was logged."""

    def __init__(self) -> None:
        self.found: list[_Logged] = []
        self._latest: dict[str, _Logged] = {}
        self._serving: dict[str, str] = {}  # by stream: an environment serves one request at a time

    def add(self, line: LogLine) -> None:
        """Note what a line says."""
        if (report := parse_report(line.text)) is not None:
            logged = self._of_try(report[0], line.at)
            logged.report, logged.at = report[1], line.at
            self._serving.pop(line.stream, None)
        elif (emf := parse_emf(line.text)) is not None:
            self._of_try(emf["request_id"], line.at).emf = emf
        elif (started := parse_start(line.text)) is not None:
            self._serving[line.stream] = started
            self._forget_reported(started)
        elif (failure := parse_failure(line.text)) is not None:
            request_id = failure.request_id or self._serving.get(line.stream)
            if request_id is not None:
                self._of(request_id, line.at).error_type = failure.error_type

    def _of_try(self, request_id: str, at: float) -> _Logged:
        self._forget_reported(request_id)
        return self._of(request_id, at)

    def _of(self, request_id: str, at: float) -> _Logged:
        if request_id not in self._latest:
            self._latest[request_id] = _Logged(at, request_id)
            self.found.append(self._latest[request_id])
        return self._latest[request_id]

    def _forget_reported(self, request_id: str) -> None:
        """Let a new try begin if the last one has its report, its last line but for a timeout's."""
        if request_id in self._latest and self._latest[request_id].report is not None:
            del self._latest[request_id]


def _outcome(logged: _Logged, environments: dict[str, _Environment]) -> Outcome:
    emf, report = logged.emf or {}, logged.report or InvocationReport()
    cache = next((word for name, word in ANSWERS.items() if emf.get(name) == 1), None)
    ended = logged.emf is not None or logged.error_type is not None
    failed = report.status in FAILURES or (cache is None and ended)
    timed_out = TIMED_OUT if report.status == "timeout" else None
    cold = None if logged.emf is None else emf.get(metrics.COLD_STARTS.name) == 1
    environment_id = emf.get("environment_id")
    environment = None
    if isinstance(environment_id, str):
        environment = environments.setdefault(environment_id, _Environment())
        restored = report.restore_ms is not None
        if cold or restored:
            environment.restored, environment.invocations = restored, 1
        elif environment.invocations is not None:
            environment.invocations += 1
    return Outcome(
        status="function_error" if failed else "ok",
        error_type=(report.error_type or timed_out or logged.error_type) if failed else None,
        request_id=logged.request_id,
        environment_id=environment_id if environment else None,
        invocation=environment.invocations if environment else None,
        cold_start=cold,
        restored=environment.restored if environment else None,
        cache=cache,
        age_ms=measured(emf.get(metrics.VALUE_AGE.name)),
        **downstream_of(emf),
        **report.fields(),
    )
