"""Which version of each item was written when, and so how stale an answer was."""

import bisect


class VersionTimeline:
    """The versions of every item that the lab knows of, and since when it knows each to be written.

    One thread adds, another may ask.

    **Staleness** of an answer: how long the served version had been superseded when the request was sent; 0 if it was
    current then. A version is superseded from the moment that the write of the next known version was acknowledged; so
    a value read afresh while a write was under way counts as current. Two cases give a lower bound: a write that was
    never acknowledged (it may have taken effect), where the next acknowledged one counts; and a served version older
    than any known (from before the run), where the reading back after seeding counts.
    """

    def __init__(self) -> None:
        self._versions: dict[str, list[int]] = {}
        self._since: dict[str, list[float]] = {}

    def add(self, key: str, version: int, since: float) -> None:
        """Note that ``version`` of an item was there at ``since`` (Unix seconds); passed over if not above the last."""
        versions = self._versions.setdefault(key, [])
        if versions and version <= versions[-1]:
            return
        # The moment first: whoever finds the version finds its moment.
        self._since.setdefault(key, []).append(since)
        versions.append(version)

    def staleness_ms(self, key: str, version: int, sent_at: float) -> float:
        """Staleness (see the class) of an answer with ``version`` to a request sent at ``sent_at`` (Unix seconds)."""
        versions = self._versions.get(key, [])
        following = bisect.bisect_right(versions, version)
        if following == len(versions):
            return 0.0
        return max(0.0, sent_at - self._since[key][following]) * 1000.0
