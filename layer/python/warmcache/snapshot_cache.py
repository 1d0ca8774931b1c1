"""A cache that is filled before SnapStart's snapshot and checked after each restore."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Final, Generic

from warmcache.cache import Load, StoringCache, V
from warmcache.hooks import after_restore

LONGEST_FILL_S: Final = 5.0
"""Half of the ten seconds after which Lambda ends a restore with its hooks: the snapshot and the runtime take some."""

_log = logging.getLogger(__name__)


class SnapshotCache(Generic[V]):
    """Fills another cache with the values of known keys, at init and again after each restore.

    A snapshot can be days old. After a restore, keys that the inner cache no longer serves are loaded again together,
    inside the hook, so that the first request finds them: Lambda bills that time as restore duration. Without
    SnapStart, the keys are loaded at init only.

    A key that could not be loaded, or not in time, is loaded when it is asked for.
    """

    def __init__(
        self,
        inner: StoringCache[V],
        *,
        keys: Iterable[str],
        load_many: Callable[[Sequence[str]], Mapping[str, V]],
        batch: int = 100,
        within_s: float = LONGEST_FILL_S,
        ignore: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        """Load ``keys`` into ``inner`` now.

        Args:
            inner: stores the values, and says how long. It should have room for all the keys.
            keys: what to load, the most important first.
            load_many: returns the values of those keys that exist.
            batch: how many keys it is given at once.
            within_s: how long a restore waits for the keys, seconds. A batch under way goes on without it.
            ignore: the errors of ``load_many`` that are logged and fail neither init nor restore, such as a
                source that is out of reach.
        """
        self._inner = inner
        self._keys = tuple(keys)
        self._load_many = load_many
        self._batch = batch
        self._within_s = within_s
        self._ignore = ignore
        self._fill(self._absent(), _Progress())
        after_restore(self._fill_in_time)

    def get(self, key: str, load: Load[V]) -> V:
        """See ``Cache.get``."""
        return self._inner.get(key, load)

    def _absent(self) -> list[str]:
        return [key for key in self._keys if not self._inner.serves(key)]

    def _fill_in_time(self) -> None:
        """Fill in a thread, since nothing else ends a load that hangs."""
        absent, progress, filled = self._absent(), _Progress(), Future[None]()
        if not absent:
            return

        def fill() -> None:
            try:
                self._fill(absent, progress)
            except BaseException as failure:
                filled.set_exception(failure)  # the hook raises it
            else:
                filled.set_result(None)

        threading.Thread(target=fill, name="fill after restore", daemon=True).start()
        if wait([filled], timeout=self._within_s).done:
            filled.result()
            return
        progress.stopped = True
        missing = len(absent) - progress.keys  # not what has no value now: with a short TTL, that includes expired ones
        _log.warning("%d of %d keys are not loaded ahead: %g s have passed", missing, len(absent), self._within_s)

    def _fill(self, absent: Sequence[str], progress: "_Progress") -> None:
        for start in range(0, len(absent), self._batch):
            if progress.stopped:
                return
            read_at = self._inner.now()
            batch = absent[start : start + self._batch]
            try:
                values = self._load_many(batch)
            except self._ignore as failure:
                _log.warning("%d keys are not loaded ahead: %s", len(absent) - start, failure)
                return
            for key, value in values.items():
                self._inner.put(key, value, read_at=read_at)
            progress.keys += len(batch)


class _Progress:
    """How many keys a fill has asked for, and whether it has to stop."""

    def __init__(self) -> None:
        self.keys = 0
        self.stopped = False
