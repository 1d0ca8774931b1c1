"""No cache, the baseline: every invocation reads downstream."""

from warmcache.handler import lambda_handler
from warmcache.item import Item
from warmcache.settings import load_settings
from warmcache.sources import make_source

source = make_source(load_settings())


@lambda_handler
def handler(key: str) -> Item:
    """The item, read now."""
    return source.read(key)
