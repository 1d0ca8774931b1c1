"""A TTL cache: what was read is kept in memory, and read again once its time to live has passed."""

from instrumentation.handler import lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings
from instrumentation.sources import make_source
from warmcache.caches import TtlCache

settings = load_settings()
source = make_source(settings)
cache = TtlCache(ttl_s=settings.ttl_s, max_items=10_000)


@lambda_handler
def handler(key: str) -> Item:
    """The item, read at most the time to live ago."""
    return cache.get(key, source.read)
