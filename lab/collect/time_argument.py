"""Moments as a user writes them: so long ago, or at a time of day."""

import datetime
import re
from typing import Final

from lab.errors import UsageError

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment(flag: str, text: str, now: float) -> float:
    """A moment, Unix seconds.

    Args:
        flag: the option, for the error.
        text: how long ago (`90s`, `15m`, `2h`, `1d`), or ISO 8601; without an offset it is UTC.
        now: Unix seconds.

    Raises:
        UsageError: it is neither, or before 1970.
    """
    at = _moment(flag, text, now)
    if at < 0:
        raise UsageError(f"{flag} {text!r} is before 1970; give a moment since then")
    return at


def _moment(flag: str, text: str, now: float) -> float:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _SECONDS[ago[2]]
    try:
        at = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{flag} {text!r} is no moment; give how long ago, such as 15m, 2h or 1d, or a time such as"
            " 2026-11-21T10:30:00"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=datetime.UTC)).timestamp()
