"""What the lab's functions have beside their cache: counted reads of a source, metrics, the answer of a handler."""

from instrumentation.errors import DownstreamError
from instrumentation.handler import lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings
from instrumentation.sources import make_source

__all__ = ["DownstreamError", "Item", "lambda_handler", "load_settings", "make_source"]
