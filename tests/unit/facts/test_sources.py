"""Everything that a source needs exists for each source of the list."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Stack

from facts import prices
from facts.names import Names
from facts.quotas import READ_QUOTAS
from facts.sources import MOST_AHEAD, MOST_KEYS, SOURCES, TITLES, SourceName, item_key, item_keys
from instrumentation.settings import FunctionSettings
from instrumentation.sources import make_source
from lab.aws.connection import Connection
from lab.deploy.items import open_store
from lab.endpoint.profiles import TYPICAL
from stacks.settings import ApplicationSettings
from stacks.source import read_statements
from warmcache.snapshot_cache import LONGEST_FILL_S

LONGEST_RESTORE_S = 10.0  # AWS Lambda Developer Guide, "Troubleshooting SnapStart errors"


def reader(source: SourceName) -> object:
    return type(make_source(FunctionSettings(variant="v", source=source, table="t", bucket="b")))


def writer(source: SourceName) -> object:
    services: list[str] = []

    class Recorded(Connection):
        def client(self, service: str, *, attempts: int = 3) -> Any:
            services.append(service)
            return super().client(service, attempts=attempts)

    open_store(source, Recorded(target="local", endpoint_url="http://127.0.0.1:9"), Names(), "b")
    return services


def permissions(source: SourceName) -> object:
    stack = Stack(App())
    statements = read_statements(stack, ApplicationSettings(source=source), many=True)
    return str(stack.resolve([statement.to_statement_json() for statement in statements]))


@pytest.mark.parametrize("part", [reader, writer, permissions])
def test_each_source_has_its_own(part: Callable[[SourceName], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert len({str(part(source)) for source in SOURCES}) == len(SOURCES)


def test_each_source_has_a_price() -> None:
    assert set(prices.READ) == set(SOURCES)


def test_each_source_has_a_quota_and_a_number_of_items_to_read_ahead() -> None:
    assert set(READ_QUOTAS) == set(MOST_AHEAD) == set(SOURCES)


def test_each_source_has_a_latency() -> None:
    assert set(TYPICAL.services) == set(SOURCES) == set(TITLES)


@pytest.mark.parametrize("source", SOURCES)
def test_the_keys_ahead_are_those_that_a_source_can_read_before_a_restores_deadline(
    source: SourceName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings = FunctionSettings(variant="v", source=source, table="t", bucket="b", keys=MOST_KEYS)
    batches = math.ceil(len(settings.keys_ahead) / make_source(settings).batch)

    assert settings.keys_ahead[0] == item_key(0)  # requested most
    assert batches * TYPICAL.services[source].p99_ms / 1000 <= LONGEST_FILL_S < LONGEST_RESTORE_S
    assert FunctionSettings(variant="v", source=source, table="t", bucket="b", keys=7).keys_ahead == item_keys(7)


def test_every_key_has_the_same_length() -> None:
    assert len(item_key(0)) == len(item_key(MOST_KEYS - 1)) == len("item-0000")
