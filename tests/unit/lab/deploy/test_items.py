"""The items in each service, by its real API at the emulator."""

import contextlib
import itertools
import json
import time
import types
from collections.abc import Iterator
from typing import Any

import pytest

from facts.names import Names
from facts.sources import SOURCES, SourceName, object_key
from instrumentation.item import Item
from instrumentation.settings import FunctionSettings
from instrumentation.sources import make_source
from lab.aws.connection import Connection
from lab.aws.target import Target
from lab.deploy import items
from lab.deploy.items import Pace, Store, open_store, remove_items, seed
from lab.errors import LabError

NAMES = Names()
BUCKET = "items-of-the-lab"
KEYS = ["item-0000", "item-0001", "item-0002"]


@pytest.fixture(scope="module")
def connection(ministack: str) -> Iterator[Connection]:
    connection = Connection(target="local", endpoint_url=ministack)
    connection.client("s3").create_bucket(Bucket=BUCKET)
    dynamodb = connection.client("dynamodb")
    with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):  # other tests use this emulator too
        dynamodb.delete_table(TableName="cache-lab-items")
    dynamodb.create_table(
        TableName="cache-lab-items",
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield connection
    dynamodb.delete_table(TableName="cache-lab-items")


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> SourceName:
    found: SourceName = request.param
    return found


@pytest.fixture
def store(source: SourceName, connection: Connection) -> Iterator[Store]:
    store = open_store(source, connection, NAMES, BUCKET)
    yield store
    remove_items(connection, NAMES)
    for key in KEYS:
        connection.client("s3").delete_object(Bucket=BUCKET, Key=object_key(key))
    if source == "dynamodb":  # CloudFormation removes the table
        for key in KEYS:
            connection.client("dynamodb").delete_item(TableName="cache-lab-items", Key={"key": {"S": key}})


def test_seeding_makes_version_1_of_each(store: Store) -> None:
    assert store.versions(KEYS) == {}
    assert seed(store, KEYS) == dict.fromkeys(KEYS, 1)


def test_an_update_is_the_next_version(store: Store) -> None:
    seed(store, KEYS)

    assert [store.update("item-0001"), store.update("item-0001"), store.update("item-0002")] == [2, 3, 2]
    assert store.versions(KEYS) == {"item-0000": 1, "item-0001": 3, "item-0002": 2}


def test_seeding_again_keeps_versions_and_adds_what_is_missing(store: Store) -> None:
    seed(store, KEYS[:2])
    store.update("item-0001")

    assert seed(store, KEYS) == {"item-0000": 1, "item-0001": 2, "item-0002": 1}


def test_another_run_goes_on_from_the_versions_that_it_finds(
    source: SourceName, connection: Connection, store: Store
) -> None:
    seed(store, KEYS)
    store.update("item-0000")
    later = open_store(source, connection, NAMES, BUCKET)
    seed(later, KEYS)

    assert later.update("item-0000") == 3


def test_removing_leaves_nothing_that_no_stack_holds(source: SourceName, connection: Connection, store: Store) -> None:
    seed(store, KEYS)
    remove_items(connection, NAMES)
    remove_items(connection, NAMES)

    assert store.versions(KEYS) == (dict.fromkeys(KEYS, 1) if source in ("dynamodb", "s3") else {})


@pytest.fixture
def of_functions(ministack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variables by which a function finds the emulator."""
    for name, value in {
        "AWS_ENDPOINT_URL": ministack,
        "AWS_ACCESS_KEY_ID": "cachelab",
        "AWS_SECRET_ACCESS_KEY": "cachelab",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)


def read_by_function(source: SourceName, key: str, **more: str) -> Item:
    """Read an item as a function with these environment variables does."""
    environment = {
        "CACHE_LAB_VARIANT": "no_cache",
        "CACHE_LAB_SOURCE": source,
        "CACHE_LAB_TABLE": "cache-lab-items",
        "CACHE_LAB_BUCKET": BUCKET,
    }
    return make_source(FunctionSettings.from_environment(environment | more)).read(key)


@pytest.mark.usefixtures("of_functions")
def test_the_functions_read_what_was_written(source: SourceName, store: Store) -> None:
    seed(store, KEYS)
    store.update("item-0001")

    item = read_by_function(source, "item-0001")

    assert (item.key, item.version) == ("item-0001", 2)
    assert item.value["name"] == "item-0001"
    assert item.value["revision"] == 2


@pytest.mark.usefixtures("of_functions")
@pytest.mark.parametrize("source", ["ssm", "secretsmanager"], indirect=True)
def test_parameters_and_secrets_of_an_instance_are_its_own(
    source: SourceName, connection: Connection, store: Store
) -> None:
    anna = Names("anna")
    of_anna = open_store(source, connection, anna)
    seed(store, KEYS)
    seed(of_anna, KEYS)
    of_anna.update("item-0001")

    assert read_by_function(source, "item-0001").version == 1
    assert read_by_function(source, "item-0001", CACHE_LAB_INSTANCE="anna").version == 2
    remove_items(connection, NAMES)
    assert store.versions(KEYS) == {}
    assert of_anna.versions(KEYS) == {"item-0000": 1, "item-0001": 2, "item-0002": 1}
    seed(store, KEYS)
    remove_items(connection, anna)
    assert of_anna.versions(KEYS) == {}
    assert store.versions(KEYS) == dict.fromkeys(KEYS, 1)


def test_an_item_says_when_it_was_written(connection: Connection) -> None:
    store = open_store("dynamodb", connection, NAMES)
    seed(store, KEYS)
    before = time.time()
    store.update("item-0000")

    client = connection.client("dynamodb")
    item = client.get_item(TableName="cache-lab-items", Key={"key": {"S": "item-0000"}}, ConsistentRead=True)["Item"]

    assert before - 0.01 <= float(item["written_at"]["N"]) <= time.time() + 0.01


def test_more_keys_than_one_call_takes(connection: Connection) -> None:
    store = open_store("dynamodb", connection, NAMES)
    keys = [f"many-{number:04d}" for number in range(110)]

    assert seed(store, keys) == dict.fromkeys(keys, 1)


@pytest.mark.parametrize("text", ["not json", "[]", "{}", json.dumps({"version": "new"})])
def test_something_else_under_an_items_name_is_told_of(connection: Connection, text: str) -> None:
    connection.client("s3").put_object(Bucket=BUCKET, Key="items/item-0009.json", Body=text.encode())

    with pytest.raises(LabError, match="item item-0009 was not written by the lab"):
        seed(open_store("s3", connection, NAMES, BUCKET), ["item-0009"])


def test_without_a_bucket_s3_is_told_how_to_get_one(connection: Connection) -> None:
    with pytest.raises(LabError, match="deploy with --source s3"):
        open_store("s3", connection, NAMES)


def test_a_failure_of_the_service_is_one_line(connection: Connection) -> None:
    missing = open_store("s3", connection, NAMES, "no-such-bucket")

    with pytest.raises(LabError, match=r"^cannot seed the items: NoSuchBucket: ") as error:
        seed(missing, KEYS)
    assert "\n" not in str(error.value)


def test_nobody_there_is_one_line() -> None:
    nobody: Any = Connection(target="local", endpoint_url="http://127.0.0.1:9")

    with pytest.raises(LabError, match="cannot seed the items: Could not connect to the endpoint URL"):
        seed(open_store("dynamodb", nobody, NAMES), KEYS)


@pytest.mark.parametrize(("target", "puts_s", "gets_s"), [("aws", 1 / 3, 1 / 40), ("local", 0.0, 0.0)])
def test_parameters_are_written_and_read_on_aws_no_faster_than_the_default_quotas(
    monkeypatch: pytest.MonkeyPatch, target: Target, puts_s: float, gets_s: float
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    now, called = [1000.0], []
    monkeypatch.setattr(
        items, "Pace", lambda rate: Pace(rate, lambda: now[0], lambda s: now.__setitem__(0, now[0] + s))
    )
    connection = Connection(target=target, endpoint_url="http://127.0.0.1:9")

    def answer(model: Any, **_: Any) -> Any:
        called.append((model.name, now[0]))
        return types.SimpleNamespace(status_code=200), {"Parameter": {"Value": '{"version": 1}'}}

    connection._session.events.register("before-call.ssm", answer)
    store = open_store("ssm", connection, NAMES)
    store.versions(KEYS)
    for _ in range(3):
        store.update(KEYS[0])

    gets = [at for name, at in called if name == "GetParameter"]
    puts = [at for name, at in called if name == "PutParameter"]
    assert [later - sooner for sooner, later in itertools.pairwise(gets)] == pytest.approx([gets_s] * 2)
    assert [later - sooner for sooner, later in itertools.pairwise(puts)] == pytest.approx([puts_s] * 2)
