"""A fleet's run, settled: every planned start has one record, whatever became of its driver."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from lab.aws.connection import Connection
from lab.drive.fleet import Fleet, FleetWindow, check_new, find_fleet
from lab.drive.planned import PlannedInvocation
from lab.drive.schedule import plan
from lab.drive.settings import Settings
from lab.drive.shard import planned
from lab.drive.shard_place import ShardPlace
from lab.drive.tally import Tally
from lab.drive.versions import VersionTimeline
from lab.errors import LabError, UsageError
from lab.records import Record

TWO = ("no_cache", "ttl_cache")
BUCKET = "fleet"
ROLE = "arn:aws:iam::000000000000:role/role"


@pytest.fixture
def connection(ministack: str) -> Connection:
    connection = Connection(target="local", endpoint_url=ministack)
    connection.client("s3").create_bucket(Bucket=BUCKET)
    return connection


@pytest.fixture
def fleet(ministack: str) -> Iterator[Fleet]:
    """A bucket, and a state machine whose shards do nothing: as if every driver had died."""
    make: Any = boto3.client
    keys = {"aws_access_key_id": "cachelab", "aws_secret_access_key": "cachelab", "region_name": "us-east-1"}
    client = make("stepfunctions", endpoint_url=ministack, **keys)
    shard = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}
    shards = {"Type": "Map", "ItemsPath": "$.shards", "ItemProcessor": shard, "End": True}
    definition = json.dumps({"StartAt": "Shards", "States": {"Shards": shards}})
    arn = client.create_state_machine(name="fleet", definition=definition, roleArn=ROLE)["stateMachineArn"]
    yield Fleet(BUCKET, arn)
    client.delete_state_machine(stateMachineArn=arn)


class Driven:
    """A window of a fleet of three, of which some drivers had written before."""

    def __init__(self, connection: Connection, fleet: Fleet, run_id: str) -> None:
        self.schedule = list(plan(Settings(variants=TWO, rate=10, duration_s=1.5, keys=5)))
        self.records: list[Record] = []
        self.tally = Tally(TWO)
        self.timeline = VersionTimeline()
        self.window = FleetWindow(
            connection=connection,
            fleet=fleet,
            run_id=run_id,
            target="local",
            drivers=3,
            schedule=self.schedule,
            updates=[],
            update=lambda _: 2,
            timeline=self.timeline,
            append=self.records.append,
            clock=lambda: 1000.0,
            ahead_s=0.25,
            timeout_s=5.0,
            tally=self.tally,
        )


def record(planned_start: PlannedInvocation, **more: Any) -> Record:
    at = 1010.25 + planned_start.at
    content: dict[str, Any] = {
        "run_id": "r",
        "target": "local",
        "variant": planned_start.variant,
        "sequence": planned_start.sequence,
        "key": planned_start.key,
        "planned_at": at,
        "sent_at": at + 0.001,
        "received_at": at + 0.005,
        "latency_ms": 5.0,
        "service_ms": 4.0,
        "status": "ok",
        "version": 1,
    }
    return Record(**content | more)


def test_what_no_driver_wrote_is_lost(connection: Connection, fleet: Fleet) -> None:
    driven = Driven(connection, fleet, "one")
    first = [record(each) for each in driven.schedule[0::3]]
    half = [record(each) for each in driven.schedule[1::3]][:2]
    s3 = connection.client("s3")
    for number, written in ((0, first), (1, half)):
        body = "".join(f"{each.to_json()}\n" for each in written)
        s3.put_object(Bucket=BUCKET, Key=f"one/records/000{number}.jsonl", Body=body.encode())
    # Written a second after the window opened, by this machine's clock.
    driven.timeline.add(driven.schedule[0].key, 1, 900.0)
    driven.timeline.add(driven.schedule[0].key, 2, 1010.0 + driven.schedule[0].at - 1.0)

    driven.window.run()

    found = {(each.variant, each.sequence): each for each in driven.records}
    assert len(found) == len(driven.records) == len(driven.schedule) == 30
    lost = [each for each in driven.records if each.status == "lost"]
    assert len(lost) == 30 - len(first) - len(half) == 18
    for each in lost:
        assert (each.error_type, each.sent_at, each.latency_ms) == ("ShardLost", None, None)
        assert each.planned_at is not None
        assert 1010.25 <= each.planned_at < 1012
    known = found[driven.schedule[0].variant, driven.schedule[0].sequence]
    assert known.staleness_ms == pytest.approx(1001.0)
    assert dataclasses.replace(known, staleness_ms=None) == first[0]
    assert (driven.tally.completed, driven.tally.unanswered, driven.tally.errors["lost: ShardLost"]) == (30, 18, 18)
    assert max(driven.tally.lateness_s) == pytest.approx(0.001)
    bodies = [s3.get_object(Bucket=BUCKET, Key=f"one/records/000{number}.jsonl")["Body"].read() for number in range(3)]
    assert b"".join(bodies).decode().splitlines() == [each.to_json() for each in driven.records]


def test_the_shards_are_the_plan(connection: Connection, fleet: Fleet) -> None:
    driven = Driven(connection, fleet, "two")
    driven.window.run()

    s3 = connection.client("s3")
    keys = [ShardPlace(BUCKET, "two", number).plan for number in range(3)]
    shards = [list(planned(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines())) for key in keys]
    assert sorted(each for shard in shards for each in shard) == sorted(driven.schedule)
    assert [len(shard) for shard in shards] == [10, 10, 10]
    assert all({each.variant for each in shard} == set(TWO) for shard in shards)


def test_a_run_of_this_id_is_there_already(connection: Connection) -> None:
    connection.client("s3").put_object(Bucket=BUCKET, Key="three/records/0000.jsonl", Body=b"")

    check_new(connection, Fleet(BUCKET, ""), "thre")
    with pytest.raises(UsageError, match="s3://fleet/three holds a run already; name another folder with --out"):
        check_new(connection, Fleet(BUCKET, ""), "three")


def test_a_fleet_that_is_not_deployed(ministack: str) -> None:
    with pytest.raises(LabError, match=r"--fleet needs stack CacheLab-load.*deploy with --context load=true"):
        find_fleet(Connection(target="local", endpoint_url=ministack))


@pytest.mark.parametrize(
    ("more", "part"),
    [({"fleet": -1}, "--fleet"), ({"fleet": 101}, "--fleet"), ({"via": "url"}, "--via"), ({"duration_s": 781}, "780")],
)
def test_what_a_fleet_cannot_do(more: dict[str, Any], part: str) -> None:
    asked: dict[str, Any] = {"variants": TWO, "fleet": 2} | more
    with pytest.raises(UsageError, match=part):
        Settings(**asked)
