"""Reads the items: one class for each source. ``facts.names`` has the names of the items in each service.

In DynamoDB an item has the attributes ``value`` and ``version``; elsewhere it is the JSON text
``{"value": …, "version": …}``. Other attributes are ignored.
"""

import contextlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeAlias

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from facts.names import Names
from facts.sources import KEY_ATTRIBUTE, SourceName, object_key
from instrumentation.downstream import METER, DownstreamMeter
from instrumentation.errors import DownstreamError, ItemNotFound
from instrumentation.item import Item
from instrumentation.settings import FunctionSettings
from warmcache.hooks import before_snapshot

# A source that hangs must become a DownstreamError before the function's own timeout ends the process: at worst
# three attempts of a second each, and the standard mode's pauses of up to one and two seconds between them.
_CONFIG = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 3})

Content: TypeAlias = Mapping[str, Any] | str | bytes
"""An item as its service has it: parsed, or JSON text."""


class Source(ABC):
    """Where items are read."""

    service: ClassVar[SourceName]
    missing: ClassVar[str] = ""
    """The error code of the service for an item that does not exist."""
    batch: ClassVar[int]
    """The most keys that the service takes in one call."""

    def __init__(self, meter: DownstreamMeter) -> None:
        self._meter = meter
        self._client: Any = boto3.client(self.service, config=_CONFIG)
        meter.watch(self._client)
        # A connection in a snapshot is dead when it is restored. A closed client connects again when it is used.
        before_snapshot(self._client.close)

    @abstractmethod
    def _get(self, key: str) -> Content | None:
        """Request one item."""

    @abstractmethod
    def _get_many(self, keys: Sequence[str]) -> Iterable[tuple[str, Content]]:
        """Request at most ``batch`` items in one call."""

    def read(self, key: str) -> Item:
        """Return the item of ``key``.

        Raises:
            ItemNotFound: there is none.
            DownstreamError: the source failed after all retries, or the item has no value or version.
        """
        read_at = time.time()
        with self._failures(f"item {key!r}"):
            content = self._get_if_there(key)
        if content is None:
            raise ItemNotFound(f"{self.service} has no item {key!r}")
        return self._item(key, content, read_at)

    def read_many(self, keys: Sequence[str]) -> dict[str, Item]:
        """Return the items of those ``keys`` that exist, in as few calls as the service allows.

        A key that the service defers (DynamoDB's ``UnprocessedKeys``) counts as one without an item.

        Raises:
            DownstreamError: as for ``read``.
        """
        items: dict[str, Item] = {}
        for start in range(0, len(keys), self.batch):
            batch = keys[start : start + self.batch]
            read_at = time.time()
            with self._failures(f"{len(batch)} items"):
                found = list(self._get_many(batch))
            items |= {key: self._item(key, content, read_at) for key, content in found}
        return items

    def _get_if_there(self, key: str) -> Content | None:
        try:
            return self._get(key)
        except ClientError as failure:
            if failure.response["Error"]["Code"] != self.missing:
                raise
            return None

    @contextlib.contextmanager
    def _failures(self, wanted: str) -> Iterator[None]:
        """Count what botocore raises after all retries, and turn it into ``DownstreamError``."""
        try:
            yield
        except (BotoCoreError, ClientError) as failure:
            self._meter.note_failure()
            raise DownstreamError(f"{wanted} could not be read: {failure}") from failure

    def _item(self, key: str, content: Content, read_at: float) -> Item:
        try:
            fields: Any = content if isinstance(content, Mapping) else json.loads(content)
            item = Item(key, fields["value"], int(fields["version"]), read_at)
        except (KeyError, TypeError, ValueError) as failure:
            raise DownstreamError(f"item {key!r} is not JSON with a value and a version: {failure!r}") from failure
        self._meter.note(item)
        return item


class DynamoDbSource(Source):
    """Items of a DynamoDB table, read strongly consistent, so that the measured staleness is the cache's.

    Every answer states the read units that it cost, which the meter sums.
    """

    service = "dynamodb"
    batch = 100

    def __init__(self, table: str, meter: DownstreamMeter) -> None:
        super().__init__(meter)
        self._table = table

    def _get(self, key: str) -> Content | None:
        answer = self._client.get_item(
            TableName=self._table,
            Key={KEY_ATTRIBUTE: {"S": key}},
            ConsistentRead=True,
            ReturnConsumedCapacity="TOTAL",
        )
        return _plain_fields(answer["Item"]) if "Item" in answer else None

    def _get_many(self, keys: Sequence[str]) -> Iterable[tuple[str, Content]]:
        wanted = {"Keys": [{KEY_ATTRIBUTE: {"S": key}} for key in keys], "ConsistentRead": True}
        answer = self._client.batch_get_item(RequestItems={self._table: wanted}, ReturnConsumedCapacity="TOTAL")
        items = map(_plain_fields, answer["Responses"].get(self._table, []))
        return [(fields[KEY_ATTRIBUTE], fields) for fields in items]


class SsmSource(Source):
    """Items in parameters of Systems Manager's Parameter Store."""

    service = "ssm"
    missing = "ParameterNotFound"
    batch = 10

    def __init__(self, names: Names, meter: DownstreamMeter) -> None:
        super().__init__(meter)
        self._names = names

    def _get(self, key: str) -> Content:
        text: str = self._client.get_parameter(Name=self._names.parameter_name(key))["Parameter"]["Value"]
        return text

    def _get_many(self, keys: Sequence[str]) -> Iterable[tuple[str, Content]]:
        answer = self._client.get_parameters(Names=[self._names.parameter_name(key) for key in keys])
        path = self._names.parameter_path
        return [(found["Name"].removeprefix(path), found["Value"]) for found in answer["Parameters"]]


class SecretsManagerSource(Source):
    """Items in secrets of Secrets Manager."""

    service = "secretsmanager"
    missing = "ResourceNotFoundException"
    batch = 20

    def __init__(self, names: Names, meter: DownstreamMeter) -> None:
        super().__init__(meter)
        self._names = names

    def _get(self, key: str) -> Content:
        text: str = self._client.get_secret_value(SecretId=self._names.secret_name(key))["SecretString"]
        return text

    def _get_many(self, keys: Sequence[str]) -> Iterable[tuple[str, Content]]:
        answer = self._client.batch_get_secret_value(SecretIdList=[self._names.secret_name(key) for key in keys])
        prefix = self._names.secret_prefix
        return [(found["Name"].removeprefix(prefix), found["SecretString"]) for found in answer["SecretValues"]]


class S3Source(Source):
    """Items in objects of an S3 bucket.

    Without the permission s3:ListBucket, S3 answers 403 for an object that does not exist: a ``DownstreamError``.
    """

    service = "s3"
    missing = "NoSuchKey"
    batch = 10
    """S3 has no call for many: so many reads run at the same time. Matches botocore's default pool size."""

    def __init__(self, bucket: str, meter: DownstreamMeter) -> None:
        super().__init__(meter)
        self._bucket = bucket

    def _get(self, key: str) -> Content:
        content: bytes = self._client.get_object(Bucket=self._bucket, Key=object_key(key))["Body"].read()
        return content

    def _get_many(self, keys: Sequence[str]) -> Iterable[tuple[str, Content]]:
        with ThreadPoolExecutor(self.batch) as readers:
            contents = readers.map(self._get_if_there, keys)
            return [(key, found) for key, found in zip(keys, contents, strict=True) if found is not None]


def make_source(settings: FunctionSettings, meter: DownstreamMeter = METER) -> Source:
    """Return the source that the settings name. ``meter`` counts its calls and the items it reads."""
    match settings.source:
        case "dynamodb":
            return DynamoDbSource(settings.table, meter)
        case "ssm":
            return SsmSource(settings.names, meter)
        case "secretsmanager":
            return SecretsManagerSource(settings.names, meter)
        case "s3":
            return S3Source(settings.bucket, meter)


def _plain_fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(attribute) for name, attribute in attributes.items()}


def _plain(attribute: Mapping[str, Any]) -> Any:
    """Convert a DynamoDB attribute to what JSON would hold: numbers are int or float.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
    """
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "NULL":
            return None
        case "L":
            return [_plain(entry) for entry in value]
        case "M":
            return _plain_fields(value)
        case _:
            raise DownstreamError(f"an attribute is of type {kind}, which JSON cannot hold")
