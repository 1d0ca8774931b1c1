"""Times on the command line."""

import pytest

from lab.collect.time_argument import parse_time
from lab.errors import UsageError

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("0s", NOW),
        ("90s", NOW - 90),
        ("15m", NOW - 900),
        ("2 h", NOW - 7200),
        ("1d", NOW - 86_400),
        ("2026-11-18T10:26:40", 1_794_997_600.0),
        ("2026-11-18T10:26:40Z", 1_794_997_600.0),
        ("2026-11-18T11:26:40+01:00", 1_794_997_600.0),
        ("2026-11-18", 1_794_960_000.0),
    ],
)
def test_a_time(text: str, at: float) -> None:
    assert parse_time("--since", text, NOW) == at


@pytest.mark.parametrize("text", ["999999d", "1969-12-31T23:59:59", "0001-01-01"])
def test_a_time_before_1970(text: str) -> None:
    with pytest.raises(UsageError, match=f"--since '{text}' is before 1970"):
        parse_time("--since", text, NOW)


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "15 minutes", "yesterday", "2026-13-01", "9999999d"])
def test_what_is_not_a_time(text: str) -> None:
    with pytest.raises(UsageError, match=r"--since .* is not a valid time; give how long ago, such as 15m"):
        parse_time("--since", text, NOW)
