"""The records of a run as a table in DuckDB: the one reader of ``records.jsonl``.

The table ``records`` has a column for each field of `lab.records.record.Record`, and ``batch``: the number of the piece
in which the row was read, from 1. Numbers are DOUBLE, texts VARCHAR, flags BOOLEAN. An absent value is NULL, an absent
flag false. Rows are in no particular order. The view ``fresh`` shows the rows of the last piece.

The reader accepts what a killed, collected or foreign run may leave: unknown fields and missing ones, empty lines, a
last line cut off. A value that is not a finite number is not measured. Lines that are not records
(`lab.records.record.is_record`) are counted.
"""

# ruff: noqa: S608 -- no value from a file is put into the text of a query
import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import duckdb

from lab.errors import LabError
from lab.records.fields import field_types
from lab.records.json_values import MOST, Json, encodable
from lab.records.record import NAMED, Record, is_record

CHUNK: Final = 64 * 2**20
"""Bytes that are read at once, so that progress can be reported and memory does not grow with the file."""

LONGEST_LINE: Final = 2 * 2**20
"""Bytes. DuckDB keeps some lines of that length in memory for each thread; a record has some 700."""

LONGEST_TEXT: Final = 4096
"""Characters that are kept of each text of a longer line."""

MEMORY_LIMIT: Final = "320MiB"


def _columns_of(kind: type) -> tuple[str, ...]:
    """The fields of a record of a type, None aside."""
    types = {name: get_args(hint)[0] for name, hint in field_types(Record).items()}
    return tuple(name for name, hint in types.items() if hint is kind or kind in get_args(hint))


NUMBERS: Final = tuple(name for name in field_types(Record) if name in {*_columns_of(int), *_columns_of(float)})
FLAGS: Final = _columns_of(bool)
TEXTS: Final = tuple(name for name in field_types(Record) if name not in {*NUMBERS, *FLAGS})

FIELDS: Final = (*NUMBERS, *TEXTS, *FLAGS)

_SETTINGS: Final[Mapping[str, str | int | bool]] = {
    "threads": 2,
    "memory_limit": MEMORY_LIMIT,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_UNREAD: Final = "SELECT count(*) FROM records WHERE batch = $batch AND variant IS NULL"
_FINITE: Final = "CASE WHEN isfinite(TRY_CAST({0}::VARCHAR AS DOUBLE)) THEN TRY_CAST({0}::VARCHAR AS DOUBLE) END AS {0}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Lines that are not records: how many, and the place of the first, as ``file:line``."""

    lines: int
    first: str


class _Sql:
    """The queries for a choice of columns."""

    def __init__(self, fields: Collection[str]) -> None:
        self.numbers = [name for name in NUMBERS if name in fields]
        texts, flags = ([name for name in names if name in fields] for names in (TEXTS, FLAGS))
        # A number as JSON is what the line held, character by character: "12.5" and true are not numbers then.
        self.json_columns = {**dict.fromkeys((*self.numbers, *flags), "JSON"), **dict.fromkeys(texts, "VARCHAR")}
        # As `is_record` has it; greatest and least ignore nulls. A line that is not JSON is a row of nulls.
        is_record = f"""
            {" AND ".join(f"coalesce({name}, '') <> ''" for name in NAMED)}
            AND coalesce(greatest({", ".join(self.numbers)}) <= {MOST}, true)
            AND coalesce(least({", ".join(self.numbers)}) >= -{MOST}, true)"""
        typed = (*((name, "DOUBLE") for name in self.numbers), *((name, "VARCHAR") for name in texts))
        columns = ", ".join(f"{name} {kind}" for name, kind in (*typed, *((name, "BOOLEAN") for name in flags)))
        self.create = f"CREATE OR REPLACE TABLE records ({columns}, batch INTEGER)"
        self.insert = f"""
            INSERT INTO records BY NAME
            SELECT * REPLACE (CASE WHEN {is_record} THEN variant END AS variant), $batch AS batch
            FROM (SELECT {", ".join(_FINITE.format(name) for name in self.numbers)}, {", ".join(texts)},
                         {", ".join(f"coalesce({name}::VARCHAR = 'true', false) AS {name}" for name in flags)}
                  FROM read_json($files, format = 'newline_delimited', ignore_errors = true, columns = $columns,
                                 maximum_object_size = {LONGEST_LINE}))"""


class RecordTable:
    """The records of a run, read piece by piece as its files grow. For one thread.

    Attributes:
        batch: the number of the last piece. Where a file was replaced by a shorter one, all is read again, from 1.
        count: how many records there are.
        damage: lines that are not records, None without any.
    """

    def __init__(
        self,
        files: Sequence[Path],
        database: duckdb.DuckDBPyConnection,
        folder: Path,
        *,
        fields: Collection[str] = FIELDS,
        chunk: int = CHUNK,
    ) -> None:
        """Create the empty table.

        Args:
            files: files of JSON Lines; they may be missing, and may grow.
            database: where the table is made.
            folder: for a temporary file of ``chunk`` bytes.
            fields: those that become columns, `lab.records.record.NAMED` with them; fewer are read faster.
            chunk: bytes that are read at once.
        """
        self._sql = _Sql({*fields, *NAMED})
        self._files, self._database, self._folder, self._chunk = list(files), database, folder, chunk
        self._begin()

    @property
    def share(self) -> float:
        """The share of the files' bytes that was read, 0 to 1."""
        size = sum(self._sizes.values())
        return sum(self._offsets.values()) / size if size else 1.0

    def catch_up(self) -> bool:
        """Read the next piece of new whole lines; False if there are none.

        Raises:
            OSError: a file cannot be read.
            duckdb.Error: the disk for temporary files is full.
        """
        sizes = {file: _size(file) for file in self._files}
        if any(sizes[file] < self._offsets[file] for file in self._files):
            self._begin()  # another file has taken its place
        self._sizes = sizes
        return any(self._read_piece(file) for file in self._files if sizes[file] > self._offsets[file])

    def read_all(self) -> None:
        """Read everything that is left of a run that does not grow: last lines without an end too, if they are records.

        Raises:
            OSError: a file cannot be read.
            duckdb.Error: a file is missing, or the disk for temporary files is full.
        """
        if not self.batch and self._read_at_once():
            return
        while self.catch_up():
            pass
        for file in self._files:
            rest = self._last_line(file, self._offsets[file])
            if self._readable(rest) is not None:
                self._insert(file, rest)

    def _read_at_once(self) -> bool:
        """Read all files by one query, which both threads share; False, and nothing read, where lines are damaged."""
        files = [file for file in self._files if file.stat().st_size]
        cut_off = sum(
            bool(line.strip()) and self._readable(line) is None
            for line in (self._last_line(file, max(0, file.stat().st_size - LONGEST_LINE)) for file in files)
        )
        return not files or self._insert_files(files, most_unread=cut_off)

    def _last_line(self, file: Path, start: int) -> bytes:
        """What follows the last line's end."""
        with file.open("rb") as lines:
            lines.seek(start)
            return lines.read().rpartition(b"\n")[2]

    def _begin(self) -> None:
        self.batch = self.count = self._damaged_lines = 0
        self.damage: Damage | None = None
        self._offsets, self._sizes = dict.fromkeys(self._files, 0), dict.fromkeys(self._files, 0)
        self._database.execute(self._sql.create)
        self._show_fresh()

    def _show_fresh(self) -> None:
        self._database.execute(f"CREATE OR REPLACE TEMP VIEW fresh AS SELECT * FROM records WHERE batch = {self.batch}")

    def _read_piece(self, file: Path) -> bool:
        with file.open("rb") as lines:
            lines.seek(self._offsets[file])
            content = lines.read(self._chunk)
        end = content.rfind(b"\n") + 1
        if not end and len(content) < self._chunk:
            return False
        piece = content[: end or self._chunk]
        self._insert(file, piece)
        self._offsets[file] += len(piece)
        return True

    def _insert(self, file: Path, piece: bytes) -> None:
        part = self._folder / "part.jsonl"
        part.write_bytes(piece)
        if not self._insert_files([part]):
            part.write_text("".join(self._readable_lines(file, piece)), encoding="ascii")
            self._insert_files([part])
        part.unlink()

    def _insert_files(self, files: Sequence[Path], most_unread: int = 0) -> bool:
        """Append the records of files as one batch; False, and nothing appended, if more lines cannot be read."""
        batch = {"batch": self.batch + 1}
        names = {"files": [str(file) for file in files], "columns": self._sql.json_columns}
        # Both threads read only where rows may come in any order.
        self._database.execute("SET preserve_insertion_order = false")
        self._database.execute("BEGIN")
        try:
            inserted = self._one(self._sql.insert, batch | names)
            unread = self._one(_UNREAD, batch)
            accepted = unread <= most_unread
            if accepted and unread:
                self._database.execute("DELETE FROM records WHERE variant IS NULL")
            self._database.execute("COMMIT" if accepted else "ROLLBACK")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self._database.execute("ROLLBACK")
            raise
        finally:
            self._database.execute("SET preserve_insertion_order = true")
        if accepted:
            self.batch += 1
            self.count += inserted - unread
            self._show_fresh()
        return accepted

    def _readable_lines(self, file: Path, piece: bytes) -> Iterator[str]:
        """The records of a piece as lines that DuckDB can read; the other lines are counted."""
        for number, line in enumerate(piece.split(b"\n")):
            record = self._readable(line)
            if record is not None:
                yield record
            elif line.strip():
                before = self.damage or Damage(lines=0, first=f"{file.name}:{self._lines_before(file) + number + 1}")
                self.damage = dataclasses.replace(before, lines=before.lines + 1)

    def _readable(self, line: bytes) -> str | None:
        """The line as one that DuckDB can read, None if it is not a record.

        Python reads what the JSON standard leaves open: half of a surrogate pair in a text, a byte that is not UTF-8.
        """
        try:
            fields = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
        if not is_record(fields, self._sql.numbers):
            return None
        longest = len(line) if len(line) < LONGEST_LINE else LONGEST_TEXT
        kept = {name: fields[name] for name in self._sql.json_columns if name in fields}
        return json.dumps({name: _shortened(value, longest) for name, value in kept.items()}) + "\n"

    def _lines_before(self, file: Path) -> int:
        """How many lines of a file were read in earlier pieces."""
        left, count = self._offsets[file], 0
        with file.open("rb") as lines:
            while left and (content := lines.read(min(left, self._chunk))):
                left -= len(content)
                count += content.count(b"\n")
        return count

    def _one(self, query: str, parameters: Mapping[str, Any]) -> int:
        return int(self._database.execute(query, dict(parameters)).fetchall()[0][0])


@contextlib.contextmanager
def temporary_database() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database on disk with bounded memory, and its folder; both are gone with the context."""
    with tempfile.TemporaryDirectory(prefix="lab-records-") as name:
        folder = Path(name)
        with contextlib.closing(duckdb.connect(folder / "records.duckdb", config=dict(_SETTINGS))) as database:
            database.execute("SET temp_directory = ?", [name])
            yield database, folder


@contextlib.contextmanager
def record_table(
    files: Sequence[Path], fields: Collection[str] = FIELDS
) -> Iterator[tuple[duckdb.DuckDBPyConnection, RecordTable]]:
    """All records of these files in a temporary database, for as long as the context lasts.

    Raises:
        LabError: they cannot be read, or the disk for temporary files is full.
    """
    with temporary_database() as (database, folder):
        try:
            table = RecordTable(files, database, folder, fields=fields)
            table.read_all()
            yield database, table
        except (duckdb.Error, OSError) as error:
            reason = str(error).splitlines()[0]
            raise LabError(f"{files[0].parent} cannot be read: {reason[:300]}") from None
        except RuntimeError as error:
            # What DuckDB makes of Ctrl-C while it is at work.
            if "interrupted" in str(error):
                raise KeyboardInterrupt from None
            raise


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 -- a Path makes it three times slower
    except FileNotFoundError:
        return 0


def _shortened(value: Json, longest: int) -> Json:
    return encodable(value)[:longest] if isinstance(value, str) else value
