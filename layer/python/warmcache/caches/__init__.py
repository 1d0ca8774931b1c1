"""The caches. All have one method, and one contract: see ``Cache``."""

from typing import Protocol

from instrumentation.item import Item, Load
from warmcache.caches.module_cache import ModuleCache
from warmcache.caches.snapshot_cache import SnapshotCache
from warmcache.caches.tmp_cache import TmpCache
from warmcache.caches.ttl_cache import TtlCache

__all__ = ["Cache", "ModuleCache", "SnapshotCache", "TmpCache", "TtlCache"]


class Cache(Protocol):
    """What every cache does. Threads may share one."""

    def get(self, key: str, load: Load) -> Item:
        """The item of ``key``: kept, or else read by ``load(key)`` and kept from then on.

        Threads that ask for one key at the same time share one load, and its failure. A failure is never
        kept. Keys are told apart exactly: only a string is one, and all of it counts.

        Raises:
            TypeError: the key is not a string.
            ValueError: ``load`` gave the item of another key.
            Exception: whatever ``load`` raises.
        """
        ...
