"""Caches for AWS Lambda functions: `from warmcache import TtlCache`."""

from warmcache.cache import Cache, Load
from warmcache.module_cache import ModuleCache
from warmcache.snapshot_cache import SnapshotCache
from warmcache.tmp_cache import TmpCache
from warmcache.ttl_cache import TtlCache

__all__ = ["Cache", "Load", "ModuleCache", "SnapshotCache", "TmpCache", "TtlCache"]
