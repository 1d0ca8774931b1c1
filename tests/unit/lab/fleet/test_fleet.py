"""A fleet's run, settled: every planned start has one record, also if its driver died."""

import dataclasses
import io
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from facts.names import Names
from lab.aws.connection import Connection
from lab.drive.load import Load, PlannedInvocation
from lab.drive.schedule import plan
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline
from lab.drive.window import InvocationsRefusedError
from lab.errors import LabError, UsageError
from lab.fleet import fleet_window
from lab.fleet.fleet import Fleet, check_new, find_fleet
from lab.fleet.fleet_window import FleetWindow
from lab.fleet.parts import Arrivals, ShardObjects, ShardRecords
from lab.fleet.shard import planned
from lab.records.record import Record
from lab.run.settings import RunSettings

TWO = ("no_cache", "ttl_cache")
BUCKET = "fleet"
ROLE = "arn:aws:iam::000000000000:role/role"


@pytest.fixture
def connection(ministack: str) -> Connection:
    connection = Connection(target="local", endpoint_url=ministack)
    connection.client("s3").create_bucket(Bucket=BUCKET)
    return connection


def state_machine(ministack: str, state: dict[str, Any]) -> Iterator[Fleet]:
    make: Any = boto3.client
    keys = {"aws_access_key_id": "cachelab", "aws_secret_access_key": "cachelab", "region_name": "us-east-1"}
    client = make("stepfunctions", endpoint_url=ministack, **keys)
    shard = {"StartAt": "One", "States": {"One": state | {"End": True}}}
    shards = {"Type": "Map", "ItemsPath": "$.shards", "ItemProcessor": shard, "End": True}
    definition = json.dumps({"StartAt": "Shards", "States": {"Shards": shards}})
    arn = client.create_state_machine(name="fleet", definition=definition, roleArn=ROLE)["stateMachineArn"]
    yield Fleet(BUCKET, arn)
    client.delete_state_machine(stateMachineArn=arn)


@pytest.fixture
def fleet(ministack: str) -> Iterator[Fleet]:
    """A bucket, and a state machine whose shards do nothing: as if every driver had died."""
    yield from state_machine(ministack, {"Type": "Pass"})


@pytest.fixture
def slow_fleet(ministack: str) -> Iterator[Fleet]:
    """A state machine whose shards take ten minutes."""
    yield from state_machine(ministack, {"Type": "Wait", "Seconds": 600})


class Driven:
    """A window of a fleet of three, of which some drivers had written before."""

    def __init__(self, connection: Connection, fleet: Fleet, run_id: str, duration_s: float = 1.5) -> None:
        self.schedule = list(
            plan(Load(variants=TWO, rate=10, concurrency=1, duration_s=duration_s, repeat=None, keys=5))
        )
        self.records: list[Record] = []
        self.tally = Tally(TWO)
        self.timeline = VersionTimeline()
        self.window = FleetWindow(
            connection=connection,
            fleet=fleet,
            run_id=run_id,
            target="local",
            instance=None,
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
            console=Console(file=io.StringIO(), width=120),
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
        records = ShardRecords(s3, ShardObjects(BUCKET, "one", number))
        for each in written:
            records.append(each)
            records.write()
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


def test_ctrl_c_stops_the_fleet_and_keeps_what_has_arrived(
    connection: Connection, slow_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_window, "POLL_S", 0.1)
    driven = Driven(connection, slow_fleet, "stopped")
    s3 = connection.client("s3")
    shards = [ShardRecords(s3, ShardObjects(BUCKET, "stopped", number)) for number in range(3)]

    def drive() -> None:
        """Three drivers that have an invocation each when they are asked to stop."""
        watched.wait(60)
        for number, shard in enumerate(shards):
            shard.append(record(driven.schedule[number]))
        os.kill(os.getpid(), signal.SIGINT)
        while not shards[0].stop_requested():
            time.sleep(0.05)
        for shard in shards:
            shard.write(last=True)

    watched = threading.Event()
    connection._session.events.register("before-call.sfn.DescribeExecution", lambda **_: watched.set())
    drivers = threading.Thread(target=drive)
    drivers.start()
    with pytest.raises(KeyboardInterrupt):
        driven.window.run()
    drivers.join()

    outcomes = [(each.status, each.error_type) for each in driven.records]
    assert outcomes.count(("ok", None)) == 3
    assert outcomes.count(("lost", "RunInterrupted")) == 27
    executions = connection.client("stepfunctions").list_executions(stateMachineArn=slow_fleet.state_machine)
    assert [each["status"] for each in executions["executions"]] == ["ABORTED"]


def test_a_fleet_that_cannot_be_watched_is_stopped_and_settled(
    connection: Connection, slow_fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_window, "POLL_S", 0.1)
    monkeypatch.setattr(fleet_window, "STOP_LIMIT_S", 0.3)
    monkeypatch.setattr(fleet_window, "WATCH_PATIENCE_S", 0.3)
    driven = Driven(connection, slow_fleet, "unwatched")
    records = ShardRecords(connection.client("s3"), ShardObjects(BUCKET, "unwatched", 0))
    records.append(record(driven.schedule[0]))
    records.write()

    def denied(params: dict[str, Any], **_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, "DescribeExecution")

    def unseen(_: Arrivals) -> None:
        raise LabError("cannot list")

    connection._session.events.register("before-call.sfn.DescribeExecution", denied)
    monkeypatch.setattr(Arrivals, "count", unseen)
    with pytest.raises(LabError, match=r"cannot watch the fleet: no permission \(AccessDeniedException: not yours\)"):
        driven.window.run()

    outcomes = [(each.status, each.error_type) for each in driven.records]
    assert (outcomes.count(("ok", None)), outcomes.count(("lost", "RunInterrupted"))) == (1, 29)
    executions = connection.client("stepfunctions").list_executions(stateMachineArn=slow_fleet.state_machine)
    assert [each["status"] for each in executions["executions"]] == ["ABORTED"]
    assert records.stop_requested()


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "DescribeExecution"),
        EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com"),
    ],
)
def test_one_failed_describe_execution_does_not_stop_a_fleet(
    connection: Connection, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(fleet_window, "POLL_S", 0.05)
    driven = Driven(connection, fleet, f"seen-again-{type(error).__name__}")
    failing = iter([error, error])

    def fail(**_: Any) -> None:
        if (found := next(failing, None)) is not None:
            raise found

    connection._session.events.register("before-call.sfn.DescribeExecution", fail)
    driven.window.run()

    assert next(failing, None) is None
    assert {(each.status, each.error_type) for each in driven.records} == {("lost", "ShardLost")}  # and not interrupted
    executions = connection.client("stepfunctions").list_executions(stateMachineArn=fleet.state_machine)
    assert [each["status"] for each in executions["executions"]] == ["SUCCEEDED"]


def throttle(driven: Driven, connection: Connection, run_id: str, shards: range) -> None:
    """Have the first two thirds of each shard written down as throttled."""
    for number in shards:
        records = ShardRecords(connection.client("s3"), ShardObjects(BUCKET, run_id, number))
        shard = driven.schedule[number::3]
        for each in shard[: len(shard) * 2 // 3]:
            records.append(record(each, status="throttled", error_type="Limit", version=None, request_id="r"))
        records.write(last=True)


def test_a_fleet_of_which_every_shard_was_refused_is_given_up(connection: Connection, fleet: Fleet) -> None:
    driven = Driven(connection, fleet, "refused", duration_s=5.0)
    throttle(driven, connection, "refused", range(3))

    with pytest.raises(InvocationsRefusedError, match=r"first 66 invocations \(throttled: Limit, 66 times\)"):
        driven.window.run()
    outcomes = [(each.status, each.error_type) for each in driven.records]
    assert (outcomes.count(("throttled", "Limit")), outcomes.count(("lost", "ShardRefused"))) == (66, 34)


def test_a_shard_that_was_refused_keeps_its_throttles_beside_the_others(connection: Connection, fleet: Fleet) -> None:
    driven = Driven(connection, fleet, "partly", duration_s=5.0)
    throttle(driven, connection, "partly", range(1))
    others = ShardRecords(connection.client("s3"), ShardObjects(BUCKET, "partly", 1))
    for each in driven.schedule[1::3]:
        others.append(record(each))
    others.write(last=True)

    driven.window.run()
    outcomes = [(each.status, each.error_type) for each in driven.records]
    counts = {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
    assert counts == {
        ("throttled", "Limit"): 22,
        ("lost", "ShardRefused"): 12,
        ("ok", None): 33,
        ("lost", "ShardLost"): 33,
    }


def test_a_part_has_what_is_new(connection: Connection) -> None:
    s3 = connection.client("s3")
    schedule = list(plan(Load(variants=TWO, rate=10, concurrency=1, duration_s=1.5, repeat=None, keys=5)))
    arrivals = Arrivals(s3, BUCKET, "parts")
    records = ShardRecords(s3, ShardObjects(BUCKET, "parts", 7))
    assert not records.stop_requested()

    for each in schedule[:2]:
        records.append(record(each))
    records.write()
    records.write()
    arrivals.count()
    assert (arrivals.completed, arrivals.ended) == (2, 0)
    records.append(record(schedule[2]))
    records.write(last=True)
    arrivals.count()
    assert (arrivals.completed, arrivals.ended, records.count) == (3, 1, 3)

    found = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="parts/")["Contents"]]
    assert found == ["parts/records/0007/0000-2.jsonl", "parts/records/0007/0001-1-last.jsonl"]
    bodies = [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines() for key in found]
    assert [len(lines) for lines in bodies] == [2, 1]


def test_a_part_that_s3_refused_is_in_the_next_one(connection: Connection) -> None:
    s3 = connection.client("s3")
    records = ShardRecords(s3, ShardObjects("not-there-yet", "r", 0))
    records.append(record(next(iter(plan(Load(variants=TWO))))))
    with pytest.raises(LabError, match=r"cannot write s3://not-there-yet/r/records/0000/0000-1\.jsonl: NoSuchBucket"):
        records.write()
    s3.create_bucket(Bucket="not-there-yet")
    records.write()

    found = s3.list_objects_v2(Bucket="not-there-yet")["Contents"]
    assert [each["Key"] for each in found] == ["r/records/0000/0000-1.jsonl"]


def test_the_shards_are_the_plan(connection: Connection, fleet: Fleet) -> None:
    driven = Driven(connection, fleet, "two")
    driven.window.run()

    s3 = connection.client("s3")
    keys = [ShardObjects(BUCKET, "two", number).plan for number in range(3)]
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
        find_fleet(Connection(target="local", endpoint_url=ministack), Names())


@pytest.mark.parametrize(
    ("more", "part"),
    [({"fleet": -1}, "--fleet"), ({"fleet": 101}, "--fleet"), ({"via": "url"}, "--via"), ({"duration_s": 781}, "780")],
)
def test_what_a_fleet_cannot_do(more: dict[str, Any], part: str) -> None:
    asked: dict[str, Any] = {"variants": TWO, "fleet": 2, "repeat": None} | more
    with pytest.raises(UsageError, match=part):
        RunSettings(**asked)
