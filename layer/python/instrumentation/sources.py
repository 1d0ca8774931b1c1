"""The readers of what is cached: one a kind of source.

Each holds an item under a name of its own: in DynamoDB the item with the partition key ``key``, in Parameter
Store ``/cache-lab/<key>``, in Secrets Manager ``cache-lab/<key>``, in S3 the object ``items/<key>.json``. In
DynamoDB an item has the attributes ``value`` and ``version``; elsewhere it is the JSON text
``{"value": …, "version": …}``. What else it has is passed over.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from instrumentation.downstream import METER, DownstreamMeter
from instrumentation.errors import DownstreamError, ItemNotFound
from instrumentation.item import Item
from instrumentation.settings import FunctionSettings
from warmcache.hooks import before_snapshot

# A source that hangs must become a DownstreamError before the function's own timeout ends the process: at worst
# three attempts of a second each, and the standard mode's pauses of up to one and two seconds between them.
_CONFIG = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 3})


class Source(Protocol):
    """Where items are read."""

    def read(self, key: str) -> Item:
        """The item of ``key``.

        Raises:
            ItemNotFound: there is none.
            DownstreamError: the source failed after all retries, or holds something else under that name.
        """
        ...

    def read_many(self, keys: Sequence[str]) -> list[Item]:
        """The items of those ``keys`` that there are, in as few calls as the service allows.

        A key that the service puts off (DynamoDB's ``UnprocessedKeys``) counts as one without an item.

        Raises:
            DownstreamError: as for ``read``.
        """
        ...


def make_source(settings: FunctionSettings, meter: DownstreamMeter = METER) -> Source:
    """The source that the settings name. Its calls and the items it reads are counted by ``meter``."""
    match settings.source:
        case "dynamodb":
            return DynamoDbSource(settings.table, meter)
        case "ssm":
            return SsmSource(meter)
        case "secretsmanager":
            return SecretsManagerSource(meter)
        case "s3":
            return S3Source(settings.bucket, meter)


class DynamoDbSource:
    """Items of a DynamoDB table, read strongly consistent: what staleness is measured is the cache's own."""

    def __init__(self, table: str, meter: DownstreamMeter) -> None:
        self._table = table
        self._meter = meter
        self._client = boto3.client("dynamodb", config=_CONFIG)
        _prepare(self._client, meter)

    def read(self, key: str) -> Item:
        """See ``Source.read``."""
        read_at = time.time()
        with _as_downstream_errors(f"item {key!r}"):
            answer = self._client.get_item(TableName=self._table, Key={"key": {"S": key}}, ConsistentRead=True)
        if "Item" not in answer:
            raise ItemNotFound(f"table {self._table} has no item {key!r}")
        return self._item(answer["Item"], read_at)

    def read_many(self, keys: Sequence[str]) -> list[Item]:
        """See ``Source.read_many``."""
        return [item for batch in _batches(keys, 100) for item in self._read_batch(batch)]

    def _read_batch(self, keys: Sequence[str]) -> list[Item]:
        read_at = time.time()
        with _as_downstream_errors(f"{len(keys)} items"):
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": [{"key": {"S": key}} for key in keys], "ConsistentRead": True}}
            )
        return [self._item(found, read_at) for found in answer["Responses"].get(self._table, [])]

    def _item(self, attributes: Mapping[str, Any], read_at: float) -> Item:
        fields = {name: _plain(attribute) for name, attribute in attributes.items()}
        return _noted(self._meter, fields["key"], fields, read_at)


class SsmSource:
    """Items in parameters of Systems Manager's Parameter Store."""

    _PREFIX = "/cache-lab/"

    def __init__(self, meter: DownstreamMeter) -> None:
        self._meter = meter
        self._client = boto3.client("ssm", config=_CONFIG)
        _prepare(self._client, meter)

    def read(self, key: str) -> Item:
        """See ``Source.read``."""
        read_at = time.time()
        with _as_downstream_errors(f"parameter {key!r}", missing="ParameterNotFound"):
            answer = self._client.get_parameter(Name=self._PREFIX + key)
        return _parsed(self._meter, key, answer["Parameter"]["Value"], read_at)

    def read_many(self, keys: Sequence[str]) -> list[Item]:
        """See ``Source.read_many``."""
        return [item for batch in _batches(keys, 10) for item in self._read_batch(batch)]

    def _read_batch(self, keys: Sequence[str]) -> list[Item]:
        read_at = time.time()
        with _as_downstream_errors(f"{len(keys)} parameters"):
            answer = self._client.get_parameters(Names=[self._PREFIX + key for key in keys])
        return [
            _parsed(self._meter, found["Name"].removeprefix(self._PREFIX), found["Value"], read_at)
            for found in answer["Parameters"]
        ]


class SecretsManagerSource:
    """Items in secrets of Secrets Manager."""

    _PREFIX = "cache-lab/"

    def __init__(self, meter: DownstreamMeter) -> None:
        self._meter = meter
        self._client = boto3.client("secretsmanager", config=_CONFIG)
        _prepare(self._client, meter)

    def read(self, key: str) -> Item:
        """See ``Source.read``."""
        read_at = time.time()
        with _as_downstream_errors(f"secret {key!r}", missing="ResourceNotFoundException"):
            answer = self._client.get_secret_value(SecretId=self._PREFIX + key)
        return _parsed(self._meter, key, answer["SecretString"], read_at)

    def read_many(self, keys: Sequence[str]) -> list[Item]:
        """See ``Source.read_many``."""
        return [item for batch in _batches(keys, 20) for item in self._read_batch(batch)]

    def _read_batch(self, keys: Sequence[str]) -> list[Item]:
        read_at = time.time()
        with _as_downstream_errors(f"{len(keys)} secrets"):
            answer = self._client.batch_get_secret_value(SecretIdList=[self._PREFIX + key for key in keys])
        return [
            _parsed(self._meter, found["Name"].removeprefix(self._PREFIX), found["SecretString"], read_at)
            for found in answer["SecretValues"]
        ]


class S3Source:
    """Items in objects of an S3 bucket.

    Without the permission s3:ListBucket, S3 answers 403 for an object that is not there, which is then a
    ``DownstreamError``.
    """

    # Of botocore's default pool of ten connections none is waited for.
    _READERS = 10

    def __init__(self, bucket: str, meter: DownstreamMeter) -> None:
        self._bucket = bucket
        self._meter = meter
        self._client = boto3.client("s3", config=_CONFIG)
        _prepare(self._client, meter)

    def read(self, key: str) -> Item:
        """See ``Source.read``."""
        read_at = time.time()
        with _as_downstream_errors(f"object {key!r}", missing="NoSuchKey"):
            answer = self._client.get_object(Bucket=self._bucket, Key=f"items/{key}.json")
            text = answer["Body"].read()
        return _parsed(self._meter, key, text, read_at)

    def read_many(self, keys: Sequence[str]) -> list[Item]:
        """See ``Source.read_many``: S3 has no batch, so ten at a time."""
        with ThreadPoolExecutor(self._READERS) as readers:
            return [item for item in readers.map(self._read_if_there, keys) if item is not None]

    def _read_if_there(self, key: str) -> Item | None:
        try:
            return self.read(key)
        except ItemNotFound:
            return None


def _prepare(client: Any, meter: DownstreamMeter) -> None:
    meter.watch(client)
    # A connection in a snapshot is dead when it is restored. A closed client connects anew when it is used.
    before_snapshot(client.close)


@contextlib.contextmanager
def _as_downstream_errors(wanted: str, *, missing: str = "") -> Iterator[None]:
    """Turn what botocore raises into ``ItemNotFound`` (error code ``missing``) or ``DownstreamError``."""
    try:
        yield
    except ClientError as failure:
        if missing and failure.response["Error"]["Code"] == missing:
            raise ItemNotFound(f"there is no {wanted}") from failure
        raise DownstreamError(f"{wanted} could not be read: {failure}") from failure
    except BotoCoreError as failure:
        raise DownstreamError(f"{wanted} could not be read: {failure}") from failure


def _batches(keys: Sequence[str], size: int) -> list[Sequence[str]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def _parsed(meter: DownstreamMeter, key: str, text: str | bytes, read_at: float) -> Item:
    try:
        fields = json.loads(text)
    except ValueError as failure:
        raise DownstreamError(f"item {key!r} is not JSON: {failure}") from failure
    return _noted(meter, key, fields, read_at)


def _noted(meter: DownstreamMeter, key: str, fields: Any, read_at: float) -> Item:
    try:
        item = Item(key, fields["value"], int(fields["version"]), read_at)
    except (KeyError, TypeError, ValueError) as failure:
        raise DownstreamError(f"item {key!r} lacks a value or a version: {failure!r}") from failure
    meter.note(item)
    return item


def _plain(attribute: Mapping[str, Any]) -> Any:
    """A DynamoDB attribute as what JSON would hold: numbers are int or float.

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
            return {name: _plain(entry) for name, entry in value.items()}
        case _:
            raise DownstreamError(f"an attribute is of type {kind}, which JSON cannot hold")
