"""A cache in /tmp: files outlive the process, so that after a crash or a timeout the next one finds them."""

import tempfile
from pathlib import Path

from instrumentation import Item, lambda_handler, load_settings, make_source
from warmcache import TmpCache

# The lab's own: what is read, and the TTL.
settings = load_settings()
source = make_source(settings)

# The pattern: `source.read` is any function that reads the value of a key. A value that JSON holds needs no `encode`.
folder = Path(tempfile.gettempdir(), "cache-lab")
cache = TmpCache[Item](folder, ttl_s=settings.ttl_s, encode=Item.to_json, decode=Item.from_json)


@lambda_handler
def handler(key: str) -> Item:
    """Return the item, read at most the TTL ago, perhaps by an earlier process."""
    return cache.get(key, source.read)
