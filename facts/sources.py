"""The services that a function can read from, and the names of the items in each."""

from typing import Final, Literal, TypeAlias, get_args

SourceName: TypeAlias = Literal["dynamodb", "ssm", "secretsmanager", "s3"]

SOURCES: Final[tuple[SourceName, ...]] = get_args(SourceName)
"""Every source; the first is the default."""

MOST_KEYS: Final = 10_000
"""A key has four digits."""

DEFAULT_KEYS: Final = 50
"""How many items there are, unless the user says otherwise."""

TABLE: Final = "cache-lab-items"
KEY_ATTRIBUTE: Final = "key"
PARAMETER_PREFIX: Final = "/cache-lab/"
SECRET_PREFIX: Final = "cache-lab/"  # noqa: S105 -- a name
OBJECT_PREFIX: Final = "items/"


def item_key(rank: int) -> str:
    """The key of the item of this rank, 0 to 9,999; the item of rank 0 is asked for most."""
    return f"item-{rank:04d}"


def item_keys(count: int) -> tuple[str, ...]:
    """The keys of the first ``count`` items, the one asked for most first."""
    return tuple(item_key(rank) for rank in range(count))


def parameter_name(key: str) -> str:
    """The SSM parameter that holds an item."""
    return PARAMETER_PREFIX + key


def secret_name(key: str) -> str:
    """The Secrets Manager secret that holds an item."""
    return SECRET_PREFIX + key


def object_key(key: str) -> str:
    """The key of the S3 object that holds an item."""
    return f"{OBJECT_PREFIX}{key}.json"
