"""The store of all metrics: every value, with its second. Little of it in memory, the rest in a file.

Values are kept as they are, with how often each was seen in its second: statistics of any period, percentiles included,
are those of the values themselves. When the file has reached its size, the oldest quarter is forgotten. Series are
bounded too: a function that makes a dimension of a request's id would fill the memory with their names.
"""

import array
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from cloudwatch.series import Dimensions, Series

HELD_VALUES: Final = 100_000
FILE_BYTES: Final = 1 << 30
MOST_SERIES: Final = 50_000
_NO_FAMILY: Final[dict[tuple[str, str], int]] = {}

_SCHEMA: Final = """
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
CREATE TABLE parts (
    series INTEGER, second INTEGER, size REAL, total REAL, minimum REAL, maximum REAL, samples BLOB
);
CREATE INDEX by_time ON parts (series, second);
"""
_PARTS: Final = """
SELECT second, size, total, minimum, maximum, samples FROM parts WHERE series = ? AND second >= ? AND second < ?
"""
_FORGET: Final = "DELETE FROM parts WHERE rowid <= (SELECT min(rowid) + (max(rowid) - min(rowid)) / 4 FROM parts)"


class Part(NamedTuple):
    """What is known of some values of one second.

    ``samples`` is pairs of value and count, one after another, as doubles; None where only a statistic set was given.
    """

    second: int
    size: float
    total: float
    minimum: float
    maximum: float
    samples: bytes | None


class MetricStore:
    """All series and their values, in a file of its own. Used from one thread."""

    def __init__(
        self,
        path: Path,
        *,
        held_values: int = HELD_VALUES,
        file_bytes: int = FILE_BYTES,
        most_series: int = MOST_SERIES,
    ) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.executescript(_SCHEMA)
        page_bytes = self._file.execute("PRAGMA page_size").fetchone()[0]
        self._most_pages = file_bytes // page_bytes
        self._held_values, self._most_series = held_values, most_series
        self._families: dict[tuple[str, Dimensions], dict[tuple[str, str], int]] = {}
        self.all_series: list[Series] = []
        self._last: list[int] = []
        self._open: dict[int, dict[int, dict[float, float]]] = {}
        self._sets: list[tuple[int, Part]] = []
        self._held = 0
        self.refused = 0

    def family(self, namespace: str, dimensions: Dimensions) -> Mapping[tuple[str, str], int]:
        """The numbers of the series of a namespace with these dimensions, by name and unit, as far as there are any."""
        return self._families.get((namespace, dimensions), _NO_FAMILY)

    def number(self, series: Series) -> int | None:
        """The number of a series, made if it is new; None if there are too many."""
        number = self.family(series.namespace, series.dimensions).get(series.name_and_unit)
        if number is None and len(self.all_series) >= self._most_series:
            self.refused += 1
            return None
        return self.number_of_own(series) if number is None else number

    def number_of_own(self, series: Series) -> int:
        """As `number`, for series that are few by themselves: never refused."""
        family = self._families.setdefault((series.namespace, series.dimensions), {})
        number = family.setdefault(series.name_and_unit, len(self.all_series))
        if number == len(self.all_series):
            self.all_series.append(series)
            self._last.append(0)
        return number

    def add(self, second: int, series: int, value: float, count: float = 1.0) -> None:
        """A value that was seen so often in a second; never is often enough for nothing."""
        if count > 0:
            held = self._held_in(second, series)
            if value in held:
                held[value] += count
            else:
                held[value] = count
                self._held += 1

    def add_each(self, second: int, series: int, values: Iterable[float]) -> None:
        """Values that were seen in a second."""
        held = self._held_in(second, series)
        before = len(held)
        for value in values:
            held[value] = held.get(value, 0.0) + 1.0
        self._held += len(held) - before

    def add_set(self, series: int, part: Part) -> None:
        """A statistic set in place of values."""
        self._sets.append((series, part))
        self._seen(series, part.second)
        self._held += 1

    def spill(self) -> None:
        """Write what is held in memory to the file, if it is much.

        Raises:
            sqlite3.Error: it could not be written, and is lost.
        """
        if self._held < self._held_values:
            return
        rows = [
            (series, *_part(second, held))
            for second, by_series in self._open.items()
            for series, held in by_series.items()
        ]
        rows += [(series, *part) for series, part in self._sets]
        self._open.clear()
        self._sets.clear()
        self._held = 0
        with self._file:
            self._file.execute("BEGIN")
            if self._pages() > self._most_pages:
                self._file.execute(_FORGET)
            self._file.executemany("INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def parts(self, series: Iterable[int], start: int, end: int) -> list[Part]:
        """What is known of these series from second ``start`` up to, not including, ``end``; in no order."""
        wanted = set(series)
        found = [Part(*row) for number in wanted for row in self._file.execute(_PARTS, (number, start, end))]
        for second, by_series in self._open.items():
            if start <= second < end:
                found += [_part(second, by_series[number]) for number in wanted if number in by_series]
        found += [part for number, part in self._sets if number in wanted and start <= part.second < end]
        return found

    def find(self, namespace: str, name: str, dimensions: Dimensions, unit: str | None) -> dict[str, int]:
        """The series of a metric, by unit: of one unit, or of any."""
        family = self.family(namespace, dimensions)
        return {of: number for (called, of), number in family.items() if called == name and unit in (None, of)}

    def last_second(self, series: int) -> int:
        """The time of a series' latest value."""
        return self._last[series]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _held_in(self, second: int, series: int) -> dict[float, float]:
        by_series = self._open.get(second)
        if by_series is None:
            by_series = self._open[second] = {}
        held = by_series.get(series)
        if held is None:
            held = by_series[series] = {}
            self._seen(series, second)
        return held

    def _seen(self, series: int, second: int) -> None:
        self._last[series] = max(self._last[series], second)

    def _pages(self) -> int:
        pages: int = self._file.execute("PRAGMA page_count").fetchone()[0]
        free: int = self._file.execute("PRAGMA freelist_count").fetchone()[0]
        return pages - free


def _part(second: int, held: dict[float, float]) -> Part:
    pairs = array.array("d")
    for pair in held.items():
        pairs.extend(pair)
    total = sum(value * count for value, count in held.items())
    return Part(second, sum(held.values()), total, min(held), max(held), pairs.tobytes())
