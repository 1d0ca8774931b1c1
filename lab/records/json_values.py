"""Values of JSON that another program wrote, made safe to compute with."""

import json
import math
from typing import Any, Final

Json = Any
"""A value of JSON that another program wrote."""

MOST: Final = 1e12
"""Beyond any count, any time in milliseconds (30 years of them) and any moment in Unix seconds."""


def number(value: Json) -> float | None:
    """The value if it is a finite number, else None: NaN, infinity, text and booleans are not measurements."""
    if type(value) not in (int, float):
        return None
    try:
        measure = float(value)
    except OverflowError:
        return None
    return measure if math.isfinite(measure) else None


def measured(value: Json) -> float | None:
    """The value if it is a number from 0 to `MOST`, else None."""
    measure = number(value)
    return measure if measure is not None and 0 <= measure <= MOST else None


def counted(value: Json) -> int | None:
    """The whole part of a measured value."""
    measure = measured(value)
    return None if measure is None else int(measure)


def encodable(value: Json) -> Json:
    """The value, if it is a text, with an escape in place of every half of a surrogate pair: UTF-8 has none."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def finite(value: Json) -> Json:
    """The value with None in place of every NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_object(text: str) -> dict[str, Json] | None:
    """The JSON object that a line of a log holds, None if it holds none."""
    if not text.startswith("{"):
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
