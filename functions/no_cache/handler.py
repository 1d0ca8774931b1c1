"""No cache, the baseline: every invocation reads downstream."""

from instrumentation import Item, lambda_handler, load_settings, make_source

# The lab's own: what is read.
source = make_source(load_settings())


@lambda_handler
def handler(key: str) -> Item:
    """Return the item, read now."""
    return source.read(key)
