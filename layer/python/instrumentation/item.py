"""What the lab's functions read and cache."""

import dataclasses
import json
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A value as it was read downstream. Caches give the same object to every caller: do not change its value.

    Attributes:
        key: its key.
        value: anything that JSON can hold.
        version: the number of the write that made it.
        read_at: Unix seconds by the wall clock, taken just before the read was sent, so that the item is never older
            than it seems.
        stale: whether it is served past its soft bound.
    """

    key: str
    value: Any
    version: int
    read_at: float
    stale: bool = False

    def to_json(self) -> bytes:
        """Encode the item, for a cache that stores bytes."""
        return json.dumps(dataclasses.asdict(self)).encode("ascii")

    @classmethod
    def from_json(cls, content: bytes) -> "Item":
        """Decode what ``to_json`` encoded.

        Raises:
            TypeError: it holds something else.
            ValueError: it is not JSON.
        """
        return cls(**json.loads(content))
