"""A module-level cache: what was read once is kept as long as the execution environment lives."""

from warmcache.caches import ModuleCache
from warmcache.handler import lambda_handler
from warmcache.item import Item
from warmcache.settings import load_settings
from warmcache.sources import make_source

source = make_source(load_settings())
cache = ModuleCache()


@lambda_handler
def handler(key: str) -> Item:
    """The item as it was when this environment first read it."""
    return cache.get(key, source.read)
