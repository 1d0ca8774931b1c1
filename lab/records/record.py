"""The record of one invocation: a line of ``records.jsonl``.

`Record` states every field once, with its meaning and unit. The columns of `lab.records.table` and the reference page
follow from it.
"""

import dataclasses
import json
import sys
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from lab.records.fields import FieldRow, Meaning, field_rows
from lab.records.json_values import MOST

SCHEMA_VERSION: Final = 1
RECORDS_FILE: Final = "records.jsonl"
NAMED: Final = ("variant", "status", "target")
"""Without these a line is not a record."""

Status = Literal["ok", "function_error", "throttled", "lost"]
Phase = Literal["start", "settle", "steady"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an invocation ended, as far as its answer or its log says. Absent is None, never 0."""

    status: Annotated[Status, Meaning("how it ended; `lost`: no answer came, or none of the function")]
    error_type: Annotated[str | None, Meaning("type of the function's error, or why it was lost")] = None
    request_id: Annotated[str | None, Meaning("Lambda's id of the request")] = None
    environment_id: Annotated[str | None, Meaning("id of the execution environment, by the function")] = None
    invocation: Annotated[int | None, Meaning("number of the invocation in its environment, from 1")] = None
    cold_start: Annotated[bool | None, Meaning("whether it is the first of an environment, not restored")] = None
    restored: Annotated[bool | None, Meaning("whether its environment was restored from a snapshot")] = None
    init_ms: Annotated[float | None, Meaning("init duration that Lambda reported with it", "ms")] = None
    restore_ms: Annotated[float | None, Meaning("restore duration that Lambda reported with it", "ms")] = None
    duration_ms: Annotated[float | None, Meaning("duration that Lambda reported", "ms")] = None
    billed_ms: Annotated[float | None, Meaning("billed duration that Lambda reported", "ms")] = None
    memory_mb: Annotated[int | None, Meaning("memory setting of the function", "MB")] = None
    max_memory_mb: Annotated[int | None, Meaning("most memory used by the environment so far", "MB")] = None
    cache: Annotated[str | None, Meaning("`hit`, `miss` or `stale`")] = None
    downstream_calls: Annotated[int | None, Meaning("downstream calls during the invocation, retries included")] = None
    downstream_ms: Annotated[float | None, Meaning("time spent downstream during the invocation", "ms")] = None
    age_ms: Annotated[float | None, Meaning("age of the value: time since it was read downstream", "ms")] = None
    version: Annotated[int | None, Meaning("version of the item that was served")] = None
    init_downstream_calls: Annotated[
        int | None, Meaning("calls that its environment made at init or after a restore, with its first invocation")
    ] = None
    downstream_errors: Annotated[
        int | None, Meaning("those of both kinds of calls that got no answer, or HTTP status 400 or more")
    ] = None
    downstream_throttles: Annotated[int | None, Meaning("those of these errors that were throttles")] = None
    read_units: Annotated[
        float | None,
        Meaning("what DynamoDB bills for both kinds of calls; null: another source, or not known", "units"),
    ] = None
    start_wait_ms: Annotated[
        float | None,
        Meaning("time lost because this machine starts few environments at once; not part of the latencies", "ms"),
    ] = None

    def fields(self) -> dict[str, Any]:
        """Its fields by name, and no others."""
        return {name: getattr(self, name) for name in _OUTCOME}


_OUTCOME = tuple(field.name for field in dataclasses.fields(Outcome))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record(Outcome):
    """One invocation as the driver saw it, or as its function's log says. Absent is None, never 0.

    Records made from logs have no key, no planned start and no latency.
    """

    run_id: Annotated[str, Meaning("name of the run")]
    target: Annotated[str, Meaning("`local` or `aws`")]
    variant: Annotated[str, Meaning("name of the variant")]
    sequence: Annotated[int, Meaning("number of the invocation among those of its variant, from 0")]
    repetition: Annotated[int | None, Meaning("number of its repetition, from 0; null: the run has none")] = None
    phase: Annotated[
        Phase | None,
        Meaning("`start`: environments start; `settle`: caches fill, not measured; `steady`: the measured time"),
    ] = None
    key: Annotated[str | None, Meaning("key that was asked for")] = None
    planned_at: Annotated[float | None, Meaning("planned start", "Unix seconds")] = None
    sent_at: Annotated[float | None, Meaning("when the request was sent", "Unix seconds")] = None
    received_at: Annotated[
        float | None,
        Meaning("when the answer came; made from logs: when Lambda logged its report", "Unix seconds"),
    ] = None
    latency_ms: Annotated[
        float | None,
        Meaning("from the planned start to the answer, less `start_wait_ms` (no coordinated omission)", "ms"),
    ] = None
    service_ms: Annotated[float | None, Meaning("from the sending to the answer, less `start_wait_ms`", "ms")] = None
    staleness_ms: Annotated[
        float | None, Meaning("how long the served version had been superseded at the sending; 0: it was current", "ms")
    ] = None
    schema_version: Annotated[int, Meaning("version of this schema")] = SCHEMA_VERSION

    def to_json(self) -> str:
        """The record as one line of JSON, without the line's end."""
        # Not dataclasses.asdict: its deep copies take ten times as long, in the loop that sends the requests.
        return json.dumps({name: getattr(self, name) for name in _FIELDS}, separators=(",", ":"))


_OWN = tuple(field.name for field in dataclasses.fields(Record) if field.name not in _OUTCOME)
_FIELDS = (*_OWN, *_OUTCOME)


def record_rows() -> list[FieldRow]:
    """The reference of a record: a row a field, in the order of the file."""
    rows = {row.name: row for row in field_rows(Record)}
    return [rows[name] for name in _FIELDS]


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
