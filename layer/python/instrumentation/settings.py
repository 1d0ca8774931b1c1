"""The settings that a function reads from its environment variables: see ``facts.variables``."""

import functools
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from facts import variables
from facts.names import Names
from facts.sources import DEFAULT_KEYS, MOST_AHEAD, SOURCES, SourceName, item_keys


@dataclass(frozen=True, kw_only=True)
class FunctionSettings:
    """The settings of a function.

    Attributes:
        variant: the value of the metric dimension.
        names: those of the application's instance.
        source: what is read.
        table: the DynamoDB table; empty unless the source is dynamodb.
        bucket: the S3 bucket; empty unless the source is s3.
        ttl_s: the time to live of an item in seconds, 0 or more.
        keys: how many items exist, 0 or more.
    """

    variant: str
    names: Names = Names()  # noqa: RUF009 -- it is frozen
    source: SourceName = SOURCES[0]
    table: str = ""
    bucket: str = ""
    ttl_s: float = variables.DEFAULT_TTL_S
    keys: int = DEFAULT_KEYS

    @property
    def keys_ahead(self) -> tuple[str, ...]:
        """The keys of the items that are requested most: as many as the source can be read for after a restore."""
        return item_keys(min(self.keys, MOST_AHEAD[self.source]))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FunctionSettings":
        """Parse environment variables.

        Raises:
            ValueError: one is missing or malformed; the text names it and says what to give.
        """
        source = environment.get(variables.SOURCE, cls.source)
        if source not in SOURCES:
            raise ValueError(f"{variables.SOURCE} is {source!r}: give one of {', '.join(SOURCES)}")
        return cls(
            variant=_required(environment, variables.VARIANT),
            names=Names(environment.get(variables.INSTANCE)),
            source=source,
            table=_required(environment, variables.TABLE) if source == "dynamodb" else "",
            bucket=_required(environment, variables.BUCKET) if source == "s3" else "",
            ttl_s=_seconds(environment, variables.TTL_S, cls.ttl_s),
            keys=_count(environment, variables.KEYS, cls.keys),
        )


@functools.cache
def load_settings() -> FunctionSettings:
    """Return the settings of this process, parsed once.

    Raises:
        ValueError: see ``FunctionSettings.from_environment``.
    """
    return FunctionSettings.from_environment(os.environ)


def _required(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise ValueError(f"{name} is not set: the function needs it in its environment")
    return environment[name]


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{name} is {text!r}: give a number of seconds, 0 or more")
    return seconds


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} is {text!r}: give a whole number, 0 or more")
    return int(text)
