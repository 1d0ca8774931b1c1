"""Where a fleet's run is in S3: its ``run.json``, and the plan, the parts and the records of each shard."""

import re
from typing import Final, NamedTuple, Self

_PART: Final = re.compile(r"/records/(\d+)/\d+-(\d+)(-last)?\.jsonl$")


class Part(NamedTuple):
    """What the key of a part tells: the shard's number, how many records, whether the driver has ended with it."""

    shard: int
    records: int
    last: bool

    @classmethod
    def told(cls, key: str) -> Self | None:
        """The part of that key; None if it is no part's."""
        found = _PART.search(key)
        return cls(int(found[1]), int(found[2]), found[3] is not None) if found else None


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
    def stop(self) -> str:
        """The key of what tells every driver of the run to stop; under ``plan``, which drivers may read."""
        return f"{self.run_id}/plan/stop"

    @property
    def parts(self) -> str:
        """The prefix of what its driver has written down while it drove."""
        return f"{self.run_id}/records/{self.shard:04d}/"

    def part(self, number: int, records: int, *, last: bool) -> str:
        """The key of a part: so many of its records, JSON Lines. See `Part`."""
        return f"{self.parts}{number:04d}-{records}{'-last' if last else ''}.jsonl"

    @property
    def records(self) -> str:
        """The key of its records once it is settled, JSON Lines: one a planned start. They replace the parts."""
        return f"{self.run_id}/records/{self.shard:04d}.jsonl"
