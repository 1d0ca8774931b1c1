"""What every function of the lab does around its own few lines: check the event, measure, answer."""

import functools
import re
import reprlib
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

from facts import metrics
from instrumentation.downstream import METER, DownstreamUse
from instrumentation.environment import ENVIRONMENT, EnvironmentAnswer
from instrumentation.errors import BadRequest
from instrumentation.item import Item
from instrumentation.settings import load_settings
from warmcache.emf import Value, emf_line

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

CacheResult: TypeAlias = Literal["hit", "miss", "stale"]


class Answer(TypedDict):
    """A handler's answer.

    Attributes:
        key, value, version: those of the item.
        cache: ``miss`` if the item was read in this invocation, ``stale`` if the cache served it past its soft
            bound, else ``hit``.
        downstream_calls: attempts sent downstream in this invocation, retries included.
        downstream_ms: milliseconds spent on them.
        init_downstream_calls: attempts sent since the last invocation of the environment: by init or a hook after a
            restore, so they are 0 on all invocations but the first.
        downstream_errors: attempts of both kinds that got no answer, or an HTTP status of 400 or more.
        downstream_throttles: those of them that the source refused because there were too many.
        read_units: what DynamoDB bills for attempts of both kinds; None for another source.
        age_ms: milliseconds since the value was read downstream.
        environment: where it ran.
    """

    key: str
    value: Any
    version: int
    cache: CacheResult
    downstream_calls: int
    downstream_ms: float
    init_downstream_calls: int
    downstream_errors: int
    downstream_throttles: int
    read_units: float | None
    age_ms: float
    environment: EnvironmentAnswer


class Context(Protocol):
    """The part of Lambda's context object that is used here."""

    aws_request_id: str


def lambda_handler(find: Callable[[str], Item]) -> Callable[[Any, Context], Answer]:
    """Make a Lambda handler of a function that finds the item of a key.

    The handler checks the event, answers as ``Answer`` says, and writes one EMF line an invocation, also when it
    raises. It raises what ``find`` raises, so the class name is the ``errorType`` of the function error. The bare
    function is the handler's ``__wrapped__``.

    Raises:
        BadRequest: (the handler) the event has no key, or a malformed one.
        ValueError: the environment variables are wrong.
    """
    settings = load_settings()

    @functools.wraps(find)
    def handle(event: Any, context: Context) -> Answer:
        environment = ENVIRONMENT.begin_invocation()
        outside = METER.take()
        item = None
        try:
            item = find(_key_of(event))
        finally:
            inside = METER.take()
            now = time.time()
            throttles = inside.throttles + outside.throttles
            read_units = inside.read_units + outside.read_units if settings.source == "dynamodb" else None
            line = emf_line(
                settings.names.namespace,
                dimensions={metrics.DIMENSION: settings.variant},
                metrics=_metrics(item, inside, outside, environment, now),
                properties={
                    "environment_id": environment["id"],
                    "request_id": context.aws_request_id,
                    metrics.THROTTLED_CALLS: throttles,
                    **({} if read_units is None else {metrics.READ_UNITS: read_units}),
                },
                timestamp=now,
            )
            print(line, flush=True)  # noqa: T201 -- where Lambda takes EMF from
        return {
            "key": item.key,
            "value": item.value,
            "version": item.version,
            "cache": _result(item, inside),
            "downstream_calls": inside.calls,
            "downstream_ms": round(inside.ms, 3),
            "init_downstream_calls": outside.calls,
            "downstream_errors": inside.errors + outside.errors,
            "downstream_throttles": throttles,
            "read_units": read_units,
            "age_ms": _age_ms(item, now),
            "environment": environment,
        }

    return handle


def _key_of(event: Any) -> str:
    content = event if isinstance(event, dict) else {}
    # A function URL puts the key into the query string.
    parameters = content.get("queryStringParameters")
    key = (parameters if isinstance(parameters, dict) else content).get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        given = reprlib.repr(event)
        raise BadRequest(f'the event is {given}: give {{"key": …}}, 1 to 64 letters, digits, hyphens or underscores')
    return key


def _result(item: Item, inside: DownstreamUse) -> CacheResult:
    if item.stale:
        return "stale"
    return "miss" if item in inside.items else "hit"


def _age_ms(item: Item, now: float) -> float:
    return round(max(0.0, now - item.read_at) * 1000, 3)


def _metrics(
    item: Item | None,
    inside: DownstreamUse,
    outside: DownstreamUse,
    environment: EnvironmentAnswer,
    now: float,
) -> dict[str, Value]:
    result = _result(item, inside) if item is not None else None
    values: dict[metrics.MetricDefinition, float] = {
        metrics.HITS: int(result == "hit"),
        metrics.MISSES: int(result == "miss"),
        metrics.STALE_SERVED: int(result == "stale"),
        metrics.DOWNSTREAM_CALLS: inside.calls + outside.calls,
        metrics.DOWNSTREAM_ERRORS: inside.errors + outside.errors,
        metrics.DOWNSTREAM_FAILURES: inside.failures + outside.failures,
        metrics.COLD_STARTS: int(environment["cold_start"]),
    }
    if inside.calls:
        values[metrics.DOWNSTREAM_LATENCY] = round(inside.ms, 3)
    if item is not None:
        values[metrics.VALUE_AGE] = _age_ms(item, now)
    return {metric.name: Value(value, metric.unit) for metric, value in values.items()}
