"""Asynchronous invocations: accepted at once, run when they can be, run again when they fail.

Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

import asyncio
import functools
import json
import logging

from lab.endpoint.api_error import ApiError, new_request_id
from lab.endpoint.deployments.function_names import parse_name
from lab.endpoint.deployments.functions import Functions, Resolved
from lab.endpoint.emulator.emulator import EMULATOR_ERRORS
from lab.endpoint.invoke.destinations import Destinations, Event, Record, is_function
from lab.endpoint.invoke.invoker import Invoker
from lab.endpoint.tasks import Tasks
from lab.engine.invocation import InvocationResult

ERROR_RETRY_S = 60.0  # one minute before the second attempt, two before the third
REFUSED_RETRY_S = 1.0  # doubled with each throttle or system error in a row
REFUSED_RETRY_MAX_S = 300.0
logger = logging.getLogger(__name__)


class EventQueue:
    """Events on their way to functions. It lives in memory: what it holds is lost when the endpoint ends.

    ``clock_speed`` is how many seconds of retry intervals and event ages pass in a second.
    """

    def __init__(
        self, invoker: Invoker, functions: Functions, destinations: Destinations, tasks: Tasks, clock_speed: float
    ) -> None:
        self._invoker = invoker
        self._functions = functions
        self._destinations = destinations
        self._tasks = tasks
        self._clock_speed = clock_speed
        self._timers: dict[Event, asyncio.TimerHandle] = {}

    def submit(self, resolved: Resolved, payload: bytes, request_id: str) -> None:
        """Take an event; every attempt has this request id."""
        self._attempt(Event(resolved, payload, request_id, asyncio.get_running_loop().time()))

    def close(self) -> None:
        """Drop the events that wait."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _attempt(self, event: Event) -> None:
        if event.resolved.reserved_concurrency == 0:
            self._give_up(event, "ZeroReservedConcurrency", None)
            return
        try:
            self._invoker.invoke(event.resolved, event.payload, event.request_id, functools.partial(self._done, event))
        except ApiError:
            self._refused(event)

    def _done(self, event: Event, result: InvocationResult) -> None:
        event.runs += 1
        event.refusals = 0
        if not result.function_error:
            self._send_record(event.resolved.events.on_success, Record(event, "Success", result))
        elif event.runs > event.resolved.events.maximum_retry_attempts:
            self._give_up(event, "RetriesExhausted", result)
        else:
            self._retry_in(event, ERROR_RETRY_S * event.runs, result)

    def _refused(self, event: Event) -> None:
        delay_s = min(REFUSED_RETRY_S * 2**event.refusals, REFUSED_RETRY_MAX_S)
        event.refusals += 1
        self._retry_in(event, delay_s, None)

    def _retry_in(self, event: Event, delay_s: float, result: InvocationResult | None) -> None:
        loop = asyncio.get_running_loop()
        age_s = (loop.time() - event.accepted) * self._clock_speed
        if age_s + delay_s > event.resolved.events.maximum_event_age_s:
            self._give_up(event, "EventAgeExceeded", result)
            return
        self._timers[event] = loop.call_later(delay_s / self._clock_speed, self._retry, event)

    def _retry(self, event: Event) -> None:
        del self._timers[event]
        self._tasks.start(self._resolve_and_attempt(event))

    async def _resolve_and_attempt(self, event: Event) -> None:
        try:
            event.resolved = await self._functions.find(event.resolved.name)
        except ApiError as error:
            if error.status != 404:  # the events of a deleted function end with it
                self._refused(event)
        except EMULATOR_ERRORS:
            logger.warning("cannot look up %s; trying again", event.resolved.name, exc_info=True)
            self._refused(event)
        else:
            self._attempt(event)

    def _give_up(self, event: Event, condition: str, result: InvocationResult | None) -> None:
        settings, record = event.resolved.events, Record(event, condition, result)
        self._send_record(settings.on_failure, record)
        if settings.dead_letter is not None:
            self._tasks.start(asyncio.to_thread(self._destinations.send_dead_letter, settings.dead_letter, record))

    def _send_record(self, arn: str | None, record: Record) -> None:
        if arn is None:
            return
        if is_function(arn):
            self._tasks.start(self._invoke_destination(arn, record))
        else:
            self._tasks.start(asyncio.to_thread(self._destinations.send_record, arn, record))

    async def _invoke_destination(self, arn: str, record: Record) -> None:
        try:
            resolved = await self._functions.find(parse_name(arn, None))
        except (ApiError, *EMULATOR_ERRORS) as error:
            self._destinations.note_failure(arn, error)
        else:
            self.submit(resolved, json.dumps(record.to_json()).encode(), new_request_id())
