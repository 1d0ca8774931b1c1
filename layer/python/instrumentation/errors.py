"""The errors of a function. On Lambda each class's name is the ``errorType`` of the function error."""


class BadRequest(Exception):  # noqa: N818 -- its name is the errorType that callers see
    """The event has no key, or one that no item can have."""


class ItemNotFound(Exception):  # noqa: N818 -- its name is the errorType that callers see
    """The source has no item of this key."""


class DownstreamError(Exception):
    """The source did not answer after all retries, refused, or answered what is not an item."""
