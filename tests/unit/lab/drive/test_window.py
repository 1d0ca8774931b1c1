"""The window, against a server on loopback that answers as Lambda's Invoke API does."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from facts.names import Names
from lab.drive.clock import steady_clock
from lab.drive.invoke import Invoker, SignedRequest, SignInvocation, by_invoke_api
from lab.drive.load import Load, PlannedUpdate
from lab.drive.schedule import plan
from lab.drive.tally import Tally
from lab.drive.updates import VersionTimeline, writing_updates
from lab.drive.window import REFUSED_AT_START, InvocationsRefusedError, Window, beside
from lab.errors import LabError
from lab.records.record import Record
from tests.unit.lab.drive.invoke_double import InvokeDouble

TWO = ("no_cache", "ttl_cache")
LIMIT_S = 60.0


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for an event of the window, much longer than it takes."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


class Driven:
    """A window that was driven, and what came of it."""

    def __init__(self, *, duration_s: float = 0.5, rate: float = 40, timeout_s: float = LIMIT_S) -> None:
        self.load = Load(variants=TWO, rate=rate, concurrency=1, duration_s=duration_s, repeat=None, keys=5)
        self.double = InvokeDouble()
        self.timeline = VersionTimeline()
        self.tally = Tally(TWO)
        self.records: list[Record] = []
        self.append: Callable[[Record], None] = self.records.append
        self.updates: list[PlannedUpdate] = []
        self.update: Callable[[str], int] = lambda key: 2
        self.sign: SignInvocation | None = None
        self.timeout_s = timeout_s
        self.clock = steady_clock()
        self.opens_at = 0.0

    async def drive(self, *also: Any) -> None:
        async with self.double.serving() as url, Invoker(timeout_s=self.timeout_s) as invoker:
            sign = by_invoke_api(endpoint_url=url, names=Names(), region="us-east-1", credentials=Credentials("a", "b"))
            self.opens_at = self.clock() + 0.05
            window = Window(
                run_id="r",
                target="local",
                opens_at=self.opens_at,
                schedule=plan(self.load),
                sign=self.sign or sign,
                invoker=invoker,
                timeline=self.timeline,
                append=self.append,
                clock=self.clock,
                tally=self.tally,
            )
            updating = writing_updates(
                self.updates,
                opens_at=self.opens_at,
                update=self.update,
                timeline=self.timeline,
                clock=self.clock,
                tally=self.tally,
            )
            with updating:
                await window.run(*also)


@pytest.fixture(scope="module")
def plain() -> Driven:
    """A window of 40 invocations, every one answered at once."""
    driven = Driven()
    asyncio.run(driven.drive())
    return driven


def test_every_planned_invocation_is_sent_once_and_recorded(plain: Driven) -> None:
    planned = list(plan(plain.load))
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


def test_no_request_is_sent_before_it_is_planned(plain: Driven) -> None:
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
        assert (record.received_at - record.sent_at) * 1000 >= 49


async def test_slow_answers_delay_no_start() -> None:
    driven = Driven()
    driven.double.behaviours = dict.fromkeys(range(40), "wait")  # no answer before the last start
    driving = asyncio.create_task(driven.drive())
    await wait_until(lambda: driven.double.under_way == 40)
    driven.double.release.set()
    await driving

    assert {record.status for record in driven.records} == {"ok"}


async def test_each_way_to_fail_is_recorded_as_such() -> None:
    driven = Driven()
    driven.double.behaviours = {3: "throttle", 7: "fail", 11: "drop"}
    await driven.drive()

    failed = {
        record.status + ": " + str(record.error_type): record for record in driven.records if record.status != "ok"
    }
    assert set(failed) == {
        "throttled: ReservedFunctionConcurrentInvocationLimitExceeded",
        "function_error: DownstreamError",
        "lost: ServerDisconnectedError",
    }
    for name, record in failed.items():
        lost = name.startswith("lost")
        assert (record.received_at is None, record.latency_ms is None, record.service_ms is None) == (lost, lost, lost)
        assert (record.version, record.staleness_ms, record.downstream_calls) == (None, None, None)
    assert len(driven.double.requests) == len(driven.records) == 40  # none was sent again
    assert (driven.tally.completed, driven.tally.unanswered) == (40, 3)
    assert sum(counts.uncounted for counts in driven.tally.variants.values()) == 2


async def test_without_an_answer_in_time_it_is_lost() -> None:
    driven = Driven(duration_s=0.1, rate=10, timeout_s=0.2)
    driven.double.behaviours = {0: "hang", 1: "hang"}
    await driven.drive()

    assert [(r.status, r.error_type, r.received_at) for r in driven.records] == [("lost", "ClientTimeout", None)] * 2


async def test_without_a_server_all_is_lost() -> None:
    driven = Driven(duration_s=0.1)
    driven.sign = by_invoke_api(
        endpoint_url="http://127.0.0.1:9", names=Names(), region="r", credentials=Credentials("a", "b")
    )
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
    driven.double.behaviours = {39: "wait"}  # the window lasts until the updates are written
    driving = asyncio.create_task(driven.drive())
    await wait_until(lambda: driven.tally.updates_written == 5)
    driven.double.release.set()
    await driving

    for record in driven.records:
        assert record.sent_at is not None
        assert record.staleness_ms is not None
        assert 0 <= record.staleness_ms <= max(0.0, record.sent_at - driven.opens_at - 0.2) * 1000
        assert record.staleness_ms == driven.timeline.staleness_ms(str(record.key), 1, record.sent_at)
    assert driven.timeline.staleness_ms("item-0000", 1, driven.clock()) > 0


async def test_a_blocking_update_delays_no_start() -> None:
    driven = Driven()
    driven.updates = [PlannedUpdate(at=0.1, key="item-0000")]
    all_recorded = threading.Event()

    def slow_update(key: str) -> int:
        all_recorded.wait(LIMIT_S)
        return 2

    def append(record: Record) -> None:
        driven.records.append(record)
        if len(driven.records) == 39:
            all_recorded.set()

    driven.update, driven.append = slow_update, append
    driven.double.behaviours = {39: "wait"}
    driving = asyncio.create_task(driven.drive())
    await wait_until(lambda: driven.tally.updates_written == 1)
    driven.double.release.set()
    await driving

    assert len(driven.records) == 40


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
    assert driven.tally.update_errors == {"EndpointConnectionError": 2}


async def test_a_record_that_cannot_be_written_ends_the_window() -> None:
    driven = Driven(duration_s=600)

    def full(record: Record) -> None:
        raise LabError("the disk is full")

    driven.append = full
    with pytest.raises(LabError, match="the disk is full"):
        await driven.drive()

    assert len(driven.double.requests) < 1000


async def test_requests_that_cannot_be_signed_end_the_window() -> None:
    def sign(variant: str, key: str) -> SignedRequest:
        raise NoCredentialsError

    driven = Driven()
    driven.sign = sign

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
    driven = Driven(duration_s=600, rate=100)
    task = asyncio.create_task(driven.drive())
    await wait_until(lambda: len(driven.records) > 5)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    recorded = len(driven.records)
    await asyncio.sleep(0.2)
    assert len(driven.records) == recorded


async def test_what_only_watches_cannot_end_the_run() -> None:
    async def broken() -> None:
        raise BrokenPipeError

    async with beside(broken()):
        await asyncio.sleep(0)


async def test_a_run_that_is_refused_from_the_start_is_given_up() -> None:
    driven = Driven(duration_s=600, rate=40)
    driven.double.behaviours = dict.fromkeys(range(100_000), "throttle")

    with pytest.raises(InvocationsRefusedError, match=r"first \d+ invocations \(throttled: ReservedFunctionConcurrent"):
        await driven.drive()
    assert REFUSED_AT_START <= len(driven.records) < 1000
    assert {record.status for record in driven.records} == {"throttled"}


@pytest.mark.parametrize("answered", [0, 15])
async def test_one_answer_keeps_a_throttled_run_going(answered: int) -> None:
    driven = Driven(duration_s=0.5, rate=40)
    driven.double.behaviours = {number: "throttle" for number in range(1000) if number != answered}
    await driven.drive()

    assert len(driven.records) == 40


async def test_what_is_under_way_keeps_a_throttled_run_going() -> None:
    driven = Driven(duration_s=0.5, rate=40)
    driven.double.behaviours = {0: "wait"} | dict.fromkeys(range(1, 1000), "throttle")
    driving = asyncio.create_task(driven.drive())
    await wait_until(lambda: len(driven.records) == 39)
    driven.double.release.set()
    await driving

    assert len(driven.records) == 40
    assert driven.tally.refused == 39
