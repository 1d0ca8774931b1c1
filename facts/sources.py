"""The services that a function can read from, and the keys of the items. `facts.names` has their names in each service.

To add a source:

1. Here: its name, its title, and how many items a restore can read ahead. In `facts/names.py`: how it names an item.
2. `layer/python/instrumentation/sources.py`: a reader.
3. `lab/deploy/items.py`: a writer in `open_store`, and `remove_items` if the items are in no stack.
4. `stacks/source.py`: what a reader may do. If the service needs a resource or a name: `stacks/source_stack.py`,
   `facts/variables.py` and `layer/python/instrumentation/settings.py`.
5. `facts/prices.toml`: the price of a read. `facts/quotas.py`: what limits the reads.
6. `lab/endpoint/profiles.py`: its latency. `lab/endpoint/wire.py`: the form of its errors, unless it is JSON.

`tests/unit/facts/test_sources.py` finds a missing reader, writer, permission, price, quota or latency. Settings, the
command line and other tests follow from `SOURCES`.
"""

from typing import Final, Literal, TypeAlias, get_args

SourceName: TypeAlias = Literal["dynamodb", "ssm", "secretsmanager", "s3"]
"""The name of a source is also the name of its boto3 client."""

SOURCES: Final[tuple[SourceName, ...]] = get_args(SourceName)
"""Every source; the first is the default."""

TITLES: Final[dict[str, str]] = {"dynamodb": "DynamoDB", "ssm": "SSM", "secretsmanager": "SecretsManager", "s3": "S3"}
"""The names of the sources for people."""

MOST_KEYS: Final = 10_000
"""A key has four digits."""

DEFAULT_KEYS: Final = 8
"""The number of items unless the user says otherwise."""

MOST_AHEAD: Final[dict[SourceName, int]] = {"dynamodb": MOST_KEYS, "ssm": 400, "secretsmanager": 1_000, "s3": 500}
"""How many items a function can read in the five seconds that it has for that after a restore: batches of 100, 10, 20
and 10, one after the other, even if each takes the 99th percentile of its assumed latency
(`lab/endpoint/profiles.py`)."""

KEY_ATTRIBUTE: Final = "key"
OBJECT_PREFIX: Final = "items/"


def item_key(rank: int) -> str:
    """Return the key of the item of this rank, 0 to 9,999; rank 0 is requested most."""
    return f"item-{rank:04d}"


def item_keys(count: int) -> tuple[str, ...]:
    """Return the keys of the first ``count`` items, the one requested most first."""
    return tuple(item_key(rank) for rank in range(count))


def object_key(key: str) -> str:
    """Return the key of the S3 object that holds an item."""
    return f"{OBJECT_PREFIX}{key}.json"
