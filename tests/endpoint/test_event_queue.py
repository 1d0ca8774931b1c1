"""The event queue's retries, in virtual time, over an engine that does what the test says.

Sources: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation"; "recorded" is
an answer of AWS in LocalStack's validated snapshots.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from typing import Any, cast

from lab.endpoint.api_error import not_found
from lab.endpoint.deployments.function_names import FunctionName
from lab.endpoint.deployments.functions import EventSettings, Functions, Resolved
from lab.endpoint.invoke.destinations import Destinations, Record
from lab.endpoint.invoke.event_queue import EventQueue
from lab.endpoint.invoke.invoker import Invoker
from lab.endpoint.tasks import Tasks
from lab.engine.engine import Engine
from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation, InvocationResult
from tests.endpoint.virtual_time import run
from tests.function_versions import function_version

ARN = "arn:aws:lambda:us-east-1:000000000000:function:queued"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:records"
FAILURE = b'{"errorType": "Broken", "errorMessage": "no luck"}'
VERSION = function_version("queued")
Handler = Callable[[bytes], tuple[float, bytes | None]]
"""What a function does with an event: after how many seconds it ends, and its result; None for an error."""


class FakeEngine:
    """Runs a handler in the loop's time."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.invoked: list[tuple[float, str]] = []
        self.versions: list[str] = []
        self.throttles = 0

    def invoke(self, version: FunctionVersion, invocation: Invocation) -> None:
        loop = asyncio.get_running_loop()
        self.invoked.append((loop.time(), invocation.request_id))
        self.versions.append(version.version)
        seconds, result = self.handler(invocation.payload)
        failed, payload = result is None, FAILURE if result is None else result
        done = InvocationResult(payload=payload, function_error=failed, executed_version="$LATEST", log_tail=b"")
        loop.call_later(seconds, invocation.on_done, done)

    def throttled(self, version: FunctionVersion, arn: str) -> None:
        self.throttles += 1


class FakeFunctions:
    """Knows one function, until it is deleted."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved: Resolved | None = resolved

    async def find(self, name: FunctionName) -> Resolved:
        if self.resolved is None:
            raise not_found("Function not found")
        return self.resolved


class FakeDestinations:
    """Keeps what is sent, with the time of each."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def send_record(self, arn: str, record: Record) -> None:
        assert arn == QUEUE
        self.records.append(record.to_json())


class Queue:
    """An event queue with one function."""

    def __init__(self, handler: Handler, *, reserved: int | None = None, **settings: Any) -> None:
        events = EventSettings(on_success=QUEUE, on_failure=QUEUE, **settings)
        name = FunctionName("queued")
        self.resolved = Resolved(name, VERSION, ARN, reserved, 1000, events)
        self.engine = FakeEngine(handler)
        self.functions = FakeFunctions(self.resolved)
        self.destinations = FakeDestinations()
        self.tasks = Tasks()
        invoker = Invoker(cast("Engine", self.engine))
        functions, destinations = cast("Functions", self.functions), cast("Destinations", self.destinations)
        self.events = EventQueue(invoker, functions, destinations, self.tasks, clock_speed=1.0)

    def submit(self, event: Any, request_id: str = "id") -> None:
        self.events.submit(self.resolved, json.dumps(event).encode(), request_id)

    async def records(self, count: int) -> list[dict[str, Any]]:
        """The next records."""
        while len(self.destinations.records) < count:
            await asyncio.sleep(10)
        await self.tasks.close()
        return self.destinations.records


def fails(event: bytes) -> tuple[float, bytes | None]:
    return 0.1, None


def sleeps(event: bytes) -> tuple[float, bytes | None]:
    """As many seconds as the event says."""
    seconds = json.loads(event)
    return (seconds if isinstance(seconds, float) else 0.0), b"null"


def test_a_failing_event_is_run_twice_more_after_one_minute_and_after_two() -> None:
    """Guide: "a one-minute wait between the first two attempts, and two minutes between the second and third"."""

    async def given() -> None:
        queue = Queue(lambda _: (0.0, b"1" if len(queue.engine.invoked) == 3 else None))
        queue.submit({}, "the-id")
        [record] = await queue.records(1)
        assert record["requestContext"]["condition"] == "Success"
        assert record["requestContext"]["approximateInvokeCount"] == 3
        times, request_ids = zip(*queue.engine.invoked, strict=True)
        assert set(request_ids) == {"the-id"}
        assert [round(time) for time in times] == [0, 60, 180]

    run(given())


def test_after_three_attempts_an_event_is_given_up() -> None:
    """Recorded: test_retries: RetriesExhausted, approximateInvokeCount 3."""

    async def given() -> None:
        queue = Queue(fails)
        queue.submit({})
        [record] = await queue.records(1)
        assert record["requestContext"]["condition"] == "RetriesExhausted"
        assert record["requestContext"]["approximateInvokeCount"] == 3

    run(given())


def test_the_function_sets_how_often_it_is_tried_again() -> None:
    """Model: MaximumRetryAttempts, 0 to 2."""

    async def given() -> None:
        queue = Queue(fails, maximum_retry_attempts=1)
        queue.submit({})
        [record] = await queue.records(1)
        assert record["requestContext"]["approximateInvokeCount"] == 2

    run(given())


def test_an_event_that_would_be_too_old_is_not_tried_again() -> None:
    """Recorded: test_maxeventage: EventAgeExceeded, with the response of the only attempt."""

    async def given() -> None:
        queue = Queue(fails, maximum_event_age_s=60)
        queue.submit({})
        [record] = await queue.records(1)
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert record["requestContext"]["approximateInvokeCount"] == 1
        assert record["responsePayload"]["errorType"] == "Broken"

    run(given())


def test_a_retry_runs_the_code_that_is_deployed_by_then() -> None:
    """Recorded: test_async_invoke_queue_upon_function_update: queued events run the new code."""

    async def given() -> None:
        queue = Queue(fails, maximum_retry_attempts=1)
        queue.submit({})
        queue.functions.resolved = dataclasses.replace(
            queue.resolved, version=dataclasses.replace(VERSION, version="new")
        )
        await queue.records(1)
        assert queue.engine.versions == ["$LATEST", "new"]

    run(given())


def test_events_of_a_deleted_function_end() -> None:
    async def given() -> None:
        queue = Queue(fails)
        queue.submit({})
        queue.functions.resolved = None
        await asyncio.sleep(10_000)
        assert len(queue.engine.invoked) == 1
        assert queue.destinations.records == []

    run(given())


def test_a_throttled_event_waits_until_there_is_concurrency() -> None:
    """Guide: the interval grows "from 1 second after the first attempt to a maximum of 5 minutes"."""

    async def given() -> None:
        queue = Queue(sleeps, reserved=1)
        queue.submit(1000.0, "first")
        queue.submit("second", "second")
        records = await queue.records(2)
        assert [record["requestPayload"] for record in records] == [1000.0, "second"]
        assert records[1]["requestContext"]["condition"] == "Success"
        assert records[1]["requestContext"]["approximateInvokeCount"] == 1
        # Refused at 0, 1, 3, 7, … 511 s, then each 300 s.
        assert [round(time) for time, _ in queue.engine.invoked] == [0, 1111]
        assert queue.engine.throttles == 11

    run(given())


def test_a_throttled_event_is_given_up_when_it_is_too_old() -> None:
    """Guide: "for up to 6 hours by default"; here the function says one minute."""

    async def given() -> None:
        queue = Queue(sleeps, reserved=1, maximum_event_age_s=60)
        queue.submit(1000.0, "first")
        queue.submit("late", "second")
        [record] = await queue.records(1)
        assert record["requestPayload"] == "late"
        assert record["requestContext"]["condition"] == "EventAgeExceeded"
        assert record["requestContext"]["approximateInvokeCount"] == 0
        assert "responsePayload" not in record

    run(given())
