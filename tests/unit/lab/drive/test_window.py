"""The window, against a server on loopback that answers as Lambda's Invoke API does."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from lab.drive.clock import steady_clock
from lab.drive.invoke import Invoker, SignedRequest, Signer
from lab.drive.planned import PlannedUpdate
from lab.drive.schedule import plan
from lab.drive.tally import Tally
from lab.drive.versions import VersionTimeline
from lab.drive.window import HOPELESS, RefusedError, Window, beside
from lab.errors import LabError
from lab.records.record import Record
from lab.run.settings import Settings
from tests.unit.lab.drive.invoke_double import InvokeDouble

TWO = ("no_cache", "ttl_cache")


class Driven:
    """A window that was driven, and what came of it."""

    def __init__(self, *, duration_s: float = 0.5, rate: float = 40, timeout_s: float = 5.0) -> None:
        self.settings = Settings(variants=TWO, rate=rate, duration_s=duration_s, keys=5)
        self.double = InvokeDouble()
        self.timeline = VersionTimeline()
        self.tally = Tally(TWO)
        self.records: list[Record] = []
        self.append: Callable[[Record], None] = self.records.append
        self.updates: list[PlannedUpdate] = []
        self.update: Callable[[str], int] = lambda key: 2
        self.signer: Any = None
        self.timeout_s = timeout_s
        self.clock = steady_clock()
        self.opens_at = 0.0

    async def drive(self, *also: Any) -> None:
        async with self.double.serving() as url, Invoker(timeout_s=self.timeout_s) as invoker:
            signer = Signer(endpoint_url=url, region="us-east-1", credentials=Credentials("a", "b"))
            self.opens_at = self.clock() + 0.05
            window = Window(
                run_id="r",
                target="local",
                opens_at=self.opens_at,
                schedule=plan(self.settings),
                updates=self.updates,
                signer=self.signer or signer,
                sender=invoker,
                update=self.update,
                timeline=self.timeline,
                append=self.append,
                clock=self.clock,
                tally=self.tally,
            )
            await window.run(*also)


@pytest.fixture(scope="module")
def plain() -> Driven:
    """A window of 40 invocations, every one answered at once."""
    driven = Driven()
    asyncio.run(driven.drive())
    return driven


def test_every_planned_invocation_is_sent_once_and_recorded(plain: Driven) -> None:
    planned = list(plan(plain.settings))
    assert len(planned) == 40
    assert sorted(plain.double.requests) == sorted((p.variant, p.key) for p in planned)
    by_sequence = {(r.variant, r.sequence): r for r in plain.records}
    assert {(p.variant, p.sequence): p.key for p in planned} == {at: r.key for at, r in by_sequence.items()}
    assert {
        round((by_sequence[p.variant, p.sequence].planned_at or 0.0) - p.at - plain.opens_at, 6) for p in planned
    } == {0.0}


def test_a_record_has_what_the_answer_said(plain: Driven) -> None:
    record = plain.records[-1]
    assert (record.run_id, record.target, record.status) == ("r", "local", "ok")
    assert (record.cache, record.version, record.downstream_calls) == ("miss", 1, 1)
    assert (record.duration_ms, record.billed_ms, record.memory_mb) == (1.5, 2.0, 512)
    assert (record.init_ms, record.restore_ms, record.age_ms, record.max_memory_mb) == (None, None, None, None)
    assert record.environment_id == f"{record.variant}-1"
    assert record.staleness_ms == 0.0


def test_requests_are_sent_when_they_are_planned(plain: Driven) -> None:
    assert statistics.median(plain.tally.lateness_s) < 0.02
    assert min(plain.tally.lateness_s) > -0.001


async def test_latency_counts_from_the_planned_start_and_service_from_sending() -> None:
    driven = Driven()
    driven.double.delay_s = 0.05
    await driven.drive()

    for record in driven.records:
        assert record.planned_at is not None
        assert record.sent_at is not None
        assert record.received_at is not None
        assert record.latency_ms == pytest.approx((record.received_at - record.planned_at) * 1000)
        assert record.service_ms == pytest.approx((record.received_at - record.sent_at) * 1000)
        assert (record.received_at - record.sent_at) * 1000 >= 50


async def test_slow_answers_put_off_no_start() -> None:
    driven = Driven()
    driven.double.delay_s = 0.5
    await driven.drive()

    assert driven.double.most_under_way > 30
    assert statistics.median(driven.tally.lateness_s) < 0.02


async def test_each_way_to_fail_is_recorded_as_such() -> None:
    driven = Driven(timeout_s=1.0)
    driven.double.behaviours = {3: "throttle", 7: "fail", 11: "drop", 15: "hang"}
    await driven.drive()

    failed = {
        record.status + ": " + str(record.error_type): record for record in driven.records if record.status != "ok"
    }
    assert set(failed) == {
        "throttled: ReservedFunctionConcurrentInvocationLimitExceeded",
        "function_error: DownstreamError",
        "lost: ServerDisconnectedError",
        "lost: ClientTimeout",
    }
    for name, record in failed.items():
        lost = name.startswith("lost")
        assert (record.received_at is None, record.latency_ms is None, record.service_ms is None) == (lost, lost, lost)
        assert (record.version, record.staleness_ms, record.downstream_calls) == (None, None, None)
    assert len(driven.double.requests) == len(driven.records) == 40  # none was sent again
    assert (driven.tally.completed, driven.tally.unanswered) == (40, 4)
    assert sum(counts.uncounted for counts in driven.tally.variants.values()) == 3


async def test_without_a_server_all_is_lost() -> None:
    driven = Driven(duration_s=0.1)
    driven.signer = Signer(endpoint_url="http://127.0.0.1:9", region="us-east-1", credentials=Credentials("a", "b"))
    await driven.drive()

    assert {(r.status, r.error_type) for r in driven.records} == {("lost", "ClientConnectorError")}
    with pytest.raises(LabError, match=r"none of 8 invocations was answered \(lost: ClientConnectorError, 8 times\)"):
        driven.tally.check_answered()


def test_calls_are_added_up_with_those_of_init(plain: Driven) -> None:
    assert {name: counts.downstream_calls for name, counts in plain.tally.variants.items()} == {
        "no_cache": 22,
        "ttl_cache": 22,
    }


async def test_updates_make_answers_stale_from_their_acknowledgement() -> None:
    driven = Driven()
    for rank in range(5):
        driven.timeline.add(f"item-000{rank}", 1, driven.clock())
    driven.updates = [PlannedUpdate(at=0.2, key=f"item-000{rank}") for rank in range(5)]
    await driven.drive()

    early = [r.staleness_ms for r in driven.records if (r.sent_at or 0) < driven.opens_at + 0.2]
    late = [r for r in driven.records if (r.planned_at or 0.0) > driven.opens_at + 0.3]
    assert set(early) == {0.0}
    assert late
    for record in late:
        assert record.staleness_ms is not None
        assert record.sent_at is not None
        assert record.staleness_ms == pytest.approx((record.sent_at - driven.opens_at - 0.2) * 1000, abs=50)
    assert driven.tally.updates_written == 5


async def test_a_blocking_update_delays_no_start() -> None:
    driven = Driven()
    driven.updates = [PlannedUpdate(at=0.1, key="item-0000")]

    def slow_update(key: str) -> int:
        time.sleep(0.3)
        return 2

    driven.update = slow_update
    await driven.drive()

    assert statistics.median(driven.tally.lateness_s) < 0.02
    assert driven.tally.updates_written == 1


async def test_updates_that_fail_are_counted_and_the_rest_goes_on() -> None:
    driven = Driven()
    driven.updates = [PlannedUpdate(at=0.01 * n, key="item-0000") for n in range(4)]
    answers: Iterator[int] = iter([5, 6])

    def update(key: str) -> int:
        if driven.tally.updates_failed < 2:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
        return next(answers)

    driven.update = update
    await driven.drive()

    assert (driven.tally.updates_failed, driven.tally.updates_written) == (2, 2)


async def test_a_record_that_cannot_be_written_ends_the_window() -> None:
    driven = Driven(duration_s=30)

    def full(record: Record) -> None:
        raise LabError("the disk is full")

    driven.append = full
    begun = time.perf_counter()
    with pytest.raises(LabError, match="the disk is full"):
        await driven.drive()

    assert time.perf_counter() - begun < 5
    assert len(driven.double.requests) < 20


async def test_requests_that_cannot_be_signed_end_the_window() -> None:
    class NoSigner:
        def invocation(self, variant: str, key: str) -> SignedRequest:
            raise NoCredentialsError

    driven = Driven()
    driven.signer = NoSigner()

    with pytest.raises(LabError, match="cannot sign the requests: Unable to locate credentials"):
        await driven.drive()


async def test_what_fails_beside_ends_the_window() -> None:
    async def faults() -> None:
        await asyncio.sleep(0.05)
        raise LabError("no endpoint")

    driven = Driven(duration_s=30)

    with pytest.raises(LabError, match="no endpoint"):
        await driven.drive(faults())


async def test_a_cancelled_window_keeps_its_records_and_stops_its_threads() -> None:
    driven = Driven(duration_s=30, rate=500)
    task = asyncio.create_task(driven.drive())
    await asyncio.sleep(0.6)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    recorded = len(driven.records)
    assert recorded > 5
    await asyncio.sleep(0.2)
    assert len(driven.records) == recorded


async def test_what_only_watches_cannot_end_the_run() -> None:
    async def broken() -> None:
        raise BrokenPipeError

    async with beside(broken()):
        await asyncio.sleep(0)


async def test_a_run_that_is_refused_from_the_start_is_given_up() -> None:
    driven = Driven(duration_s=2, rate=40)
    driven.double.behaviours = dict.fromkeys(range(1000), "throttle")

    with pytest.raises(RefusedError, match=r"first \d+ invocations \(throttled: ReservedFunctionConcurrent"):
        await driven.drive()
    assert HOPELESS <= len(driven.records) < 80
    assert {record.status for record in driven.records} == {"throttled"}


@pytest.mark.parametrize("answered", [0, 15])
async def test_one_answer_keeps_a_throttled_run_going(answered: int) -> None:
    driven = Driven(duration_s=0.5, rate=40)
    driven.double.behaviours = {number: "throttle" for number in range(1000) if number != answered}
    await driven.drive()

    assert len(driven.records) == 40


async def test_what_is_under_way_keeps_a_throttled_run_going() -> None:
    driven = Driven(duration_s=0.5, rate=40, timeout_s=1.0)
    driven.double.behaviours = {0: "hang"} | dict.fromkeys(range(1, 1000), "throttle")
    await driven.drive()

    assert len(driven.records) == 40
    assert driven.tally.refused == 39
