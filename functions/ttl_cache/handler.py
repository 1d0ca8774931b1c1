"""A TTL cache: a value is kept in memory, and read again once its time to live has passed."""

from instrumentation import Item, lambda_handler, load_settings, make_source
from warmcache import TtlCache

# The lab's own: what is read, and the TTL.
settings = load_settings()
source = make_source(settings)

# The pattern: `source.read` is any function that reads the value of a key.
cache = TtlCache[Item](ttl_s=settings.ttl_s, max_items=10_000)


@lambda_handler
def handler(key: str) -> Item:
    """Return the item, read at most the TTL ago."""
    return cache.get(key, source.read)
