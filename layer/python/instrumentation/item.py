"""What caches keep and sources read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """A value as it was read downstream. Caches hand the same object to every caller: do not change its value.

    Attributes:
        key: what it is asked for by.
        value: what it says, anything that JSON can hold.
        version: the number of the write that made it.
        read_at: Unix seconds by the wall clock, taken just before the read was sent, so that an age
            counted from it is never too young.
        stale: set by a cache that serves it past its soft bound.
    """

    key: str
    value: Any
    version: int
    read_at: float
    stale: bool = False


Load = Callable[[str], Item]
"""Reads the item of a key downstream; raises if it cannot."""
