"""A module-level cache: a value is read once and kept as long as the execution environment lives."""

from instrumentation import Item, lambda_handler, load_settings, make_source
from warmcache import ModuleCache

# The lab's own: what is read.
source = make_source(load_settings())

# The pattern: `source.read` is any function that reads the value of a key.
cache = ModuleCache[Item]()


@lambda_handler
def handler(key: str) -> Item:
    """Return the item as this environment first read it."""
    return cache.get(key, source.read)
