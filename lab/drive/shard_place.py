"""Where a fleet's run is in S3: its ``run.json``, and the plan and the records of each shard."""

from typing import NamedTuple


class ShardPlace(NamedTuple):
    """The objects of one shard: a bucket, the run's id, the shard's number."""

    bucket: str
    run_id: str
    shard: int

    @property
    def plan(self) -> str:
        """The key of its planned starts, one JSON array a line."""
        return f"{self.run_id}/plan/{self.shard:04d}.jsonl"

    @property
    def records(self) -> str:
        """The key of its records, JSON Lines."""
        return f"{self.run_id}/records/{self.shard:04d}.jsonl"
