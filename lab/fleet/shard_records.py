"""The records of a shard, written down in parts meanwhile: a driver that dies loses those of its last seconds only."""

import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lab.aws.errors import aws_errors
from lab.fleet.shard_place import ShardPlace
from lab.records.record import Record


class ShardRecords:
    """What a driver has recorded, and the parts of it that are in S3.

    Attributes:
        count: how many records there are, written down or not.
    """

    def __init__(self, s3: Any, place: ShardPlace) -> None:
        """Args: s3: a client; place: of the shard."""
        self._s3 = s3
        self._place = place
        self._records: list[Record] = []
        self._written = 0
        self._parts = 0
        self._writing = threading.Lock()

    @property
    def count(self) -> int:
        """How many records there are, written down or not."""
        return len(self._records)

    def append(self, record: Record) -> None:
        """Take a record; it is written down with the next part."""
        self._records.append(record)

    def write(self, *, last: bool = False) -> None:
        """Write down what is new, if anything is, or if it is the last part. May block; may be called from any thread.

        Raises:
            LabError: S3 refuses. The same records are in the next part then.
        """
        with self._writing:
            fresh = self._records[self._written :]
            if not fresh and not last:
                return
            key = self._place.part(self._parts, len(fresh), last=last)
            body = "".join(f"{record.to_json()}\n" for record in fresh)
            with aws_errors("write the shard's records"):
                self._s3.put_object(Bucket=self._place.bucket, Key=key, Body=body.encode())
            self._written += len(fresh)
            self._parts += 1

    def told_to_stop(self) -> bool:
        """Whether the coordinator has asked to stop. If S3 does not answer, it has not.

        To whom may not list a bucket, S3 answers a missing object as forbidden (S3, "GetObject", permissions).
        """
        try:
            self._s3.head_object(Bucket=self._place.bucket, Key=self._place.stop)
        except (ClientError, BotoCoreError):
            return False
        return True
