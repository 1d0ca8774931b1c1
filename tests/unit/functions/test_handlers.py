"""Every function in a process of its own, against an emulator of AWS over real HTTP, with what it asks counted."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from facts.names import Names
from facts.sources import SOURCES, item_keys, object_key
from functions.registry import VARIANTS, Variant
from tests.unit.functions.function_process import FunctionProcess, Invocation, started
from tests.unit.layer.http_server import REFUSAL, Request, Response, Wire, served

TABLE = "cache-lab-items"
BUCKET = "cache-lab-test"
KEYS = 12
TTL_S = 60
VALUE = {"text": "é\n", "whole": 7, "part": 0.125, "nothing": None, "yes": True, "list": [1, "a", {}], "empty": ""}
ATTRIBUTE = {
    "M": {
        "text": {"S": "é\n"},
        "whole": {"N": "7"},
        "part": {"N": "0.125"},
        "nothing": {"NULL": True},
        "yes": {"BOOL": True},
        "list": {"L": [{"N": "1"}, {"S": "a"}, {"M": {}}]},
        "empty": {"S": ""},
    }
}


class Store:
    """The four sources, in one emulator."""

    def __init__(self, url: str) -> None:
        def client(service: str) -> Any:
            return boto3.client(
                service,  # type: ignore[call-overload]
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )

        self._dynamodb, self._s3 = client("dynamodb"), client("s3")
        self._ssm, self._secrets = client("ssm"), client("secretsmanager")
        self._dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self._s3.create_bucket(Bucket=BUCKET)

    def write(self, key: str, version: int, source: str = "dynamodb") -> None:
        text = json.dumps({"value": VALUE, "version": version, "written_at": time.time()})
        match source:
            case "dynamodb":
                item = {"key": {"S": key}, "value": ATTRIBUTE, "version": {"N": str(version)}, "extra": {"N": "1"}}
                self._dynamodb.put_item(TableName=TABLE, Item=item)
            case "s3":
                self._s3.put_object(Bucket=BUCKET, Key=object_key(key), Body=text.encode())
            case "ssm":
                self._ssm.put_parameter(Name=Names().parameter_name(key), Value=text, Type="String", Overwrite=True)
            case _:
                try:
                    self._secrets.put_secret_value(SecretId=Names().secret_name(key), SecretString=text)
                except self._secrets.exceptions.ResourceNotFoundException:
                    self._secrets.create_secret(Name=Names().secret_name(key), SecretString=text)

    def delete(self, key: str) -> None:
        self._dynamodb.delete_item(TableName=TABLE, Key={"key": {"S": key}})


@pytest.fixture(scope="module")
def store(ministack: str) -> Store:
    store = Store(ministack)
    for source in SOURCES:
        for key in item_keys(KEYS):
            store.write(key, 1, source)
    return store


@pytest.fixture
def wire(ministack: str, store: Store) -> Iterator[Wire]:
    """What stands between a function and the emulator, and counts."""

    def forward(request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in {"Connection"}}
        forwarded = urllib.request.Request(  # noqa: S310 -- our own URL
            ministack + request.path, data=request.body or None, headers=headers, method=request.method
        )
        try:
            with urllib.request.urlopen(forwarded) as answer:  # noqa: S310 -- our own URL
                return Response(answer.status, content_headers(answer.headers), answer.read())
        except urllib.error.HTTPError as answer:
            with answer:
                return Response(answer.code, content_headers(answer.headers), answer.read())

    with served(forward) as wire:
        yield wire


def content_headers(headers: Any) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name.lower().startswith(("content-type", "x-amz", "etag"))
    }


class Lab(NamedTuple):
    """What a test starts functions with."""

    wire: Wire
    store: Store
    tmp: Path

    def start(
        self, variant: str, *, source: str = "dynamodb", snap_start: bool = False, endpoint: str = ""
    ) -> AbstractContextManager[FunctionProcess]:
        settings = {
            "CACHE_LAB_SOURCE": source,
            "CACHE_LAB_TABLE": TABLE,
            "CACHE_LAB_BUCKET": BUCKET,
            "CACHE_LAB_TTL_S": str(TTL_S),
            "CACHE_LAB_KEYS": str(KEYS),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if snap_start else "on-demand",
        }
        return started(variant, endpoint=endpoint or self.wire.url, tmp=self.tmp, settings=settings)


@pytest.fixture
def lab(wire: Wire, store: Store, tmp_path: Path) -> Lab:
    return Lab(wire, store, tmp_path)


def reported_calls(invocations: list[Invocation]) -> tuple[int, int]:
    """Downstream calls by the answers and by the EMF lines."""
    answers = [invocation.answer for invocation in invocations]
    return (
        sum(answer["downstream_calls"] + answer["init_downstream_calls"] for answer in answers),
        sum(line["DownstreamCalls"] for invocation in invocations for line in invocation.emf),
    )


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_function_keeps_the_contract(variant: Variant, lab: Lab) -> None:
    with lab.start(variant.name) as function:
        check_answers(variant, function, lab)
        check_errors(variant, function, lab)
        check_staleness_after_a_write(variant, function, lab)


def check_answers(variant: Variant, function: FunctionProcess, lab: Lab) -> None:
    invocations = [function.invoke({"key": f"item-{number:04}"}) for number in (1, 1, 2)]
    answers = [invocation.answer for invocation in invocations]
    assert [answer["key"] for answer in answers] == ["item-0001", "item-0001", "item-0002"]
    assert all(answer["value"] == VALUE and answer["version"] == 1 for answer in answers)

    words = [answer["cache"] for answer in answers]
    calls = [answer["downstream_calls"] for answer in answers]
    init_calls = [answer["init_downstream_calls"] for answer in answers]
    if variant.bound == "read":
        assert (words, calls, init_calls) == (["miss"] * 3, [1, 1, 1], [0, 0, 0])
    elif variant.snap_start:  # deployed without SnapStart it loads ahead all the same
        assert (words, calls, init_calls) == (["hit"] * 3, [0, 0, 0], [1, 0, 0])
    else:
        assert (words, calls, init_calls) == (["miss", "hit", "miss"], [1, 0, 1], [0, 0, 0])
    assert [answer["downstream_ms"] > 0 for answer in answers] == [word == "miss" for word in words]
    assert all(0 <= answer["age_ms"] < 10_000 for answer in answers)

    environments = [answer["environment"] for answer in answers]
    assert len({environment["id"] for environment in environments}) == 1
    assert [environment["invocation"] for environment in environments] == [1, 2, 3]
    assert [environment["cold_start"] for environment in environments] == [True, False, False]
    assert not any(environment["restored"] for environment in environments)

    assert reported_calls(invocations) == (len(lab.wire.requests),) * 2
    for invocation in invocations:
        (line,) = invocation.emf
        assert invocation.answer["downstream_errors"] == line["DownstreamErrors"] == 0
        assert (line["Variant"], line["request_id"]) == (variant.name, invocation.request_id)
        assert line["ColdStarts"] == int(invocation.answer["environment"]["cold_start"])


def check_errors(variant: Variant, function: FunctionProcess, lab: Lab) -> None:
    for event, error in [({}, "BadRequest"), ({"key": "a/b"}, "BadRequest"), ({"key": "none"}, "ItemNotFound")]:
        failed = function.invoke(event)
        assert (failed.error, failed.answer, len(failed.emf)) == (error, {}, 1)

    lab.wire.failures_left, lab.wire.failure = 99, REFUSAL
    refused = function.invoke({"key": "not-loaded"})
    assert (refused.error, refused.emf[0]["DownstreamErrors"]) == ("DownstreamError", 1)
    if variant.bound != "read":
        assert function.get("item-0001")["cache"] == "hit", "what is cached outlives the failure"
    lab.wire.failures_left = 0
    assert function.get("item-0011")["version"] == 1, "and so does the function"


def check_staleness_after_a_write(variant: Variant, function: FunctionProcess, lab: Lab) -> None:
    lab.store.write("written", 1)
    assert function.get("written")["version"] == 1
    lab.store.write("written", 2)
    function.let_pass(TTL_S - 10)
    kept = function.get("written")
    function.let_pass(10)
    later = function.get("written")
    match variant.bound:
        case "read":
            assert (kept["version"], later["version"]) == (2, 2)
        case "none":
            assert (kept["version"], later["version"]) == (1, 1)
            assert later["age_ms"] >= TTL_S * 1000
        case "hard_ttl":
            assert kept["version"] == 1
        case "ttl":
            assert (kept["version"], later["version"]) == (1, 2)
            assert (kept["cache"], later["cache"], later["downstream_calls"]) == ("hit", "miss", 1)
            assert (TTL_S - 10) * 1000 <= kept["age_ms"] < TTL_S * 1000
            assert later["age_ms"] < 10_000


def test_a_failed_downstream_is_an_error_and_its_retries_count(lab: Lab) -> None:
    with lab.start("ttl_cache") as function:
        lab.wire.failures_left = 99
        failed = function.invoke({"key": "item-0001"})
        assert failed.error == "DownstreamError"
        (line,) = failed.emf
        assert line["DownstreamCalls"] == line["DownstreamErrors"] == len(lab.wire.requests) == 3
        lab.wire.failures_left = 0
        assert function.get("item-0001")["downstream_calls"] == 1


def test_tmp_cache_outlives_a_crash_and_not_the_environment(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    with lab.start("tmp_cache") as function:
        first = function.get("item-0001")
        function.kill()
    with lab.start("tmp_cache") as function:
        second = function.get("item-0001")
    assert (second["cache"], second["downstream_calls"]) == ("hit", 0)
    assert second["age_ms"] > first["age_ms"]
    assert second["environment"]["id"] != first["environment"]["id"]
    assert second["environment"]["cold_start"]
    elsewhere = lab._replace(tmp=tmp_path_factory.mktemp("tmp"))
    with elsewhere.start("tmp_cache") as function:
        assert function.get("item-0001")["cache"] == "miss"


@pytest.mark.parametrize("source", SOURCES)
def test_snapstart_answers_its_first_request_after_a_restore_without_a_call(source: str, lab: Lab) -> None:
    reads = {"dynamodb": 1, "ssm": 2, "secretsmanager": 1, "s3": KEYS}[source]
    lab.store.write("item-0005", 1, source)
    lab.store.write("not-loaded", 1, source)
    with lab.start("snapstart", source=source, snap_start=True) as function:
        assert len(lab.wire.requests) == reads
        function.snapshot()
        lab.store.write("item-0005", 2, source)

        in_time = first_requests_after_a_restore(function, lab, version=1, init_calls=0)
        function.let_pass(14 * 86_400)
        days_later = first_requests_after_a_restore(function, lab, version=2, init_calls=reads)
        again = first_requests_after_a_restore(function, lab, version=2, init_calls=reads)
    assert len({in_time, days_later, again}) == 3


def first_requests_after_a_restore(function: FunctionProcess, lab: Lab, *, version: int, init_calls: int) -> str:
    """Restores an environment and tries it; its id."""
    lab.wire.requests.clear()
    with function.restored():
        invocations = [function.invoke({"key": key}) for key in ("item-0005", "item-0006", "not-loaded")]
        assert reported_calls(invocations) == (len(lab.wire.requests),) * 2
        assert function.invoke({"key": "none"}).error == "ItemNotFound"
    answers = [invocation.answer for invocation in invocations]
    assert [answer["version"] for answer in answers] == [version, 1, 1]
    assert all(answer["value"] == VALUE for answer in answers)
    assert [answer["cache"] for answer in answers] == ["hit", "hit", "miss"]
    assert [answer["downstream_calls"] for answer in answers] == [0, 0, 1]
    assert [answer["init_downstream_calls"] for answer in answers] == [init_calls, 0, 0]
    assert all(answer["age_ms"] < TTL_S * 1000 for answer in answers)

    environments = [answer["environment"] for answer in answers]
    assert [environment["invocation"] for environment in environments] == [1, 2, 3]
    assert [environment["restored"] for environment in environments] == [True, True, True]
    assert [environment["cold_start"] for environment in environments] == [False, False, False]
    (environment_id,) = {environment["id"] for environment in environments}
    assert isinstance(environment_id, str)
    return environment_id


def test_snapstart_without_its_source_starts_and_reads_later(lab: Lab) -> None:
    lab.wire.failures_left, lab.wire.failure = 99, REFUSAL
    with lab.start("snapstart", snap_start=True) as function:
        function.snapshot()
        with function.restored():
            lab.wire.failures_left = 0
            answer = function.get("item-0001")
        assert (answer["cache"], answer["downstream_calls"], answer["init_downstream_calls"]) == ("miss", 1, 1)
        with function.restored():
            answer = function.get("item-0001")
        assert (answer["cache"], answer["downstream_calls"], answer["init_downstream_calls"]) == ("hit", 0, 1)


def test_snapstart_published_before_its_items_loads_them_at_the_restore(lab: Lab) -> None:
    for key in item_keys(KEYS):
        lab.store.delete(key)
    try:
        with lab.start("snapstart", snap_start=True) as function:
            function.snapshot()
            for key in item_keys(KEYS):
                lab.store.write(key, 1)
            with function.restored():
                answer = function.get("item-0001")
        assert (answer["cache"], answer["downstream_calls"], answer["init_downstream_calls"]) == ("hit", 0, 1)
    finally:
        for key in item_keys(KEYS):
            lab.store.write(key, 1)
