"""A cache that is filled before SnapStart's snapshot and checked after each restore."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic

from warmcache.cache import Load, StoringCache, V
from warmcache.hooks import after_restore

_log = logging.getLogger(__name__)


class SnapshotCache(Generic[V]):
    """Fills another cache with the values of known keys, at init and again after each restore.

    A snapshot can be days old. After a restore, keys that the inner cache no longer serves are loaded again together,
    inside the hook, so that the first request finds them: Lambda bills that time as restore duration. Without
    SnapStart, the keys are loaded at init only.

    A key that could not be loaded is loaded when it is asked for.
    """

    def __init__(
        self,
        inner: StoringCache[V],
        *,
        keys: Iterable[str],
        load_many: Callable[[Sequence[str]], Mapping[str, V]],
        ignore: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        """Load ``keys`` into ``inner`` now.

        Args:
            inner: stores the values, and says how long. It should have room for all the keys.
            keys: what to load.
            load_many: returns the values of those keys that exist, in as few calls as it can.
            ignore: the errors of ``load_many`` that are logged and fail neither init nor restore, such as a
                source that is out of reach.
        """
        self._inner = inner
        self._keys = tuple(keys)
        self._load_many = load_many
        self._ignore = ignore
        self._fill()
        after_restore(self._fill)

    def get(self, key: str, load: Load[V]) -> V:
        """See ``Cache.get``."""
        return self._inner.get(key, load)

    def _fill(self) -> None:
        absent = [key for key in self._keys if not self._inner.serves(key)]
        if not absent:
            return
        read_at = self._inner.now()
        try:
            values = self._load_many(absent)
        except self._ignore as failure:
            _log.warning("%d keys are not loaded ahead: %s", len(absent), failure)
            return
        for key, value in values.items():
            self._inner.put(key, value, read_at=read_at)
