"""Counted by the meter and on the wire, by real boto3 clients: the two must agree."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from facts.sources import SourceName
from instrumentation import sources
from instrumentation.downstream import DownstreamMeter
from instrumentation.errors import DownstreamError, ItemNotFound
from instrumentation.settings import FunctionSettings
from instrumentation.sources import DynamoDbSource, make_source
from tests.unit.layer.hooks import SnapStart
from tests.unit.layer.http_server import FAULT, REFUSAL, Request, Response, Wire, served

JSON = {"Content-Type": "application/x-amz-json-1.0"}
ITEM = b'{"Item": {"key": {"S": "a"}, "value": {"M": {"text": {"S": "x"}}}, "version": {"N": "3"}}}'


def one_item(request: Request) -> Response:
    return Response(200, JSON, ITEM if b'"a"' in request.body else b"{}")


@pytest.fixture
def meter() -> DownstreamMeter:
    return DownstreamMeter()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with served(one_item) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        yield wire


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without botocore's random pauses of up to three seconds in all."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)


@pytest.fixture
def source(wire: Wire, meter: DownstreamMeter, no_pauses: None) -> DynamoDbSource:
    return DynamoDbSource("cache-lab-items", meter)


def test_a_read_is_one_call(source: DynamoDbSource, meter: DownstreamMeter, wire: Wire) -> None:
    before = time.time()
    item = source.read("a")
    use = meter.take()
    assert (item.key, item.value, item.version) == ("a", {"text": "x"}, 3)
    assert before <= item.read_at <= time.time()
    assert (use.calls, use.errors, use.items) == (1, 0, [item])
    assert len(wire.requests) == 1
    assert b'"ConsistentRead": true' in wire.requests[0].body


def test_taken_is_taken(source: DynamoDbSource, meter: DownstreamMeter) -> None:
    source.read("a")
    assert meter.take().calls == 1
    assert meter.take().calls == 0


def test_every_retry_counts_and_every_failed_one_is_an_error(
    source: DynamoDbSource, meter: DownstreamMeter, wire: Wire
) -> None:
    wire.failures_left = 2
    assert source.read("a").version == 3
    use = meter.take()
    assert (use.calls, use.errors, use.failures) == (3, 2, 0)
    assert len(wire.requests) == 3
    assert use.ms >= 20, "the pauses between retries are time spent downstream"


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("source_name", "throttle", "answer"),
    [
        ("ssm", b'{"__type": "ThrottlingException", "message": "Rate exceeded"}', b'{"Parameter": {"Value": %s}}'),
        ("dynamodb", b'{"__type": "com.amazon#ProvisionedThroughputExceededException"}', ITEM),
        ("secretsmanager", b'{"__type": "ThrottlingException"}', b'{"SecretString": %s}'),
    ],
)
def test_a_throttled_source_is_counted_apart_from_a_slow_or_failing_one(
    source_name: SourceName,
    throttle: bytes,
    answer: bytes,
    meter: DownstreamMeter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = json.dumps('{"value": {}, "version": 3}').encode()
    found = answer.replace(b"%s", text)
    with served(lambda _: Response(200, JSON, found)) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        source = make_source(FunctionSettings(variant="v", source=source_name, table="t"), meter)
        uses = []
        for failure in (Response(400, JSON, throttle), FAULT):
            wire.failures_left, wire.failure = 2, failure
            assert source.read("a").version == 3
            uses.append(meter.take())
    assert [(use.calls, use.errors, use.throttles) for use in uses] == [(3, 2, 2), (3, 2, 0)]


def test_an_attempt_without_an_answer_counts(source: DynamoDbSource, meter: DownstreamMeter, wire: Wire) -> None:
    wire.failures_left, wire.failure = 2, None
    assert source.read("a").version == 3
    assert (meter.take().calls, len(wire.requests)) == (3, 3)


def test_after_the_last_retry_it_is_a_downstream_error(
    source: DynamoDbSource, meter: DownstreamMeter, wire: Wire
) -> None:
    wire.failures_left = 99
    with pytest.raises(DownstreamError, match=r"item 'a' could not be read: .*InternalServerError"):
        source.read("a")
    use = meter.take()
    assert (use.calls, use.errors, use.failures, use.items) == (3, 3, 1, [])
    assert len(wire.requests) == 3


def test_who_cannot_be_reached_is_a_downstream_error(
    meter: DownstreamMeter, no_pauses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(DownstreamError, match="Could not connect"):
            DynamoDbSource("t", meter).read("a")
    assert meter.take().errors == 3


def test_who_hangs_is_given_up_within_a_second_an_attempt(
    meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(sources, "_CONFIG", sources._CONFIG.merge(once))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(DownstreamError, match="Read timeout"):
            DynamoDbSource("t", meter).read("a")
    assert time.monotonic() - started < 2
    use = meter.take()
    assert (use.calls, use.errors) == (1, 1)
    assert use.ms >= 1000


def test_a_refusal_is_an_error_and_not_tried_again(source: DynamoDbSource, meter: DownstreamMeter, wire: Wire) -> None:
    wire.failures_left, wire.failure = 1, REFUSAL
    with pytest.raises(DownstreamError, match="AccessDeniedException"):
        source.read("a")
    use = meter.take()
    assert (use.calls, use.errors, len(wire.requests)) == (1, 1, 1)


def test_without_credentials_it_is_a_downstream_error(
    wire: Wire, meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    source = DynamoDbSource("t", meter)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(DownstreamError, match="Unable to locate credentials"):
        source.read("a")
    assert (meter.take().calls, wire.requests) == (0, [])


def test_threads_lose_no_count(source: DynamoDbSource, meter: DownstreamMeter, wire: Wire) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(source.read, ["a"] * 100))
    use = meter.take()
    assert use.calls == len(use.items) == len(wire.requests) == 100


def test_the_read_units_are_those_that_the_answers_state(
    meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = b'[{"TableName": "t", "CapacityUnits": 49.5}, {"TableName": "u", "CapacityUnits": 1}]'
    one = ITEM[:-1] + b', "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 2.5}}'
    many = b'{"Responses": {}, "ConsumedCapacity": ' + tables + b"}"
    with served(lambda request: Response(200, JSON, many if b"RequestItems" in request.body else one)) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        source = DynamoDbSource("t", meter)
        source.read("a")
        assert meter.take().read_units == 2.5
        source.read_many(["a", "b"])
        assert meter.take().read_units == 50.5
        assert all(b'"ReturnConsumedCapacity": "TOTAL"' in request.body for request in wire.requests)


def test_what_states_no_read_units_counts_none(source: DynamoDbSource, meter: DownstreamMeter, wire: Wire) -> None:
    wire.failures_left = 2
    source.read("a")
    assert meter.take().read_units == 0


def test_an_item_that_is_not_there_is_no_error(source: DynamoDbSource, meter: DownstreamMeter) -> None:
    with pytest.raises(ItemNotFound, match="dynamodb has no item 'b'"):
        source.read("b")
    use = meter.take()
    assert (use.calls, use.errors, use.items) == (1, 0, [])


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ('{"S": ""}', ""),
        ('{"N": "-3"}', -3),
        ('{"N": "3.25"}', 3.25),
        ('{"N": "1E+3"}', 1000.0),
        ('{"BOOL": false}', False),
        ('{"NULL": true}', None),
        ('{"L": [{"N": "1"}, {"NULL": true}]}', [1, None]),
        ('{"M": {"a": {"M": {}}}}', {"a": {}}),
    ],
)
def test_an_attribute_becomes_what_json_can_hold(
    attribute: str, value: object, meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'{{"Item": {{"key": {{"S": "a"}}, "value": {attribute}, "version": {{"N": "1"}}}}}}'.encode()
    with served(lambda _: Response(200, JSON, body)) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        read = DynamoDbSource("t", meter).read("a").value
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("source_name", "headers", "body"),
    [
        ("dynamodb", JSON, b'{"Item": {"key": {"S": "a"}}}'),
        ("dynamodb", JSON, b'{"Item": {"key": {"S": "a"}, "value": {"B": "eA=="}, "version": {"N": "1"}}}'),
        ("ssm", JSON, b'{"Parameter": {"Name": "/cache-lab/a", "Value": "not JSON"}}'),
        ("ssm", JSON, b'{"Parameter": {"Name": "/cache-lab/a", "Value": "[]"}}'),
        ("ssm", JSON, b'{"Parameter": {"Name": "/cache-lab/a", "Value": "{\\"value\\": 1}"}}'),
        (
            "secretsmanager",
            JSON,
            b'{"Name": "cache-lab/a", "SecretString": "{\\"value\\": 1, \\"version\\": \\"x\\"}"}',
        ),
        ("s3", {}, b"\xff\xfe\x00"),
    ],
)
def test_what_is_not_an_item_is_a_downstream_error(
    source_name: str, headers: dict[str, str], body: bytes, meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = FunctionSettings(variant="v", source=source_name, table="t", bucket="b")  # type: ignore[arg-type]
    with served(lambda _: Response(200, headers, body)) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        source = make_source(settings, meter)
        with pytest.raises(DownstreamError):
            source.read("a")


@pytest.mark.parametrize(
    ("source_name", "sizes"),
    [("dynamodb", [100, 100, 5]), ("ssm", [10] * 20 + [5]), ("secretsmanager", [20] * 10 + [5])],
)
def test_many_are_read_in_the_largest_batches_that_the_service_takes(
    source_name: str, sizes: list[int], meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = b'{"Responses": {}, "Parameters": [], "SecretValues": []}'
    settings = FunctionSettings(variant="v", source=source_name, table="t")  # type: ignore[arg-type]
    with served(lambda _: Response(200, JSON, empty)) as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
        assert make_source(settings, meter).read_many([f"item-{number:04}" for number in range(205)]) == {}
        assert [request.body.count(b"item-") for request in wire.requests] == sizes
    assert meter.take().calls == len(sizes)


def test_no_keys_are_no_call(source: DynamoDbSource, wire: Wire) -> None:
    assert source.read_many([]) == {}
    assert not wire.requests


def test_after_a_restore_what_was_counted_before_the_snapshot_is_forgotten(
    snap_start: SnapStart, wire: Wire, no_pauses: None
) -> None:
    meter = DownstreamMeter()
    source = DynamoDbSource("t", meter)
    source.read("a")
    snap_start.snapshot()
    snap_start.restore()
    assert meter.take().calls == 0
    source.read("a")
    assert meter.take().calls == 1


def test_no_connection_is_in_the_snapshot(
    snap_start: SnapStart, wire: Wire, meter: DownstreamMeter, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Callable[[], int]] = []
    connect = socket.socket.connect

    def connected(self: socket.socket, address: object) -> None:
        opened.append(self.fileno)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connected)
    source = DynamoDbSource("t", meter)
    source.read("a")
    assert [fileno() for fileno in opened] != [-1]
    snap_start.snapshot()
    assert [fileno() for fileno in opened] == [-1]
    snap_start.restore()
    assert source.read("a").version == 3
    assert len(opened) == 2
