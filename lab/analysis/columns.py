"""A run's records as columns: what a report computes with, in memory that does not grow with the run.

The records are a table on disk (`lab.records.table`). A report takes one column of one variant at a time, as a numpy
array of 8 bytes a record, in order of the planned starts. No Python object is made for a record.
"""

# ruff: noqa: S608 -- no value from a file is put into the text of a query
import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from lab.analysis.model import Start
from lab.records.table import Damage, record_table

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_FIELDS: Final = (
    "variant", "target", "status", "error_type", "environment_id", "cache", "sequence", "planned_at", "sent_at",
    "received_at", "latency_ms", "service_ms", "invocation", "cold_start", "restored", "init_ms", "restore_ms",
    "duration_ms", "billed_ms", "memory_mb", "downstream_calls", "init_downstream_calls", "age_ms", "staleness_ms",
    "repetition", "phase", "read_units", "start_wait_ms", "downstream_throttles",
)  # fmt: skip
"""The fields of a record that a report reads; each more takes time."""

Measure = Literal[
    "moment", "latency_ms", "service_ms", "duration_ms", "init_ms", "restore_ms", "billed_ms", "calls", "age_ms",
    "staleness_ms", "read_units", "start_wait_ms", "downstream_throttles", "repetition",
]  # fmt: skip
"""A column of numbers. ``calls``: downstream calls of an invocation, with those that its environment made before it.
``moment``: its planned start; of a record made from a log, when Lambda reported it. Unix seconds."""

_MEASURED: Final = "coalesce(phase, 'steady') = 'steady'"
_RAN: Final = "status IN ('ok', 'function_error')"

# A restore is no cold start, even if the record says so.
_INVOCATIONS: Final = f"""
    CREATE TEMP VIEW invocations AS
    SELECT *, coalesce(planned_at, sent_at, received_at, 0) AS place,
           downstream_calls + coalesce(init_downstream_calls, 0) AS calls,
           CASE WHEN restore_ms IS NOT NULL OR (is_first AND restored) THEN {Start.RESTORED.code}
                WHEN is_first OR init_ms IS NOT NULL THEN {Start.COLD.code}
                ELSE {Start.WARM.code} END::UTINYINT AS start
    FROM (SELECT *, cold_start OR coalesce(invocation = 1, false) AS is_first FROM records)"""
_TIE: Final = "hash(latency_ms, received_at, environment_id)"


class Life(NamedTuple):
    """What one execution environment did: see `lab.analysis.model.EnvironmentLife`."""

    environment: str
    began: float
    ended: float
    invocations: int
    start: Start
    start_ms: float | None
    reads: int


class Columns:
    """The records of a run. Made by `reading`, and gone with it."""

    def __init__(self, database: duckdb.DuckDBPyConnection, count: int, damage: Damage | None) -> None:
        self._database, self.count, self.damage = database, count, damage

    @functools.cached_property
    def targets(self) -> list[str]:
        """Every target that a record names, in alphabetical order."""
        return [str(row[0]) for row in self._rows("SELECT DISTINCT target FROM invocations ORDER BY target")]

    @functools.cached_property
    def variants(self) -> list[str]:
        """Every variant that a record names, the first to start first."""
        return [
            row[0]
            for row in self._rows("SELECT variant FROM invocations GROUP BY variant ORDER BY min(place), variant")
        ]

    @functools.cached_property
    def window(self) -> tuple[float, float]:
        """The first and the last moment of a record, Unix seconds; zeros where none is known."""
        first, last = self._rows("SELECT min(place), max(place) FROM invocations WHERE place <> 0")[0]
        return (0.0, 0.0) if first is None else (first, last)

    def lateness(self, limit_ms: float, repetitions: Sequence[int]) -> tuple[float, float]:
        """The share of the measured invocations sent later than so many ms after their planned start; the latest, ms.

        Args:
            limit_ms: later than this is late.
            repetitions: of these repetitions; empty: all.
        """
        used = f"repetition IN ({', '.join(str(int(one)) for one in repetitions)})" if repetitions else "true"
        late, known, latest = self._rows(
            "SELECT count(*) FILTER (late > ?), count(late), max(late) "
            f"FROM (SELECT (sent_at - planned_at) * 1000 AS late FROM invocations WHERE {_MEASURED} AND {used})",
            limit_ms,
        )[0]
        return (late / known, latest) if known else (0.0, 0.0)

    def of(self, variant: str) -> "VariantColumns":
        """The records of a variant; none, if no record names it."""
        return VariantColumns(self, variant)

    def _rows(self, query: str, *values: object) -> list[Any]:
        return self._database.execute(query, list(values)).fetchall()

    def _column(self, expression: str, variant: str) -> npt.NDArray[Any]:
        """A column of a variant, in the order of the table."""
        query = f"SELECT {expression} AS it FROM invocations WHERE variant = ?"
        return np.ma.getdata(self._database.execute(query, [variant]).fetchnumpy()["it"])


class VariantColumns:
    """The records of one variant, in order of their planned starts."""

    def __init__(self, columns: Columns, variant: str) -> None:
        self._columns, self._variant = columns, variant
        self._order = _order(lambda name: columns._column(name, variant))
        self.count = self._order.size

    @functools.cached_property
    def ok(self) -> Bools:
        """Whether it was answered."""
        return self._ordered("status = 'ok'")

    @functools.cached_property
    def ran(self) -> Bools:
        """Whether the function ran, to an answer or to an error: what AWS's metric `Invocations` counts."""
        return self._ordered(_RAN)

    @functools.cached_property
    def start(self) -> npt.NDArray[np.uint8]:
        """How it found its environment: the code of a `Start`."""
        return self._ordered("start")

    @functools.cached_property
    def hit(self) -> Bools:
        """Whether it was answered from the cache, stale or not."""
        return self._ordered("status = 'ok' AND coalesce(cache IN ('hit', 'stale'), false)")

    @functools.cached_property
    def in_measured_time(self) -> Bools:
        """Whether it is of phase `steady`, or of a run without phases."""
        return self._ordered(_MEASURED)

    def measured(self, measure: Measure) -> Floats:
        """A column of numbers; NaN where nothing was measured."""
        column = "nullif(place, 0)" if measure == "moment" else measure
        return self._ordered(f"coalesce({column}, 'nan'::DOUBLE)")

    def unreported(self) -> int:
        """Invocations that failed or were lost, and did not report the downstream calls that they may have made."""
        return self._count("status IN ('function_error', 'lost') AND calls IS NULL")

    def statuses(self) -> dict[str, int]:
        """Invocations by status."""
        return dict(self._rows("SELECT status, count(*) FROM invocations WHERE variant = ? GROUP BY status"))

    def error_types(self) -> dict[str, int]:
        """Failed invocations by error type, the first to fail first."""
        return dict(
            self._rows(
                "SELECT coalesce(nullif(error_type, ''), status) AS kind, count(*) FROM invocations "
                "WHERE variant = ? AND status <> 'ok' GROUP BY kind ORDER BY min(place), kind"
            )
        )

    def environment_count(self) -> int:
        """How many execution environments answered or failed."""
        return self._count("environment_id IS NOT NULL", "DISTINCT environment_id")

    def memory_mb(self) -> float | None:
        """The memory setting, MB, as the first record that has it states it."""
        rows = self._rows(
            "SELECT memory_mb FROM invocations WHERE variant = ? AND memory_mb <> 0 ORDER BY place, memory_mb LIMIT 1"
        )
        return rows[0][0] if rows else None

    def lives(self, most: int) -> list[Life]:
        """The execution environments, the first to begin first, at most so many."""
        zero = self._columns.window[0]
        rows = self._rows(
            "SELECT environment_id, min(coalesce(sent_at, nullif(place, 0))) AS began, "
            "max(coalesce(received_at, sent_at, place)), count(*), max(start), max(coalesce(init_ms, restore_ms)), "
            "count(*) FILTER (calls > 0) "
            "FROM invocations WHERE variant = ? AND environment_id IS NOT NULL "
            f"GROUP BY environment_id HAVING began IS NOT NULL ORDER BY began, environment_id LIMIT {int(most)}"
        )
        return [
            Life(name, began - zero, max(began, ended or began) - zero, count, Start.coded(start), start_ms, reads)
            for name, began, ended, count, start, start_ms, reads in rows
        ]

    def reads(self, environments: Sequence[str], bins: int) -> list[tuple[str, float, int]]:
        """When these environments read downstream: environment, middle of a time bin (s after the start), reads.

        Only bins of the window in which there was one; the window is cut into so many.
        """
        first, last = self._columns.window
        width = (last - first) / bins
        if not environments or width <= 0:
            return []
        return [
            (name, (place + 0.5) * width, count)
            for name, place, count in self._rows(
                "SELECT environment_id, least(floor((place - $first) / $width), $last) AS bin, "
                "count(*) FROM invocations WHERE variant = $variant AND calls > 0 AND place <> 0 "
                "AND environment_id IN $names "
                "GROUP BY ALL ORDER BY ALL",
                first=first,
                width=width,
                last=bins - 1,
                names=list(environments),
            )
        ]

    def _count(self, condition: str, what: str = "*") -> int:
        query = f"SELECT count({what}) FROM invocations WHERE variant = ? AND {condition}"
        count: int = self._rows(query)[0][0]
        return count

    def _rows(self, query: str, **named: object) -> list[Any]:
        values = named | {"variant": self._variant} if named else [self._variant]
        return self._columns._database.execute(query, values).fetchall()

    def _ordered(self, expression: str) -> npt.NDArray[Any]:
        return self._columns._column(expression, self._variant)[self._order]


def _order(column: Callable[[str], npt.NDArray[Any]]) -> npt.NDArray[np.uint32]:
    """The rows in order of time, which is the same at each reading though that of the table is not.

    Planned alike, they stand in order of their sequence numbers; without these at random, by a hash: any order by
    what was measured would look like a trend.
    """
    place = column("place")
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    if (ordered[:-1] == ordered[1:]).any():
        order = np.lexsort((column(_TIE), column("coalesce(sequence, 0)"), place))
    return order.astype(np.uint32)


@contextlib.contextmanager
def reading(files: Sequence[Path]) -> Iterator[Columns]:
    """The records of these files, for as long as the context lasts.

    Raises:
        LabError: they cannot be read, or the disk for temporary files is full.
    """
    with record_table(files, _FIELDS) as (database, table):
        database.execute(_INVOCATIONS)
        yield Columns(database, table.count, table.damage)
