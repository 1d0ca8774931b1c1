"""Counts what a function requests from its source."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from facts.quotas import THROTTLED
from instrumentation.item import Item
from warmcache.hooks import after_restore

_STARTED = "lab_started"


@dataclass(slots=True)
class DownstreamUse:
    """What was requested downstream in a span of time.

    Attributes:
        calls: attempts: a call with two retries counts three.
        errors: attempts that got no answer, or an HTTP status of 400 or more.
        failures: reads that failed after all their retries.
        throttles: those of them that the source refused because there were too many.
        ms: milliseconds from the first attempt of a call to its answer, pauses between retries included.
        read_units: the sum of what DynamoDB's answers state that they cost; retries that it answered are among them.
        items: the items read.
    """

    calls: int = 0
    errors: int = 0
    failures: int = 0
    throttles: int = 0
    ms: float = 0.0
    read_units: float = 0.0
    items: list[Item] = field(default_factory=list)


class DownstreamMeter:
    """Counts every attempt of the boto3 clients it watches.

    botocore emits ``response-received`` once an attempt, with or without an answer, and ``before-call`` and
    ``after-call`` (or ``after-call-error``) once around all attempts of a call (botocore 1.43, ``endpoint.py``
    and ``client.py``).

    A restore discards what was counted before the snapshot: those calls happened once, when the version was
    published, and not once an environment.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._use = DownstreamUse()
        after_restore(self.take)

    def watch(self, client: Any) -> None:
        """Count the calls of a boto3 client from now on."""
        events = client.meta.events
        events.register("before-call", self._on_start)
        events.register("response-received", self._on_attempt)
        events.register("after-call", self._on_end)
        events.register("after-call-error", self._on_end)

    def note(self, item: Item) -> None:
        """Remember that ``item`` was read downstream."""
        with self._lock:
            self._use.items.append(item)

    def note_failure(self) -> None:
        """Remember that a read failed after all its retries."""
        with self._lock:
            self._use.failures += 1

    def take(self) -> DownstreamUse:
        """Return all that any thread has counted since the last call."""
        with self._lock:
            taken, self._use = self._use, DownstreamUse()
            return taken

    def _on_start(self, context: dict[str, Any], **_: Any) -> None:
        context[_STARTED] = time.perf_counter()

    def _on_attempt(
        self, response_dict: dict[str, Any] | None, parsed_response: dict[str, Any] | None, **_: Any
    ) -> None:
        failed = response_dict is None or response_dict["status_code"] >= 400
        parsed = parsed_response or {}
        read_units = _read_units(parsed)
        with self._lock:
            self._use.calls += 1
            self._use.errors += failed
            self._use.throttles += parsed.get("Error", {}).get("Code") in THROTTLED
            self._use.read_units += read_units

    def _on_end(self, context: dict[str, Any], **_: Any) -> None:
        spent = time.perf_counter() - context[_STARTED]
        with self._lock:
            self._use.ms += spent * 1000


def _read_units(answer: Mapping[str, Any]) -> float:
    """What an answer of GetItem (one table) or BatchGetItem (a list of them) states as consumed."""
    consumed = answer.get("ConsumedCapacity", [])
    tables = consumed if isinstance(consumed, list) else [consumed]
    return sum(float(table["CapacityUnits"]) for table in tables)


METER = DownstreamMeter()
"""The meter of this process. It is made before any source or cache, so that its hook after a restore runs first."""
