"""What has arrived of a fleet's records while it drives."""

from typing import Any

from lab.aws.errors import aws_errors
from lab.fleet.shard_place import Part


class Arrivals:
    """Counts of the parts that drivers have written so far; see `lab.drive.progress.Tallied`.

    Attributes:
        completed: records so far.
        unanswered: 0: only the records tell, which are not read before the end.
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

    def look(self) -> None:
        """Count anew.

        Raises:
            LabError: the bucket cannot be listed.
        """
        with aws_errors(f"list s3://{self._bucket}/{self._prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            parts = [part for page in pages for found in page.get("Contents", ()) if (part := Part.told(found["Key"]))]
        self.completed = sum(part.records for part in parts)
        self.ended = sum(part.last for part in parts)
