"""A driver function's shard, with S3 as ministack has it and a Lambda that throttles."""

import json
import time
from collections.abc import Iterator

import pytest

from lab.aws.connection import LOCAL_CREDENTIALS, Connection
from lab.drive.load import Load
from lab.drive.schedule import plan
from lab.drive.window import REFUSED_AT_START
from lab.fleet.parts import RecordPart, ShardObjects
from lab.fleet.shard import handler
from tests.unit.lab.aws.aws_double import AwsDouble, json_error

BUCKET = "shards"
LIMIT = "ReservedFunctionConcurrentInvocationLimitExceeded"


class Context:
    """Of a function that has a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def throttling(ministack: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsDouble]:
    for name, value in {"AWS_ENDPOINT_URL_S3": ministack, **LOCAL_CREDENTIALS}.items():
        monkeypatch.setenv(name, value)
    double = AwsDouble()
    double.answers["invoke"] = json_error(429, "TooManyRequestsException", "Rate Exceeded.", Reason=LIMIT)
    with double.serving() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        yield double


def test_a_driver_that_is_refused_writes_its_throttles_down(throttling: AwsDouble) -> None:
    s3 = Connection(target="aws", endpoint_url=None).client("s3")
    s3.create_bucket(Bucket=BUCKET)
    place = ShardObjects(BUCKET, "refused", 0)
    schedule = list(plan(Load(variants=("no_cache",), rate=8, duration_s=600, repeat=None, keys=5)))
    s3.put_object(Bucket=BUCKET, Key=place.plan, Body="\n".join(json.dumps(each) for each in schedule).encode())
    event = {"bucket": BUCKET, "run_id": "refused", "shard": 0, "target": "aws", "instance": None, "timeout_s": 60.0}

    answer = handler(event | {"opens_at": time.time() + 0.2}, Context())

    assert REFUSED_AT_START <= answer["records"] < len(schedule)
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=place.parts)["Contents"]]
    parts = [part for key in keys if (part := RecordPart.parse(key))]
    assert (sum(part.records for part in parts), [part.last for part in parts][-1]) == (answer["records"], True)
    lines = [line for key in keys for line in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().splitlines()]
    assert {(each["status"], each["error_type"]) for each in map(json.loads, lines)} == {("throttled", LIMIT)}
