"""Goes with the next version of the dashboards: see `cloudwatch.errors`."""

from collections.abc import Collection, Mapping
from typing import Any

from cloudwatch.errors import UnsupportedError

RefusedError = UnsupportedError


def only(
    given: Mapping[str, Any], what: str, known: Collection[str], allowed: Mapping[str, Collection[Any]] | None = None
) -> None:
    """Refuse any property that is not known, and any value that is not among those allowed for it.

    Raises:
        RefusedError: naming the property.
    """
    for key, value in given.items():
        if key not in known:
            raise RefusedError(f"the property {key!r} of {what} is not known here")
        values = (allowed or {}).get(key)
        if values is not None and value not in values:
            raise RefusedError(f"{key} of {what} is {value!r}, and only {' or '.join(map(repr, values))} is known here")
