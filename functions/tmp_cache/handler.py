"""A cache in /tmp: files outlive the process, so that after a crash or a timeout the next one finds them."""

import tempfile
from pathlib import Path

from instrumentation.handler import lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings
from instrumentation.sources import make_source
from warmcache.caches import TmpCache

settings = load_settings()
source = make_source(settings)
cache = TmpCache(Path(tempfile.gettempdir(), "cache-lab"), ttl_s=settings.ttl_s)


@lambda_handler
def handler(key: str) -> Item:
    """The item, read at most the time to live ago, perhaps by the process before this one."""
    return cache.get(key, source.read)
