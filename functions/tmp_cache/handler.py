"""A cache in /tmp: files outlive the process, so that after a crash or a timeout the next one finds them."""

import tempfile
from pathlib import Path

from warmcache.caches import TmpCache
from warmcache.handler import lambda_handler
from warmcache.item import Item
from warmcache.settings import load_settings
from warmcache.sources import make_source

settings = load_settings()
source = make_source(settings)
cache = TmpCache(Path(tempfile.gettempdir(), "cache-lab"), ttl_s=settings.ttl_s)


@lambda_handler
def handler(key: str) -> Item:
    """The item, read at most the time to live ago, perhaps by the process before this one."""
    return cache.get(key, source.read)
