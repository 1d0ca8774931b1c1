"""The items that the functions read: seeded, updated and removed by the APIs of the service that holds them.

An item is ``value`` (an object), ``version`` (a whole number, 1 at first, one more with each update) and ``written_at``
(Unix seconds). DynamoDB holds these as attributes; the others hold them as JSON text.
"""

import abc
import decimal
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

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
from lab.aws.errors import aws_errors
from lab.aws.objects import delete_objects
from lab.errors import LabError


class Store(abc.ABC):
    """The items of one source."""

    @abc.abstractmethod
    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """The versions of those items that exist, strongly consistent."""

    @abc.abstractmethod
    def create(self, key: str) -> None:
        """Write version 1 of an item, unless there is one already."""

    @abc.abstractmethod
    def update(self, key: str) -> int:
        """Write the next version of an item, whatever it is now; the version written."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Remove what ``cdk destroy`` would leave behind, or be held up by."""


def open_store(source: SourceName, connection: Connection, bucket: str | None = None) -> Store:
    """The store of a source.

    Args:
        source: which service holds the items.
        connection: the target's APIs.
        bucket: the bucket's name, wanted for `s3` alone.
    """
    if source == "dynamodb":
        return DynamoDbStore(connection)
    if source == "ssm":
        return SsmStore(connection)
    if source == "secretsmanager":
        return SecretsStore(connection)
    if bucket is None:
        raise LabError("no bucket to hold the items; deploy with --source s3 first")
    return S3Store(connection, bucket)


def seed(store: Store, keys: Sequence[str]) -> dict[str, int]:
    """Create those items that do not exist yet. Items that exist keep their version.

    Returns:
        The version of every item, as read back.
    """
    with aws_errors("seed the items"):
        there = store.versions(keys)
        for key in keys:
            if key not in there:
                store.create(key)
        versions = store.versions(keys)
    missing = [key for key in keys if key not in versions]
    if missing:
        raise LabError(f"{len(missing)} items were not there after seeding, the first {missing[0]}; run it again")
    return versions


def _value(key: str, version: int) -> dict[str, Any]:
    """A value as an application might keep it, some hundred bytes."""
    return {"name": key, "revision": version, "description": f"What the functions read as {key}. " * 8}


def _document(key: str, version: int) -> str:
    content = {"value": _value(key, version), "version": version, "written_at": round(time.time(), 3)}
    return json.dumps(content, separators=(",", ":"))


def _is(error: ClientError, *codes: str) -> bool:
    return error.response.get("Error", {}).get("Code") in codes


def _batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(itertools.islice(rest, size)):
        yield batch


class DynamoDbStore(Store):
    """Items of the table, partition key ``key``."""

    def __init__(self, connection: Connection) -> None:
        self._client = connection.client("dynamodb")

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """See the base class. BatchGetItem takes 100 keys at most and may leave some for later."""
        found: dict[str, int] = {}
        for batch in _batches(keys, 100):
            wanted: dict[str, Any] = {
                TABLE: {
                    "Keys": [{"key": {"S": key}} for key in batch],
                    "ProjectionExpression": "#key, #version",
                    "ExpressionAttributeNames": {"#key": "key", "#version": "version"},
                    "ConsistentRead": True,
                }
            }
            while wanted:
                answer = self._client.batch_get_item(RequestItems=wanted)
                for item in answer["Responses"].get(TABLE, []):
                    found[item["key"]["S"]] = int(item["version"]["N"])
                wanted = answer.get("UnprocessedKeys") or {}
        return found

    def create(self, key: str) -> None:
        """See the base class."""
        item = {"key": {"S": key}, "version": {"N": "1"}, **self._attributes(key, 1)}
        try:
            self._client.put_item(
                TableName=TABLE,
                Item=item,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": "key"},
            )
        except ClientError as error:
            if not _is(error, "ConditionalCheckFailedException"):
                raise

    def update(self, key: str) -> int:
        """See the base class. The table counts, so nothing need be read first."""
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
            ExpressionAttributeValues={":one": {"N": "1"}, ":now": _now()},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["version"]["N"])

    def clear(self) -> None:
        """See the base class. The table goes with its stack."""

    @staticmethod
    def _attributes(key: str, version: int) -> dict[str, Any]:
        value = _value(key, version)
        return {
            "value": {
                "M": {name: {"N": str(part)} if isinstance(part, int) else {"S": part} for name, part in value.items()}
            },
            "written_at": _now(),
        }


def _now() -> dict[str, str]:
    return {"N": str(decimal.Decimal(time.time()).quantize(decimal.Decimal("0.001")))}


class _DocumentStore(Store):
    """Items as JSON text in a service that cannot count: the one writer remembers the versions."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    @abc.abstractmethod
    def _read(self, key: str) -> str | None: ...

    @abc.abstractmethod
    def _write(self, key: str, document: str) -> None: ...

    @abc.abstractmethod
    def _create(self, key: str, document: str) -> None: ...

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        found = {}
        for key in keys:
            document = self._read(key)
            if document is not None:
                found[key] = _version_in(document, key)
        self._versions.update(found)
        return found

    def create(self, key: str) -> None:
        self._create(key, _document(key, 1))

    def update(self, key: str) -> int:
        version = self._versions[key] + 1
        # Counted before the write, so that a write that failed, and may have taken effect, gets no second text.
        self._versions[key] = version
        self._write(key, _document(key, version))
        return version


def _version_in(document: str, key: str) -> int:
    try:
        return int(json.loads(document)["version"])
    except (ValueError, KeyError, TypeError):
        raise LabError(f"item {key} is not of this lab's making: it has no version; remove it") from None


class SsmStore(_DocumentStore):
    """Parameters ``/cache-lab/<key>``."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._client = connection.client("ssm")

    def _read(self, key: str) -> str | None:
        try:
            return str(self._client.get_parameter(Name=parameter_name(key))["Parameter"]["Value"])
        except ClientError as error:
            if _is(error, "ParameterNotFound"):
                return None
            raise

    def _create(self, key: str, document: str) -> None:
        try:
            self._client.put_parameter(Name=parameter_name(key), Value=document, Type="String")
        except ClientError as error:
            if not _is(error, "ParameterAlreadyExists"):
                raise

    def _write(self, key: str, document: str) -> None:
        self._client.put_parameter(Name=parameter_name(key), Value=document, Type="String", Overwrite=True)

    def clear(self) -> None:
        """Delete every parameter under the prefix, ten a call as the API allows."""
        pages = self._client.get_paginator("get_parameters_by_path").paginate(Path=PARAMETER_PREFIX)
        names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
        for batch in _batches(names, 10):
            self._client.delete_parameters(Names=batch)


class SecretsStore(_DocumentStore):
    """Secrets ``cache-lab/<key>``."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._client = connection.client("secretsmanager")

    def _read(self, key: str) -> str | None:
        try:
            return str(self._client.get_secret_value(SecretId=secret_name(key))["SecretString"])
        except ClientError as error:
            if _is(error, "ResourceNotFoundException"):
                return None
            raise

    def _create(self, key: str, document: str) -> None:
        try:
            self._client.create_secret(Name=secret_name(key), SecretString=document)
        except ClientError as error:
            if not _is(error, "ResourceExistsException"):
                raise

    def _write(self, key: str, document: str) -> None:
        self._client.put_secret_value(SecretId=secret_name(key), SecretString=document)

    def clear(self) -> None:
        """Delete every secret under the prefix at once: each is charged for while it waits to be deleted."""
        paginator = self._client.get_paginator("list_secrets")
        pages = paginator.paginate(Filters=[{"Key": "name", "Values": [SECRET_PREFIX]}])
        names = [secret["Name"] for page in pages for secret in page["SecretList"]]
        for name in names:
            if name.startswith(SECRET_PREFIX):
                self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


class S3Store(_DocumentStore):
    """Objects ``items/<key>.json`` of the bucket."""

    def __init__(self, connection: Connection, bucket: str) -> None:
        super().__init__()
        self._client = connection.client("s3")
        self._bucket = bucket

    def _read(self, key: str) -> str | None:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=object_key(key))
        except ClientError as error:
            if _is(error, "NoSuchKey"):
                return None
            raise
        return str(answer["Body"].read().decode())

    def _create(self, key: str, document: str) -> None:
        self._write(key, document)

    def _write(self, key: str, document: str) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=object_key(key),
            Body=document.encode(),
            ContentType="application/json",
        )

    def clear(self) -> None:
        """Delete every item."""
        delete_objects(self._client, self._bucket, OBJECT_PREFIX)
