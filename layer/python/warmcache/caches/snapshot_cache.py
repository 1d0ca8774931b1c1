"""A cache that is filled before SnapStart's snapshot and checked after each restore."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from instrumentation.errors import DownstreamError
from instrumentation.item import Item, Load
from warmcache.hooks import after_restore

if TYPE_CHECKING:
    from warmcache.caches import Cache

_log = logging.getLogger(__name__)


class _AbsentError(Exception):
    """The inner cache has no item to serve."""


class SnapshotCache:
    """Fills another cache with what is known to be needed, at init and again after each restore.

    A snapshot can be days old. After a restore, items that the inner cache no longer serves are read again
    in one go, inside the hook, so that the first request finds them: Lambda bills that time as restore
    duration. Without SnapStart, the items are loaded at init and that is all.

    What could not be loaded is loaded when it is asked for: a source that is out of reach, or has no such
    item yet, fails neither init nor restore.
    """

    def __init__(
        self, inner: "Cache", *, keys: Iterable[str], load_many: Callable[[Sequence[str]], Iterable[Item]]
    ) -> None:
        """Load ``keys`` into ``inner`` now.

        Args:
            inner: what keeps the items and says how long. It should have room for all the keys.
            keys: what to load.
            load_many: the items of those keys that there are, in as few calls as it can; raises
                ``DownstreamError`` if it cannot read.
        """
        self._inner = inner
        self._keys = tuple(keys)
        self._load_many = load_many
        self._fill()
        after_restore(self._fill)

    def get(self, key: str, load: Load) -> Item:
        """See ``Cache.get``."""
        return self._inner.get(key, load)

    def _fill(self) -> None:
        absent = [key for key in self._keys if not self._serves(key)]
        if not absent:
            return
        try:
            items = {item.key: item for item in self._load_many(absent)}
        except DownstreamError as failure:
            _log.warning("%d items are not loaded ahead: %s", len(absent), failure)
            return
        for key in items:
            self._inner.get(key, items.__getitem__)

    def _serves(self, key: str) -> bool:
        try:
            self._inner.get(key, _absent)
        except _AbsentError:
            return False
        return True


def _absent(key: str) -> Item:
    raise _AbsentError(key)
