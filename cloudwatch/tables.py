"""Tables of bounded size in DuckDB."""

# ruff: noqa: S608 -- names are ours
from collections.abc import Mapping
from typing import Any, Final

import duckdb

MOST_BYTES: Final = 1 << 30


class RotatingTable:
    """A table of bounded size, in two halves. `rotate` drops the older half and begins a new one.

    ``name`` is where rows are inserted, ``old_{name}`` the older half, ``all_{name}`` a view of both.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], most_bytes: int = MOST_BYTES
    ) -> None:
        self._connection, self._name, self._half = connection, name, most_bytes // 2
        self._columns = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        self._bytes = 0
        for table in (name, f"old_{name}"):
            connection.execute(f"CREATE TABLE {table} ({self._columns})")
        connection.execute(f"CREATE VIEW all_{name} AS FROM old_{name} UNION ALL FROM {name}")

    def insert(self, select: str, batch: Mapping[str, Any], size: int) -> bool:
        """Insert the rows that a SELECT makes of the table ``batch``; whether the newer half is full."""
        self._connection.register("batch", batch)
        try:
            self._connection.execute(f"INSERT INTO {self._name} BY NAME {select}")
        finally:
            self._connection.unregister("batch")
        self._bytes += size
        return self._bytes > self._half

    def rotate(self, kept: str = "false") -> None:
        """Drop the older half, except for the rows that fulfil a condition. After a `duckdb.Error` all is as before."""
        name = self._name
        try:
            self._connection.execute(f"""
                BEGIN;
                INSERT INTO {name} FROM old_{name} WHERE {kept};
                DROP TABLE old_{name};
                ALTER TABLE {name} RENAME TO old_{name};
                CREATE TABLE {name} ({self._columns});
                COMMIT""")
        except duckdb.Error:
            self._connection.rollback()
            raise
        self._bytes = 0

    def delete(self, condition: str) -> None:
        """Delete the rows that fulfil a condition."""
        for table in (self._name, f"old_{self._name}"):
            self._connection.execute(f"DELETE FROM {table} WHERE {condition}")
