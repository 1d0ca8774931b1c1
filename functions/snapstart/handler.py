"""SnapStart: keys are loaded before the snapshot, and expired ones are read again after a restore."""

from instrumentation import DownstreamError, Item, lambda_handler, load_settings, make_source
from warmcache import SnapshotCache, TtlCache

# The lab's own: what is read, the TTL, and the keys.
settings = load_settings()
source = make_source(settings)

# The pattern: `source.read_many` is any function that reads the values of many keys.
cache = SnapshotCache(
    TtlCache[Item](ttl_s=settings.ttl_s, max_items=10_000),
    keys=settings.keys_ahead,
    load_many=source.read_many,
    batch=source.batch,
    ignore=DownstreamError,
)


@lambda_handler
def handler(key: str) -> Item:
    """Return the item, read at most the TTL ago, perhaps by the hook after the restore."""
    return cache.get(key, source.read)
