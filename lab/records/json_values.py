"""Values of JSON that another program wrote, made safe to compute with."""

import math
from collections.abc import Mapping
from typing import Any

Json = Any
"""A value of JSON that another program wrote."""


def number(value: Json) -> float | None:
    """The value if it is a finite number, else None: NaN, infinity, text and booleans are not measurements."""
    if type(value) not in (int, float):
        return None
    try:
        measure = float(value)
    except OverflowError:
        return None
    return measure if math.isfinite(measure) else None


def encodable(value: Json) -> Json:
    """The value, if it is a text, with an escape in place of every half of a surrogate pair: UTF-8 has none."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def mapping(value: Json) -> Mapping[str, Json]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def finite(value: Json) -> Json:
    """The value with None in place of every NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
