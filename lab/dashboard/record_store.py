"""A run's records as a table, which grows while the run's file does.

DuckDB reads the new lines of `records.jsonl` whenever `catch_up` is called. Values are taken as the reports take them
(`lab.analysis.columns`): a value that is no finite number is not measured, a line that is no record
(`lab.records.record.is_record`) is counted.
"""

# ruff: noqa: S608 -- no value from a file is put into the text of a query
import contextlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import duckdb
import numpy as np

from lab.dashboard.measures import INVOKED
from lab.records.json_values import Json, encodable
from lab.records.record import MOST, NAMED, RECORDS_FILE, is_record
from lab.records.table import LONGEST_TEXT

CHUNK: Final = 64 * 2**20
"""Bytes that are read at once, so that progress can be told and memory does not grow with the file."""

_NUMBERS: Final = (
    "planned_at",
    "sent_at",
    "received_at",
    "init_ms",
    "restore_ms",
    "duration_ms",
    "billed_ms",
    "memory_mb",
    "max_memory_mb",
    "downstream_calls",
    "init_downstream_calls",
    "downstream_errors",
    "downstream_ms",
    "age_ms",
)
_TEXTS: Final = ("variant", "status", "target", "error_type", "cache", "request_id")
_FLAGS: Final = ("cold_start", "restored")
_COLUMNS: Final = {**dict.fromkeys((*_NUMBERS, *_FLAGS), "JSON"), **dict.fromkeys(_TEXTS, "VARCHAR")}
_SETTINGS: Final[Mapping[str, str | int | bool]] = {
    "threads": 2,
    "memory_limit": "2GiB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_LONGEST_LINE: Final = 2 * 2**20
_FINITE: Final = "CASE WHEN isfinite(TRY_CAST({0}::VARCHAR AS DOUBLE)) THEN TRY_CAST({0}::VARCHAR AS DOUBLE) END AS {0}"

# The moment of all metrics of an invocation: when it was sent, and where that is not known (records made from a log),
# when Lambda reported it.
_FRESH: Final = f"""
    CREATE OR REPLACE TEMP TABLE fresh AS
    SELECT *, coalesce(sent_at, planned_at, received_at) AS moment
    FROM (SELECT {", ".join(_FINITE.format(name) for name in _NUMBERS)}, {", ".join(_TEXTS)},
                 {", ".join(f"coalesce({name}::VARCHAR = 'true', false) AS {name}" for name in _FLAGS)}
          FROM read_json($file, format = 'newline_delimited', ignore_errors = true, columns = $columns,
                         maximum_object_size = {_LONGEST_LINE}))"""
_EMPTY: Final = f"""
    CREATE OR REPLACE TABLE records (
        {", ".join(f"{name} DOUBLE" for name in _NUMBERS)}, {", ".join(f"{name} VARCHAR" for name in _TEXTS)},
        {", ".join(f"{name} BOOLEAN" for name in _FLAGS)}, moment DOUBLE)"""
# What is not as `lab.records.record.is_record` has it; greatest and least pass over nulls.
_UNREAD: Final = f"""
    {" OR ".join(f"coalesce({name}, '') = ''" for name in NAMED)}
    OR coalesce(greatest({", ".join(_NUMBERS)}) > {MOST} OR least({", ".join(_NUMBERS)}) < -{MOST}, false)"""


class Seen(NamedTuple):
    """What has been read by now.

    Attributes:
        records: how many.
        damaged: lines that are no records.
        share: of the file's bytes.
        window: the first and the last moment, Unix seconds; None of an empty run.
    """

    records: int
    damaged: int
    share: float
    window: tuple[float, float] | None


class RecordStore:
    """The records of a run, for one thread. A context manager: leaving it removes what it has put on disk.

    Its tables: ``records``, a row an invocation, ``moment`` its time in Unix seconds; and ``concurrency``, a row an
    invocation that ran, ``running`` how many of its variant ran when it began, itself among them.
    """

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / RECORDS_FILE
        self._resources = contextlib.ExitStack()
        self._folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="lab-dashboard-")))
        self._database = self._resources.enter_context(contextlib.closing(duckdb.connect(config=dict(_SETTINGS))))
        self._database.execute("SET temp_directory = ?", [str(self._folder)])
        self._database.execute("SET preserve_insertion_order = false")
        self._earliest: list[float] = []
        self._concurrency_version = 0
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what it has put on disk."""
        self._resources.close()

    def interrupt(self) -> None:
        """End the query that is under way, if any, with an error. May be called from another thread."""
        self._database.interrupt()

    def catch_up(self) -> bool:
        """Read up to `CHUNK` bytes of new whole lines; whether there were any."""
        try:
            with self._path.open("rb") as file:
                self._size = file.seek(0, os.SEEK_END)
                if self._size < self._offset:
                    self._begin()  # another file has taken its place
                file.seek(self._offset)
                content = file.read(CHUNK)
        except FileNotFoundError:
            return False
        end = content.rfind(b"\n") + 1
        if not end and len(content) < CHUNK:
            return False
        lines = content[: end or CHUNK]
        self._insert(lines)
        self._offset += len(lines)
        return True

    def seen(self) -> Seen:
        """What has been read by now."""
        share = self._offset / self._size if self._size else 1.0
        return Seen(self._count, self._damaged, share, self._window)

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """The rows of a query over ``records``."""
        return self._database.execute(sql, dict(values or {})).fetchall()

    @property
    def version(self) -> int:
        """Grows with every piece of the file that is read."""
        return len(self._earliest)

    def earliest_since(self, version: int) -> float:
        """The first moment of all records that were read since that version; infinite if none was."""
        return min(self._earliest[version:], default=math.inf)

    def know_concurrency(self) -> None:
        """Bring the table ``concurrency`` up to date. What began before all new records did holds."""
        changed = self.earliest_since(self._concurrency_version)
        if changed == math.inf:
            return
        self._database.execute("DELETE FROM concurrency WHERE moment >= ?", [changed])
        for (variant,) in self.rows(
            "SELECT DISTINCT variant FROM records WHERE moment >= $changed", {"changed": changed}
        ):
            self._add_concurrency(variant, changed)
        self._concurrency_version = self.version

    def _add_concurrency(self, variant: str, changed: float) -> None:
        # Those that had ended by then change nothing after it.
        columns = self._database.execute(
            f"SELECT moment, greatest(received_at, moment) AS ended FROM records "
            f"WHERE variant = $variant AND {INVOKED} AND (moment >= $changed OR received_at >= $changed) "
            "AND moment IS NOT NULL AND received_at IS NOT NULL",
            {"variant": variant, "changed": changed},
        ).fetchnumpy()
        began, ended = (np.sort(np.ma.getdata(columns[name])) for name in ("moment", "ended"))
        told = began[began >= changed]
        # Those that have begun by the beginning of each, less those that have ended by then; at least itself.
        running = np.searchsorted(began, told, side="right") - np.searchsorted(ended, told, side="right")
        self._database.register("begun", {"moment": told, "running": np.maximum(running, 1).astype(np.float64)})
        self._database.execute("INSERT INTO concurrency SELECT ?, moment, running FROM begun", [variant])
        self._database.unregister("begun")

    def _begin(self) -> None:
        self._offset = self._size = self._count = self._damaged = 0
        self._window: tuple[float, float] | None = None
        self._database.execute(_EMPTY)
        self._database.execute("CREATE OR REPLACE TABLE concurrency (variant VARCHAR, moment DOUBLE, running DOUBLE)")
        # All that was told before is void.
        self._earliest.append(-math.inf)

    def _insert(self, lines: bytes) -> None:
        chunk = self._folder / "chunk.jsonl"
        chunk.write_bytes(lines)
        reading: dict[str, Any] = {"file": str(chunk), "columns": _COLUMNS}
        self._database.execute(_FRESH, reading)
        if self.rows(f"SELECT count(*) FROM fresh WHERE {_UNREAD}")[0][0]:
            self._damaged += _mend(chunk, lines)
            self._database.execute(_FRESH, reading)
        self._database.execute(f"INSERT INTO records BY NAME SELECT * FROM fresh WHERE NOT ({_UNREAD})")
        chunk.unlink()
        self._count_fresh()

    def _count_fresh(self) -> None:
        count, first, last = self.rows(f"SELECT count(*), min(moment), max(moment) FROM fresh WHERE NOT ({_UNREAD})")[0]
        self._count += count
        self._earliest.append(math.inf if first is None else first)
        if first is not None:
            earliest, latest = self._window or (first, last)
            self._window = min(earliest, first), max(latest, last)


def _mend(chunk: Path, lines: bytes) -> int:
    """Write the chunk again, of those lines that are records; the number of the others.

    Python reads what the JSON standard leaves open, and DuckDB does not: half of a surrogate pair in a text, a byte
    that is not UTF-8.
    """
    damaged = 0
    with chunk.open("w", encoding="ascii") as again:
        for line in lines.split(b"\n"):
            if line.strip():
                record = _record(line)
                damaged += record is None
                again.write(record or "")
    return damaged


def _record(line: bytes) -> str | None:
    """The line as one that DuckDB can read, None if it is no record."""
    try:
        fields = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if not is_record(fields, _NUMBERS):
        return None
    kept = {name: _readable(value) for name, value in fields.items() if name in _COLUMNS}
    return json.dumps(kept) + "\n"


def _readable(value: Json) -> Json:
    return encodable(value)[:LONGEST_TEXT] if isinstance(value, str) else value
