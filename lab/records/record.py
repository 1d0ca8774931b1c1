"""The record of one invocation, and the file that keeps the records of a run.

A run's folder holds ``run.json`` (what was run) and ``records.jsonl`` (one line an invocation, appended
as it completes). A run that was killed leaves at most one incomplete last line, which reading passes over.
"""

import dataclasses
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal, NoReturn

from lab.errors import LabError, UsageError

SCHEMA_VERSION = 1
RECORDS_FILE = "records.jsonl"
RUN_FILE = "run.json"
MOST: Final = 1e12
"""Beyond any count, any time in milliseconds (30 years of them) and any moment in Unix seconds."""
NAMED: Final = ("variant", "status", "target")
"""Without these a line is not a record."""

Status = Literal["ok", "function_error", "throttled", "lost"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an invocation, as far as its answer or its log tells. Absent is None, never 0.

    ``…_ms`` are milliseconds. ``init_downstream_calls`` are those that the environment made outside any invocation (at
    init or after a restore), told by its first one. ``downstream_errors`` are those of both that got no answer or an
    HTTP status of 400 or more. A failed invocation has its calls and errors too, where its log was seen.
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


def is_record(fields: Any, read: Iterable[str]) -> bool:
    """Whether what a line holds can be a record of the lab.

    It names its variant, status and target, and none of the fields that are read is a number beyond `MOST`. What is no
    finite number at all is another matter: it was not measured.
    """
    if not isinstance(fields, dict) or any(fields.get(name) in (None, "") for name in NAMED):
        return False
    return not any(_is_beyond(fields.get(name)) for name in read)


def _is_beyond(value: Any) -> bool:
    return isinstance(value, int | float) and MOST < abs(value) <= sys.float_info.max


def no_run(place: object, missing: str) -> NoReturn:
    """Tell that a folder, or another place, holds no run.

    Raises:
        UsageError: always.
    """
    raise UsageError(f"no run at {place}: {missing} is missing; give the folder that `lab run` wrote")


def read_run(run_dir: Path) -> dict[str, Any]:
    """The content of a run's ``run.json``.

    Raises:
        UsageError: the file is missing, or of a version that this lab does not know.
        LabError: it is not a JSON object.
    """
    path = run_dir / RUN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        no_run(run_dir, RUN_FILE)
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise LabError(f"{path} is not a JSON object")
    version = content.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{path} has schema_version {str(version)[:40]!r}, and this lab reads {SCHEMA_VERSION}; use the lab that"
            " wrote it"
        )
    return content
