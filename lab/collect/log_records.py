"""Records of invocations that the lab did not send, from what their functions logged.

A function of the lab logs one EMF line an invocation, and Lambda its REPORT line; the request id is in both. What only
a driver can know is absent: planned start, key, latency, version, staleness. ``received_at`` is when Lambda logged the
report, by AWS's clock. Where an environment called downstream at init and again in its first invocation, all of these
calls are told as the invocation's.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Final

from lab.aws.function_logs import LogLine
from lab.records.emf_line import downstream_of, measured, parse_emf
from lab.records.record import Outcome, Record, Status
from lab.records.report_line import Report, parse_report

FAILURES: Final = frozenset({"error", "failure", "timeout"})
WORDS: Final = {"Hits": "hit", "Misses": "miss", "StaleServed": "stale"}


@dataclasses.dataclass(slots=True)
class _Seen:
    """What was logged of one invocation so far."""

    at: float
    request_id: str
    line: dict[str, Any] | None = None
    report: Report | None = None


@dataclasses.dataclass(slots=True)
class _Environment:
    """What was logged of an execution environment so far. ``invocations`` is None if its first is not in the log."""

    restored: bool | None = None
    invocations: int | None = None


def records(lines: Iterable[LogLine], *, run_id: str, target: str, variant: str) -> Iterator[Record]:
    """One record an invocation, in the order in which the first line of each was logged.

    An asynchronous invocation that was tried again has one record a try.
    """
    environments: dict[str, _Environment] = {}
    for sequence, seen in enumerate(_invocations(lines)):
        yield Record(
            run_id=run_id,
            target=target,
            variant=variant,
            sequence=sequence,
            key=None,
            planned_at=None,
            sent_at=None,
            received_at=seen.at,
            latency_ms=None,
            service_ms=None,
            staleness_ms=None,
            **_outcome(seen, environments).fields(),
        )


def _invocations(lines: Iterable[LogLine]) -> list[_Seen]:
    found: list[_Seen] = []
    latest: dict[str, _Seen] = {}

    def of(request_id: str, at: float) -> _Seen:
        seen = latest.get(request_id)
        if seen is None:
            seen = latest[request_id] = _Seen(at, request_id)
            found.append(seen)
        return seen

    for line in lines:
        if (told := parse_report(line.text)) is not None:
            seen = of(told[0], line.at)
            seen.report, seen.at = told[1], line.at
        elif (content := parse_emf(line.text)) is not None:
            known = latest.get(content["request_id"])
            if known is not None and known.report is not None:
                del latest[known.request_id]
            seen = of(content["request_id"], line.at)
            seen.line = content
    return found


def _outcome(seen: _Seen, environments: dict[str, _Environment]) -> Outcome:
    line, report = seen.line or {}, seen.report or Report()
    words = [word for name, word in WORDS.items() if line.get(name) == 1]
    environment_id = _text(line.get("environment_id"))
    environment = None if environment_id is None else environments.setdefault(environment_id, _Environment())
    cold = None if seen.line is None else line.get("ColdStarts") == 1
    if environment is not None:
        _take_note(environment, cold=cold is True, restored=report.restore_ms is not None)
    return Outcome(
        status=_status(seen, answered=bool(words)),
        error_type=report.error_type,
        request_id=seen.request_id,
        environment_id=environment_id,
        invocation=None if environment is None else environment.invocations,
        cold_start=cold,
        restored=None if environment is None else environment.restored,
        init_ms=report.init_ms,
        restore_ms=report.restore_ms,
        duration_ms=report.duration_ms,
        billed_ms=report.billed_ms,
        memory_mb=report.memory_mb,
        max_memory_mb=report.max_memory_mb,
        cache=words[0] if words else None,
        **downstream_of(line),
        age_ms=measured(line.get("ValueAge")),
    )


def _take_note(environment: _Environment, *, cold: bool, restored: bool) -> None:
    if cold or restored:
        environment.restored, environment.invocations = restored, 1
    elif environment.invocations is not None:
        environment.invocations += 1


def _status(seen: _Seen, *, answered: bool) -> Status:
    failed = seen.report is not None and seen.report.status in FAILURES
    return "function_error" if failed or (seen.line is not None and not answered) else "ok"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
