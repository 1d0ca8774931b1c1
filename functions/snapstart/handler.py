"""SnapStart: keys are loaded before the snapshot, and those too old are read again after a restore."""

from instrumentation.handler import lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings
from instrumentation.sources import make_source
from warmcache.caches import SnapshotCache, TtlCache

settings = load_settings()
source = make_source(settings)
cache = SnapshotCache(
    TtlCache(ttl_s=settings.ttl_s, max_items=10_000),
    keys=[f"item-{number:04}" for number in range(settings.keys)],
    load_many=source.read_many,
)


@lambda_handler
def handler(key: str) -> Item:
    """The item, read at most the time to live ago, perhaps by the hook that ran after the restore."""
    return cache.get(key, source.read)
