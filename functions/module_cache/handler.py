"""A module-level cache: what was read once is kept as long as the execution environment lives."""

from instrumentation.handler import lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings
from instrumentation.sources import make_source
from warmcache.caches import ModuleCache

source = make_source(load_settings())
cache = ModuleCache()


@lambda_handler
def handler(key: str) -> Item:
    """The item as it was when this environment first read it."""
    return cache.get(key, source.read)
