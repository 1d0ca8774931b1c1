"""The items that the functions read: seeded, updated and removed by the APIs of the service that holds them.

An item is ``value`` (an object), ``version`` (a whole number: 1 at first, one more with each update) and ``written_at``
(Unix seconds). DynamoDB holds these as attributes; the others hold them as JSON text.
"""

import contextlib
import dataclasses
import decimal
import functools
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from facts.names import Names
from facts.quotas import PARAMETER_READS, PARAMETER_WRITES
from facts.sources import SourceName, object_key
from lab.aws.connection import Connection
from lab.aws.errors import aws_errors, error_code
from lab.errors import LabError


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


class DynamoDbStore:
    """Items of the table, partition key ``key``."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """Read the versions of those items that exist, strongly consistent."""
        found: dict[str, int] = {}
        for batch in _batches(keys, 100):  # of one BatchGetItem, which may return only a part of them
            request: dict[str, Any] = {
                self._table: {
                    "Keys": [{"key": {"S": key}} for key in batch],
                    "ProjectionExpression": "#key, #version",
                    "ExpressionAttributeNames": {"#key": "key", "#version": "version"},
                    "ConsistentRead": True,
                }
            }
            while request:
                answer = self._client.batch_get_item(RequestItems=request)
                for item in answer["Responses"].get(self._table, []):
                    found[item["key"]["S"]] = int(item["version"]["N"])
                request = answer.get("UnprocessedKeys") or {}
        return found

    def create(self, key: str) -> None:
        """Write version 1 of an item, unless it exists."""
        item = {"key": key, **_item(key, 1)}
        item["written_at"] = decimal.Decimal(str(item["written_at"]))
        with _ignored("ConditionalCheckFailedException"):
            self._client.put_item(
                TableName=self._table,
                Item=TypeSerializer().serialize(item)["M"],
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": "key"},
            )

    def update(self, key: str) -> int:
        """Write the next version of an item, and return that version."""
        answer = self._client.update_item(
            TableName=self._table,
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


@dataclasses.dataclass(kw_only=True)
class DocumentStore:
    """Items as JSON text in a service that cannot count: the one writer remembers the versions.

    ``missing`` is the error code of reading an item that does not exist; ``exists`` that of creating one that exists,
    None if that replaces it.
    """

    read: Callable[[str], str]
    create_document: Callable[[str, str], Any]
    write: Callable[[str, str], Any]
    missing: str
    exists: str | None
    _versions: dict[str, int] = dataclasses.field(default_factory=dict)

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """See `DynamoDbStore`."""
        found = {}
        for key in keys:
            with _ignored(self.missing):
                found[key] = _version_in(self.read(key), key)
        self._versions.update(found)
        return found

    def create(self, key: str) -> None:
        """See `DynamoDbStore`."""
        with _ignored(self.exists):
            self.create_document(key, json.dumps(_item(key, 1), separators=(",", ":")))

    def update(self, key: str) -> int:
        """See `DynamoDbStore`. A version is counted before its write, which may take effect although it fails."""
        version = self._versions[key] = self._versions[key] + 1
        self.write(key, json.dumps(_item(key, version), separators=(",", ":")))
        return version


def _version_in(document: str, key: str) -> int:
    try:
        return int(json.loads(document)["version"])
    except (ValueError, KeyError, TypeError):
        raise LabError(f"item {key} was not written by the lab: it has no version; remove it") from None


Store: TypeAlias = DynamoDbStore | DocumentStore
"""The items of one source."""


def open_store(source: SourceName, connection: Connection, names: Names, bucket: str | None = None) -> Store:
    """The store of a source. The bucket's name is needed for `s3` only."""
    if source == "dynamodb":
        return DynamoDbStore(connection.client("dynamodb"), names.table)
    if source == "ssm":
        return _ssm_store(connection, names)
    if source == "secretsmanager":
        return _secrets_store(connection.client("secretsmanager"), names)
    if bucket is None:
        raise LabError("there is no bucket to hold the items; deploy with --source s3 first")
    return _s3_store(connection.client("s3"), bucket)


def seed(store: Store, keys: Sequence[str]) -> dict[str, int]:
    """Create those items that do not exist yet. Returns the version of every item, as read back."""
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


class Pace:
    """Keeps calls apart, so that there are at most ``per_second`` of them. For one thread."""

    def __init__(
        self,
        per_second: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._between_s = 1 / per_second
        self._now = now
        self._sleep = sleep
        self._next = 0.0

    def wait(self) -> None:
        """Wait until the next call may be made."""
        if (early_s := self._next - self._now()) > 0:
            self._sleep(early_s)
        self._next = max(self._next, self._now()) + self._between_s


def _ssm_store(connection: Connection, names: Names) -> DocumentStore:
    """Parameters, read and written on AWS no faster than its default quotas allow."""
    client = connection.client("ssm")
    on_aws = connection.target == "aws"
    reads, writes = Pace(PARAMETER_READS if on_aws else math.inf), Pace(PARAMETER_WRITES if on_aws else math.inf)

    def get(key: str) -> str:
        reads.wait()
        text: str = client.get_parameter(Name=names.parameter_name(key))["Parameter"]["Value"]
        return text

    def put(key: str, document: str, *, overwrite: bool) -> None:
        writes.wait()
        client.put_parameter(Name=names.parameter_name(key), Value=document, Type="String", Overwrite=overwrite)

    return DocumentStore(
        read=get,
        create_document=functools.partial(put, overwrite=False),
        write=functools.partial(put, overwrite=True),
        missing="ParameterNotFound",
        exists="ParameterAlreadyExists",
    )


def _secrets_store(client: Any, names: Names) -> DocumentStore:
    return DocumentStore(
        read=lambda key: client.get_secret_value(SecretId=names.secret_name(key))["SecretString"],
        create_document=lambda key, document: client.create_secret(Name=names.secret_name(key), SecretString=document),
        write=lambda key, document: client.put_secret_value(SecretId=names.secret_name(key), SecretString=document),
        missing="ResourceNotFoundException",
        exists="ResourceExistsException",
    )


def _s3_store(client: Any, bucket: str) -> DocumentStore:
    """Objects ``items/<key>.json`` of the bucket."""

    def put(key: str, document: str) -> None:
        client.put_object(Bucket=bucket, Key=object_key(key), Body=document.encode(), ContentType="application/json")

    return DocumentStore(
        read=lambda key: client.get_object(Bucket=bucket, Key=object_key(key))["Body"].read().decode(),
        create_document=put,
        write=put,
        missing="NoSuchKey",
        exists=None,
    )


def remove_items(connection: Connection, names: Names) -> None:
    """Remove the items that no stack holds: parameters and secrets. Raises `LabError` if AWS refuses."""
    ssm, secrets = connection.client("ssm"), connection.client("secretsmanager")
    with aws_errors("remove the items in ssm"):
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=names.parameter_path)
        parameters = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
        for batch in _batches(parameters, 10):  # of one call
            ssm.delete_parameters(Names=batch)
    with aws_errors("remove the items in secretsmanager"):
        pages = secrets.get_paginator("list_secrets").paginate(
            Filters=[{"Key": "name", "Values": [names.secret_prefix]}]
        )
        for name in [secret["Name"] for page in pages for secret in page["SecretList"]]:
            if name.startswith(names.secret_prefix):  # at once: a secret costs while it waits to be deleted
                secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
