"""The handler around a function of a few lines. The real ones are tested in tests/unit/functions."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from awslambdaric.lambda_context import LambdaContext

from instrumentation.downstream import METER
from instrumentation.errors import BadRequest, ItemNotFound
from instrumentation.handler import Answer, lambda_handler
from instrumentation.item import Item
from instrumentation.settings import load_settings

CONTEXT = LambdaContext("request-1", None, None, 0)
EVENT = {"key": "item-0001"}
METRIC_WORDS = {"hit": "Hits", "miss": "Misses", "stale": "StaleServed"}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CACHE_LAB_VARIANT", "trial")
    monkeypatch.setenv("CACHE_LAB_TABLE", "t")
    load_settings.cache_clear()
    METER.take()
    yield
    load_settings.cache_clear()


def kept(key: str, age_s: float = 0.0) -> Item:
    return Item(key, {"a": 1}, 3, time.time() - age_s)


def read(key: str) -> Item:
    item = kept(key)
    METER.note(item)
    return item


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one line that was written."""
    (line,) = capsys.readouterr().out.splitlines()
    values: dict[str, Any] = json.loads(line)
    return values


def test_the_answer_is_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    answer = lambda_handler(kept)(EVENT, CONTEXT)
    assert answer.keys() == Answer.__annotations__.keys()
    assert (answer["key"], answer["value"], answer["version"]) == ("item-0001", {"a": 1}, 3)
    assert json.loads(json.dumps(answer)) == answer
    line = emitted(capsys)
    assert (line["Variant"], line["request_id"]) == ("trial", "request-1")
    assert line["environment_id"] == answer["environment"]["id"]


@pytest.mark.parametrize(("instance", "namespace"), [(None, "CacheLab"), ("anna", "CacheLab/anna")])
def test_the_namespace_is_that_of_the_instance(
    instance: str | None, namespace: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if instance is not None:
        monkeypatch.setenv("CACHE_LAB_INSTANCE", instance)
    lambda_handler(kept)(EVENT, CONTEXT)
    assert [each["Namespace"] for each in emitted(capsys)["_aws"]["CloudWatchMetrics"]] == [namespace]


@pytest.mark.parametrize(
    ("find", "word"),
    [(read, "miss"), (kept, "hit"), (lambda key: dataclasses.replace(kept(key), stale=True), "stale")],
)
def test_hit_miss_and_stale(find: Callable[[str], Item], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lambda_handler(find)(EVENT, CONTEXT)["cache"] == word
    line = emitted(capsys)
    assert {name: line[name] for name in METRIC_WORDS.values()} == {
        name: int(name == METRIC_WORDS[word]) for name in METRIC_WORDS.values()
    }


def test_stale_is_said_even_if_a_refresh_was_read_meanwhile() -> None:
    def find(key: str) -> Item:
        read(key)
        return dataclasses.replace(kept(key, age_s=9), stale=True)

    assert lambda_handler(find)(EVENT, CONTEXT)["cache"] == "stale"


def test_what_an_earlier_invocation_read_is_a_hit() -> None:
    item = read("item-0001")
    handler = lambda_handler(lambda _: item)
    assert handler(EVENT, CONTEXT)["cache"] == "hit"
    METER.note(item)
    assert handler(EVENT, CONTEXT)["cache"] == "hit"


def test_a_hit_is_a_hit_even_if_another_item_was_read_meanwhile() -> None:
    def find(key: str) -> Item:
        read("item-0002")
        return kept(key)

    assert lambda_handler(find)(EVENT, CONTEXT)["cache"] == "hit"


def test_the_age_counts_from_the_read(capsys: pytest.CaptureFixture[str]) -> None:
    answer = lambda_handler(lambda key: kept(key, age_s=2))(EVENT, CONTEXT)
    assert 2000 <= answer["age_ms"] < 2500
    assert emitted(capsys)["ValueAge"] == answer["age_ms"]


def test_with_the_clock_set_back_no_age_is_negative() -> None:
    assert lambda_handler(lambda key: kept(key, age_s=-3600))(EVENT, CONTEXT)["age_ms"] == 0


@pytest.mark.parametrize(
    "event",
    [
        None, {}, [], "item-0001", 7, {"key": None}, {"key": 1}, {"key": True}, {"key": ""}, {"key": "a/b"},
        {"queryStringParameters": {}}, {"queryStringParameters": None}, {"queryStringParameters": {"key": "a/b"}},
        {"key": "a b"}, {"key": "a\n"}, {"key": "é"}, {"key": "x" * 65}, {"key": ["a"]}, {"Key": "a"},
    ],
)  # fmt: skip
def test_a_missing_or_malformed_key_is_a_bad_request(event: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadRequest, match="1 to 64 letters") as raised:
        lambda_handler(kept)(event, CONTEXT)
    assert len(str(raised.value)) < 300
    line = emitted(capsys)
    assert (line["Hits"], line["Misses"], line["StaleServed"]) == (0, 0, 0)


def test_a_function_url_has_the_key_in_its_query() -> None:
    event = {"version": "2.0", "rawPath": "/", "queryStringParameters": {"key": "item-0001"}, "isBase64Encoded": False}
    assert lambda_handler(kept)(event, CONTEXT)["key"] == "item-0001"


@pytest.mark.parametrize("key", ["a", "x" * 64, "item-0007", "_-", "A9"])
def test_a_legal_key_is_answered(key: str) -> None:
    assert lambda_handler(kept)({"key": key, "more": 1}, CONTEXT)["key"] == key


def test_a_failure_is_raised_on_as_it_is_and_measured(capsys: pytest.CaptureFixture[str]) -> None:
    failure = ItemNotFound("no such item")

    def fail(_: str) -> Item:
        raise failure

    with pytest.raises(ItemNotFound) as raised:
        lambda_handler(fail)(EVENT, CONTEXT)
    assert raised.value is failure
    line = emitted(capsys)
    assert line["request_id"] == "request-1"
    assert "ValueAge" not in line, "absent, for there is no value"
    assert "DownstreamLatency" not in line, "absent, for there was no call"
    assert line["DownstreamCalls"] == 0


def test_only_metrics_that_have_a_value_are_declared(capsys: pytest.CaptureFixture[str]) -> None:
    lambda_handler(kept)(EVENT, CONTEXT)
    line = emitted(capsys)
    declared = [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
    assert all(name in line for name in declared)
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 5


@pytest.mark.parametrize(("source", "units"), [("dynamodb", 50.0), ("ssm", None)])
def test_read_units_are_of_dynamodb_only(
    source: str, units: float | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CACHE_LAB_SOURCE", source)
    load_settings.cache_clear()
    handler = lambda_handler(kept)
    METER._on_attempt({"status_code": 200}, {"ConsumedCapacity": {"CapacityUnits": 50}})
    assert handler(EVENT, CONTEXT)["read_units"] == units
    assert emitted(capsys).get("read_units") == units


def test_the_bare_function_can_be_had() -> None:
    assert lambda_handler(kept).__wrapped__ is kept  # type: ignore[attr-defined]


def test_without_settings_there_is_no_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHE_LAB_VARIANT")
    with pytest.raises(ValueError, match="CACHE_LAB_VARIANT is not set"):
        lambda_handler(kept)
