"""Times on the command line (`--since`, `--until`): how long ago, or ISO 8601."""

import datetime
import re
from typing import Final

from lab.errors import UsageError

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_time(flag: str, text: str, now: float) -> float:
    """Parse a time to Unix seconds.

    Args:
        flag: the option, for the error.
        text: how long ago (`90s`, `15m`, `2h`, `1d`), or ISO 8601; without an offset it is UTC.
        now: Unix seconds.

    Raises:
        UsageError: it is neither, or before 1970.
    """
    ago = _AGO.fullmatch(text)
    try:
        at = now - int(ago[1]) * _SECONDS[ago[2]] if ago else _parse_iso(text)
    except ValueError:
        raise UsageError(
            f"{flag} {text!r} is not a valid time; give how long ago, such as 15m, 2h or 1d, or a time such as"
            " 2026-11-21T10:30:00"
        ) from None
    if at < 0:
        raise UsageError(f"{flag} {text!r} is before 1970; give a later time")
    return at


def _parse_iso(text: str) -> float:
    at = datetime.datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()
