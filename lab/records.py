"""The record of one invocation, and the file that keeps the records of a run.

A run's folder holds ``run.json`` (what was run) and ``records.jsonl`` (one line an invocation, appended
as it completes). A run that was killed leaves at most one incomplete last line, which reading passes over.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from lab.errors import LabError

SCHEMA_VERSION = 1
RECORDS_FILE = "records.jsonl"
RUN_FILE = "run.json"

Status = Literal["ok", "function_error", "throttled", "lost"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an invocation, as far as its answer or its log tells. Absent is None, never 0.

    ``…_ms`` are milliseconds. ``init_downstream_calls`` are those that the environment made outside any invocation (at
    init or after a restore), told by its first one. ``downstream_errors`` are those of both that got no answer or an
    HTTP status of 400 or more; a failed invocation has them too, where its log was seen.
    """

    status: Status
    error_type: str | None = None
    request_id: str | None = None
    environment_id: str | None = None
    invocation: int | None = None
    cold_start: bool | None = None
    restored: bool | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    duration_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: int | None = None
    max_memory_mb: int | None = None
    cache: str | None = None
    downstream_calls: int | None = None
    downstream_ms: float | None = None
    age_ms: float | None = None
    version: int | None = None
    init_downstream_calls: int | None = None
    downstream_errors: int | None = None

    def fields(self) -> dict[str, Any]:
        """Its fields by name, and no others."""
        return {name: getattr(self, name) for name in _OUTCOME}


_OUTCOME = tuple(field.name for field in dataclasses.fields(Outcome))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record(Outcome):
    """One invocation as the driver saw it, or as its function's log tells. Absent is None, never 0.

    Times of day are Unix seconds; ``…_ms`` are milliseconds. ``latency_ms`` counts from the planned start (no
    coordinated omission), ``service_ms`` from the moment of sending. ``staleness_ms`` is how long the served version
    had been superseded when the request was sent (0 if it was current). Records made from logs have no key, no planned
    start and no latency; their ``received_at`` is when Lambda logged its report.
    """

    run_id: str
    target: str
    variant: str
    sequence: int
    key: str | None
    planned_at: float | None
    sent_at: float | None
    received_at: float | None
    latency_ms: float | None
    service_ms: float | None
    staleness_ms: float | None = None
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """The record as one line of JSON, without the line's end."""
        # Not dataclasses.asdict: its deep copies take ten times as long, in the loop that sends the requests.
        return json.dumps({name: getattr(self, name) for name in _FIELDS}, separators=(",", ":"))


_OWN = tuple(field.name for field in dataclasses.fields(Record) if field.name not in _OUTCOME)
_FIELDS = (*_OWN, *_OUTCOME)


def read_records(run_dir: Path) -> Iterator[Record]:
    """Every complete record of a run, in the order of completion; empty lines are passed over.

    One object a record: for reports, which must not grow with the run, `lab.report.columns` reads the same file.

    Raises:
        LabError: there is no record file, or a line in its middle is damaged.
    """
    path = run_dir / RECORDS_FILE
    if not path.is_file():
        raise LabError(f"no run at {run_dir}: {RECORDS_FILE} is missing; give the folder that `lab run` wrote")
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith("\n"):
                return
            if not line.isspace():
                yield _parse(line, number, path)


def _parse(line: str, number: int, path: Path) -> Record:
    try:
        fields: dict[str, Any] = json.loads(line)
        return Record(**{name: value for name, value in fields.items() if name in _FIELDS})
    except (ValueError, TypeError, AttributeError) as error:
        raise LabError(f"{path}:{number} is not a record ({error}); delete that line to read the rest") from None


def read_run(run_dir: Path) -> dict[str, Any]:
    """The content of a run's ``run.json``.

    Raises:
        LabError: the file is missing or is not a JSON object.
    """
    path = run_dir / RUN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(f"no run at {run_dir}: {RUN_FILE} is missing; give the folder that `lab run` wrote") from None
    except ValueError as error:
        raise LabError(f"{path} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise LabError(f"{path} is not a JSON object")
    return content
