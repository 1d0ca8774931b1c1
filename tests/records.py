"""A run's records as objects, for tests that look at each; the lab itself reads them as columns."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.records.record import RECORDS_FILE, Record, is_record
from lab.records.run_file import no_run

FIELDS = tuple(field.name for field in dataclasses.fields(Record))


def read_records(run_dir: Path) -> Iterator[Record]:
    """Every complete record of a run, in the order of completion; empty lines are passed over.

    Raises:
        UsageError: there is no record file.
        LabError: a line in its middle is damaged.
    """
    path = run_dir / RECORDS_FILE
    if not path.is_file():
        no_run(run_dir, RECORDS_FILE)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith("\n"):
                return
            if not line.isspace():
                yield _parse(line, number, path)


def _parse(line: str, number: int, path: Path) -> Record:
    try:
        fields: dict[str, Any] = json.loads(line)
        record = Record(**{name: value for name, value in fields.items() if name in FIELDS})
        if not is_record(fields, FIELDS):
            raise ValueError("it names no variant, status or target, or a number is beyond what can be")
    except (ValueError, TypeError, AttributeError) as error:
        raise LabError(f"{path}:{number} is not a record ({error}); delete that line to read the rest") from None
    return record
