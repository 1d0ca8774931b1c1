"""A TTL cache: what was read is kept in memory, and read again once its time to live has passed."""

from warmcache.caches import TtlCache
from warmcache.handler import lambda_handler
from warmcache.item import Item
from warmcache.settings import load_settings
from warmcache.sources import make_source

settings = load_settings()
source = make_source(settings)
cache = TtlCache(ttl_s=settings.ttl_s, max_items=10_000)


@lambda_handler
def handler(key: str) -> Item:
    """The item, read at most the time to live ago."""
    return cache.get(key, source.read)
