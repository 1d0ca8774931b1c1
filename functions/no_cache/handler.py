"""No cache, the baseline: every invocation reads downstream."""

from instrumentation.handler import lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings
from instrumentation.sources import make_source

source = make_source(load_settings())


@lambda_handler
def handler(key: str) -> Item:
    """The item, read now."""
    return source.read(key)
