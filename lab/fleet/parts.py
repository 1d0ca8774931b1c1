"""A fleet's run in S3: the keys of its objects, the parts in which drivers write their records, and what has arrived.

A driver writes a part every few seconds, so one that dies loses only the records of its last seconds.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError

from lab.aws.errors import aws_errors
from lab.records.record import Record

_PART: Final = re.compile(r"/records/(\d+)/\d+-(\d+)(-last)?\.jsonl$")


class RecordPart(NamedTuple):
    """What the key of a part says: the shard's number, how many records, whether it is the driver's last part."""

    shard: int
    records: int
    last: bool

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """Parse a key; None if it is not that of a part."""
        found = _PART.search(key)
        return cls(int(found[1]), int(found[2]), found[3] is not None) if found else None


class ShardObjects(NamedTuple):
    """The objects of one shard: a bucket, the run's id, the shard's number."""

    bucket: str
    run_id: str
    shard: int

    @property
    def plan(self) -> str:
        """The key of its planned starts, one JSON array a line."""
        return f"{self.run_id}/plan/{self.shard:04d}.jsonl"

    @property
    def stop(self) -> str:
        """The key of the object that asks every driver of the run to stop; under ``plan``, which drivers may read."""
        return f"{self.run_id}/plan/stop"

    @property
    def parts(self) -> str:
        """The prefix of the parts that its driver writes."""
        return f"{self.run_id}/records/{self.shard:04d}/"

    def part(self, number: int, records: int, *, last: bool) -> str:
        """The key of a part of JSON Lines; see `RecordPart`."""
        return f"{self.parts}{number:04d}-{records}{'-last' if last else ''}.jsonl"

    @property
    def records(self) -> str:
        """The key of its final records, JSON Lines: one for each planned start. They replace the parts."""
        return f"{self.run_id}/records/{self.shard:04d}.jsonl"


class ShardRecords:
    """The records of a driver, written to S3 in parts."""

    def __init__(self, s3: Any, objects: ShardObjects) -> None:
        """Args: s3: a client; objects: of the shard."""
        self._s3 = s3
        self._objects = objects
        self._records: list[Record] = []
        self._written = 0
        self._parts = 0
        self._writing = threading.Lock()

    @property
    def count(self) -> int:
        """How many records there are, written or not."""
        return len(self._records)

    def append(self, record: Record) -> None:
        """Add a record to the next part."""
        self._records.append(record)

    def write(self, *, last: bool = False) -> None:
        """Write the new records, if there are any or it is the last part. May block; any thread may call it.

        If S3 refuses, it raises `LabError`, and the next part will have the same records.
        """
        with self._writing:
            new = self._records[self._written :]
            if not new and not last:
                return
            key = self._objects.part(self._parts, len(new), last=last)
            put_lines(self._s3, self._objects.bucket, key, (record.to_json() for record in new))
            self._written += len(new)
            self._parts += 1

    def stop_requested(self) -> bool:
        """Return whether the coordinator has asked to stop; False if S3 does not answer.

        S3 answers 403 for a missing object if the caller may not list the bucket (S3, "GetObject", permissions).
        """
        try:
            self._s3.head_object(Bucket=self._objects.bucket, Key=self._objects.stop)
        except (ClientError, BotoCoreError):
            return False
        return True


class Arrivals:
    """Counts of the parts that have arrived; see `lab.drive.progress.Counts`.

    Attributes:
        completed: records so far.
        unanswered: 0: the records are not read before the end.
        ended: shards whose drivers have written their last part.
    """

    def __init__(self, s3: Any, bucket: str, run_id: str) -> None:
        """Args: s3: a client; bucket: the fleet's; run_id: the run."""
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"{run_id}/records/"
        self.completed = 0
        self.unanswered = 0
        self.ended = 0

    def count(self) -> None:
        """Count again. Raises `LabError` if the bucket cannot be listed."""
        keys = object_keys(self._s3, self._bucket, self._prefix)
        parts = [part for key in keys if (part := RecordPart.parse(key))]
        self.completed = sum(part.records for part in parts)
        self.ended = sum(part.last for part in parts)


def read_parts(s3: Any, objects: ShardObjects) -> Iterator[Record]:
    """Read the records that a driver has written, all or until it died. Raises `LabError` if S3 refuses."""
    for key in object_keys(s3, objects.bucket, objects.parts):
        for line in read_lines(s3, objects.bucket, key):
            yield Record(**json.loads(line))


def object_keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """List the keys below a prefix. Raises `LabError` if S3 refuses."""
    with aws_errors(f"list s3://{bucket}/{prefix}"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]


def read_lines(s3: Any, bucket: str, key: str) -> list[str]:
    """Read an object of lines. Raises `LabError` if S3 refuses."""
    with aws_errors(f"read s3://{bucket}/{key}"):
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body.decode().splitlines()


def put_lines(s3: Any, bucket: str, key: str, lines: Iterable[str]) -> None:
    """Write an object of lines. Raises `LabError` if S3 refuses."""
    with aws_errors(f"write s3://{bucket}/{key}"):
        s3.put_object(Bucket=bucket, Key=key, Body="".join(f"{line}\n" for line in lines).encode())
