"""The items that the functions read: seeded, updated and removed by the APIs of the service that holds them.

An item is ``value`` (an object), ``version`` (a whole number: 1 at first, one more with each update) and ``written_at``
(Unix seconds). DynamoDB holds these as attributes; the others hold them as JSON text.
"""

import abc
import contextlib
import decimal
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from facts.sources import (
    OBJECT_PREFIX,
    PARAMETER_PREFIX,
    SECRET_PREFIX,
    TABLE,
    SourceName,
    object_key,
    parameter_name,
    secret_name,
)
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.aws.objects import delete_objects
from lab.errors import LabError


class Store(abc.ABC):
    """The items of one source."""

    SERVICE: ClassVar[str]
    EXISTS: ClassVar[str | None] = None
    """The error code of creating an item that exists."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client(self.SERVICE)

    @abc.abstractmethod
    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """Read the versions of those items that exist, strongly consistent."""

    @abc.abstractmethod
    def update(self, key: str) -> int:
        """Write the next version of an item, and return that version."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Remove what ``cdk destroy`` would leave behind, or what would block it."""

    @abc.abstractmethod
    def _create(self, key: str) -> None: ...

    def create(self, key: str) -> None:
        """Write version 1 of an item, unless it exists."""
        with _ignored(self.EXISTS):
            self._create(key)


def open_store(source: SourceName, connection: Connection, bucket: str | None = None) -> Store:
    """The store of a source.

    Args:
        source: the service that holds the items.
        connection: the target's APIs.
        bucket: the bucket's name; needed for `s3` only.
    """
    if source == "s3":
        if bucket is None:
            raise LabError("there is no bucket to hold the items; deploy with --source s3 first")
        return S3Store(connection, bucket)
    if source == "dynamodb":
        return DynamoDbStore(connection)
    return SsmStore(connection) if source == "ssm" else SecretsStore(connection)


def seed(store: Store, keys: Sequence[str]) -> dict[str, int]:
    """Create those items that do not exist yet. Items that exist keep their version.

    Returns:
        The version of every item, as read back.
    """
    with aws_errors("seed the items"):
        existing = store.versions(keys)
        for key in keys:
            if key not in existing:
                store.create(key)
        versions = store.versions(keys)
    missing = [key for key in keys if key not in versions]
    if missing:
        raise LabError(f"{len(missing)} items are missing after seeding, the first is {missing[0]}; run it again")
    return versions


def _item(key: str, version: int) -> dict[str, Any]:
    """An item as an application might keep it, some hundred bytes."""
    value = {"name": key, "revision": version, "description": f"What the functions read as {key}. " * 8}
    return {"value": value, "version": version, "written_at": round(time.time(), 3)}


@contextlib.contextmanager
def _ignored(code: str | None) -> Iterator[None]:
    """Ignore the AWS error with this code."""
    try:
        yield
    except ClientError as error:
        if error_code(error) != code:
            raise


def _batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(itertools.islice(rest, size)):
        yield batch


class DynamoDbStore(Store):
    """Items of the table, partition key ``key``."""

    SERVICE, EXISTS = "dynamodb", "ConditionalCheckFailedException"

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """See the base class. BatchGetItem takes at most 100 keys and may return only a part of them."""
        found: dict[str, int] = {}
        for batch in _batches(keys, 100):
            request: dict[str, Any] = {
                TABLE: {
                    "Keys": [{"key": {"S": key}} for key in batch],
                    "ProjectionExpression": "#key, #version",
                    "ExpressionAttributeNames": {"#key": "key", "#version": "version"},
                    "ConsistentRead": True,
                }
            }
            while request:
                answer = self._client.batch_get_item(RequestItems=request)
                for item in answer["Responses"].get(TABLE, []):
                    found[item["key"]["S"]] = int(item["version"]["N"])
                request = answer.get("UnprocessedKeys") or {}
        return found

    def _create(self, key: str) -> None:
        item = {"key": key, **_item(key, 1)}
        item["written_at"] = decimal.Decimal(str(item["written_at"]))
        self._client.put_item(
            TableName=TABLE,
            Item=TypeSerializer().serialize(item)["M"],
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": "key"},
        )

    def update(self, key: str) -> int:
        """See the base class. The table counts, so nothing needs to be read first."""
        answer = self._client.update_item(
            TableName=TABLE,
            Key={"key": {"S": key}},
            UpdateExpression="ADD #version :one SET #value.#revision = #value.#revision + :one, #written = :now",
            ExpressionAttributeNames={
                "#version": "version",
                "#value": "value",
                "#revision": "revision",
                "#written": "written_at",
            },
            ExpressionAttributeValues={":one": {"N": "1"}, ":now": {"N": f"{time.time():.3f}"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["version"]["N"])

    def clear(self) -> None:
        """See the base class. CloudFormation removes the table with its stack."""


class _DocumentStore(Store):
    """Items as JSON text in a service that cannot count: the one writer remembers the versions."""

    MISSING: ClassVar[str]
    """The error code of reading an item that does not exist."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._versions: dict[str, int] = {}

    @abc.abstractmethod
    def _read(self, key: str) -> str: ...

    @abc.abstractmethod
    def _write(self, key: str, document: str, *, new: bool = False) -> None: ...

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        found = {}
        for key in keys:
            with _ignored(self.MISSING):
                found[key] = _version_in(self._read(key), key)
        self._versions.update(found)
        return found

    def _create(self, key: str) -> None:
        self._write(key, json.dumps(_item(key, 1), separators=(",", ":")), new=True)

    def update(self, key: str) -> int:
        version = self._versions[key] + 1
        # Counted before the write: a write that failed may have taken effect, so its version is not used again.
        self._versions[key] = version
        self._write(key, json.dumps(_item(key, version), separators=(",", ":")))
        return version


def _version_in(document: str, key: str) -> int:
    try:
        return int(json.loads(document)["version"])
    except (ValueError, KeyError, TypeError):
        raise LabError(f"item {key} was not written by the lab: it has no version; remove it") from None


class SsmStore(_DocumentStore):
    """Parameters ``/cache-lab/<key>``."""

    SERVICE, EXISTS, MISSING = "ssm", "ParameterAlreadyExists", "ParameterNotFound"

    def _read(self, key: str) -> str:
        return str(self._client.get_parameter(Name=parameter_name(key))["Parameter"]["Value"])

    def _write(self, key: str, document: str, *, new: bool = False) -> None:
        self._client.put_parameter(Name=parameter_name(key), Value=document, Type="String", Overwrite=not new)

    def clear(self) -> None:
        """Delete every parameter under the prefix; one call takes ten."""
        pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=PARAMETER_PREFIX)
        names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
        for batch in _batches(names, 10):
            self._client.delete_parameters(Names=batch)


class SecretsStore(_DocumentStore):
    """Secrets ``cache-lab/<key>``."""

    SERVICE, EXISTS, MISSING = "secretsmanager", "ResourceExistsException", "ResourceNotFoundException"

    def _read(self, key: str) -> str:
        return str(self._client.get_secret_value(SecretId=secret_name(key))["SecretString"])

    def _write(self, key: str, document: str, *, new: bool = False) -> None:
        if new:
            self._client.create_secret(Name=secret_name(key), SecretString=document)
        else:
            self._client.put_secret_value(SecretId=secret_name(key), SecretString=document)

    def clear(self) -> None:
        """Delete every secret under the prefix at once: a secret costs while it waits to be deleted."""
        paginator = self._client.get_paginator("list_secrets")
        pages = paginator.paginate(Filters=[{"Key": "name", "Values": [SECRET_PREFIX]}])
        names = [secret["Name"] for page in pages for secret in page["SecretList"]]
        for name in names:
            if name.startswith(SECRET_PREFIX):
                self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


class S3Store(_DocumentStore):
    """Objects ``items/<key>.json`` of the bucket."""

    SERVICE, MISSING = "s3", "NoSuchKey"  # nothing EXISTS: an object is created by overwriting

    def __init__(self, connection: Connection, bucket: str) -> None:
        super().__init__(connection)
        self._bucket = bucket

    def _read(self, key: str) -> str:
        answer = self._client.get_object(Bucket=self._bucket, Key=object_key(key))
        return str(answer["Body"].read().decode())

    def _write(self, key: str, document: str, *, new: bool = False) -> None:  # noqa: ARG002 -- S3 overwrites
        self._client.put_object(
            Bucket=self._bucket, Key=object_key(key), Body=document.encode(), ContentType="application/json"
        )

    def clear(self) -> None:
        """Delete every item."""
        delete_objects(self._client, self._bucket, OBJECT_PREFIX)
