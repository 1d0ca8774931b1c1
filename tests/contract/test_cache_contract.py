"""What every cache must do, whatever it keeps its items in."""

import importlib
import inspect
import math
import pkgutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from instrumentation.item import Item
from warmcache import caches
from warmcache.caches import Cache, ModuleCache, SnapshotCache, TmpCache, TtlCache

TTL_S = 10.0
THREADS = 16
BOUND = 8


class FakeClock:
    """Unix seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.25

    def __call__(self) -> float:
        return self.now


class Downstream:
    """Where items are read: every read counts, takes ``delay_s`` and makes a new version."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.loads: list[str] = []
        self.value: Any = {"text": "é", "number": 1.5}
        self.failure: BaseException | None = None
        self.delay_s = 0.0

    def load(self, key: str) -> Item:
        self.loads.append(key)
        read_at = self.clock()
        version = len(self.loads)
        time.sleep(self.delay_s)
        if self.failure is not None:
            raise self.failure
        return Item(key, self.value, version, read_at)


Maker = Callable[[Path, Callable[[], float]], Cache]

# Each cache as a reader would make it, and one that holds at most BOUND items of the size used below.
MAKERS: dict[type, Maker] = {
    ModuleCache: lambda _folder, _clock: ModuleCache(),
    TtlCache: lambda _folder, clock: TtlCache(ttl_s=TTL_S, clock=clock),
    TmpCache: lambda folder, clock: TmpCache(folder / "cache", ttl_s=TTL_S, clock=clock),
    SnapshotCache: lambda _folder, clock: SnapshotCache(
        TtlCache(ttl_s=TTL_S, clock=clock), keys=[], load_many=lambda _keys: []
    ),
}
BOUNDED: dict[type, Maker] = {
    ModuleCache: lambda _folder, _clock: ModuleCache(max_items=BOUND),
    TtlCache: lambda _folder, clock: TtlCache(ttl_s=TTL_S, max_items=BOUND, clock=clock),
    TmpCache: lambda folder, clock: TmpCache(folder / "cache", ttl_s=TTL_S, max_bytes=BOUND * 180, clock=clock),
    SnapshotCache: lambda _folder, clock: SnapshotCache(
        TtlCache(ttl_s=TTL_S, max_items=BOUND, clock=clock), keys=[], load_many=lambda _keys: []
    ),
}
WITH_TTL = [TtlCache, TmpCache, SnapshotCache]

HOSTILE_KEYS = [
    "",
    " ",
    "1",
    "01",
    "1.0",
    "True",
    "true",
    "None",
    "null",
    "a",
    "A",
    "a/b",
    "a\\b",
    "/test/app/var",
    "/prod/app/var",
    "../../etc/passwd",
    "..",
    ".",
    "a\0b",
    "a\n",
    "a\r\n",
    "é",  # one code point
    "e\u0301",  # two, which look the same
    "😀",
    "\ud800",  # a lone surrogate, which JSON can bring and UTF-8 cannot hold
    "\ud801",
    "x" * 300,
    "x" * 299 + "y",
    '{"key": "a"}',
    "con",
    "*",
]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def downstream(clock: FakeClock) -> Downstream:
    return Downstream(clock)


@pytest.fixture(params=MAKERS, ids=lambda kind: kind.__name__)
def cache(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Cache:
    return MAKERS[request.param](tmp_path, clock)


@pytest.fixture(params=WITH_TTL, ids=lambda kind: kind.__name__)
def ttl_cache(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Cache:
    return MAKERS[request.param](tmp_path, clock)


def serves(cache: Cache, key: str) -> bool:
    """Whether the cache has an item of ``key`` to serve."""

    def refuse(_key: str) -> Item:
        raise LookupError

    try:
        cache.get(key, refuse)
    except LookupError:
        return False
    return True


def test_every_cache_of_the_package_is_in_this_contract() -> None:
    found = set()
    for module in pkgutil.walk_packages(caches.__path__, prefix="warmcache.caches."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            is_ours = kind.__module__.startswith("warmcache.caches.") and not kind.__name__.startswith("_")
            if is_ours and "load" in inspect.signature(getattr(kind, "get", lambda: None)).parameters:
                found.add(kind)
    found -= {importlib.import_module("warmcache.caches._single_flight").SingleFlight}
    assert found == set(MAKERS) == set(BOUNDED)
    assert {kind.__name__ for kind in found} | {"Cache"} == set(caches.__all__)


def test_miss_loads_once_and_answers_what_was_loaded(cache: Cache, downstream: Downstream, clock: FakeClock) -> None:
    assert cache.get("item-0001", downstream.load) == Item("item-0001", downstream.value, 1, clock.now)
    assert downstream.loads == ["item-0001"]


def test_hit_does_not_load_and_keeps_version_and_age(cache: Cache, downstream: Downstream, clock: FakeClock) -> None:
    first = cache.get("item-0001", downstream.load)
    clock.now += TTL_S / 2
    downstream.value = "a later one"
    assert cache.get("item-0001", downstream.load) == first
    assert clock.now - first.read_at == TTL_S / 2
    assert not first.stale
    assert len(downstream.loads) == 1


@pytest.mark.parametrize("value", [None, "", 0, 0.0, False, [], {}, [None], "text", 10**30, {"a": [1, {"b": None}]}])
def test_every_value_is_cached_the_empty_ones_too(cache: Cache, downstream: Downstream, value: Any) -> None:
    downstream.value = value
    answers = [cache.get("item-0001", downstream.load).value for _ in range(3)]
    assert answers == [value] * 3
    assert {type(answer) for answer in answers} == {type(value)}
    assert len(downstream.loads) == 1


def test_keys_are_never_confused(cache: Cache, downstream: Downstream) -> None:
    versions = {key: cache.get(key, downstream.load).version for key in HOSTILE_KEYS}
    assert len(set(versions.values())) == len(HOSTILE_KEYS)
    for key in reversed(HOSTILE_KEYS):
        item = cache.get(key, downstream.load)
        assert (item.key, item.version) == (key, versions[key])
    assert downstream.loads == HOSTILE_KEYS


@pytest.mark.parametrize("key", [1, True, 1.0, None, b"1", ("1",), float("nan")])
def test_what_is_not_a_string_is_no_key(cache: Cache, downstream: Downstream, key: Any) -> None:
    with pytest.raises(TypeError, match="not a string"):
        cache.get(key, downstream.load)
    assert not downstream.loads


def test_the_item_of_another_key_is_refused(cache: Cache, downstream: Downstream) -> None:
    with pytest.raises(ValueError, match="gave the item of 'b'"):
        cache.get("a", lambda _: downstream.load("b"))
    assert not serves(cache, "a")
    assert not serves(cache, "b")


@pytest.mark.parametrize("failure", [RuntimeError("down"), TimeoutError(), SystemExit(1)], ids=repr)
def test_a_failure_is_raised_on_and_never_cached(cache: Cache, downstream: Downstream, failure: BaseException) -> None:
    downstream.failure = failure
    for _ in range(2):
        with pytest.raises(type(failure)) as raised:
            cache.get("item-0001", downstream.load)
        assert raised.value is failure
    downstream.failure = None
    assert cache.get("item-0001", downstream.load).version == 3
    assert cache.get("item-0001", downstream.load).version == 3


def test_a_failure_leaves_what_other_keys_have(cache: Cache, downstream: Downstream) -> None:
    cache.get("a", downstream.load)
    downstream.failure = RuntimeError("down")
    with pytest.raises(RuntimeError):
        cache.get("b", downstream.load)
    assert serves(cache, "a")


@contextmanager
def herd() -> Iterator[Callable[[Callable[[], Any]], list[Any]]]:
    """Calls a function in THREADS threads at once, and gives what each returned or raised."""
    gate = threading.Barrier(THREADS)

    def call(function: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return function()
        except RuntimeError as failure:
            return failure

    with ThreadPoolExecutor(THREADS) as threads:
        yield lambda function: list(threads.map(call, [function] * THREADS))


def test_a_herd_on_one_key_makes_one_load(cache: Cache, downstream: Downstream) -> None:
    downstream.delay_s = 0.05
    with herd() as run:
        answers = run(lambda: cache.get("item-0001", downstream.load))
    assert len(downstream.loads) == 1
    assert {answer.version for answer in answers} == {1}


def test_a_herd_shares_one_failure_and_the_next_one_tries_again(cache: Cache, downstream: Downstream) -> None:
    downstream.delay_s = 0.05
    downstream.failure = RuntimeError("down")
    with herd() as run:
        answers = run(lambda: cache.get("item-0001", downstream.load))
        assert answers == [downstream.failure] * THREADS
        assert len(downstream.loads) == 1
        downstream.failure = None
        assert {answer.version for answer in run(lambda: cache.get("item-0001", downstream.load))} == {2}


def test_a_slow_load_holds_up_no_other_key(cache: Cache, downstream: Downstream) -> None:
    cache.get("kept", downstream.load)
    others_done = threading.Event()

    def slow(key: str) -> Item:
        assert others_done.wait(timeout=10)
        return downstream.load(key)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(cache.get, "slow", slow)
        cache.get("kept", downstream.load)
        cache.get("fast", downstream.load)
        others_done.set()
        assert waiting.result().key == "slow"


def test_threads_on_many_keys_get_each_its_own(cache: Cache, downstream: Downstream) -> None:
    keys = [f"item-{number % 7:04}" for number in range(200)]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda key: cache.get(key, downstream.load), keys))
    assert [answer.key for answer in answers] == keys
    assert len(downstream.loads) == 7


@pytest.mark.parametrize("kind", BOUNDED, ids=lambda kind: kind.__name__)
def test_a_bounded_cache_stays_bounded(kind: type, tmp_path: Path, clock: FakeClock, downstream: Downstream) -> None:
    cache = BOUNDED[kind](tmp_path, clock)
    keys = [f"item-{number:04}" for number in range(5 * BOUND)]
    for key in keys:
        assert cache.get(key, downstream.load).key == key
    assert 1 <= sum(serves(cache, key) for key in keys) <= BOUND


def test_with_the_clock_set_back_an_answer_is_still_the_right_one(
    cache: Cache, downstream: Downstream, clock: FakeClock
) -> None:
    cache.get("item-0001", downstream.load)
    clock.now -= 3600
    item = cache.get("item-0001", downstream.load)
    assert item.version == len(downstream.loads)
    assert cache.get("item-0001", downstream.load) == item


def test_an_item_is_served_until_its_ttl_has_passed_and_not_then(
    ttl_cache: Cache, downstream: Downstream, clock: FakeClock
) -> None:
    read_at = ttl_cache.get("item-0001", downstream.load).read_at
    clock.now = math.nextafter(read_at + TTL_S, 0)
    assert ttl_cache.get("item-0001", downstream.load).version == 1
    clock.now = read_at + TTL_S
    assert ttl_cache.get("item-0001", downstream.load).version == 2


def test_a_hit_does_not_lengthen_an_items_life(ttl_cache: Cache, downstream: Downstream, clock: FakeClock) -> None:
    for _ in range(11):
        ttl_cache.get("item-0001", downstream.load)
        clock.now += 1
    assert len(downstream.loads) == 2


def test_after_a_failed_refresh_the_old_item_is_not_served(
    ttl_cache: Cache, downstream: Downstream, clock: FakeClock
) -> None:
    ttl_cache.get("item-0001", downstream.load)
    clock.now += TTL_S
    downstream.failure = RuntimeError("down")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            ttl_cache.get("item-0001", downstream.load)


def test_an_item_from_before_the_clock_was_set_back_is_never_served_again(
    ttl_cache: Cache, downstream: Downstream, clock: FakeClock
) -> None:
    right = clock.now
    clock.now = right + 100
    ttl_cache.get("item-0001", downstream.load)
    clock.now = right
    ttl_cache.get("item-0002", downstream.load)
    clock.now = right + 101
    assert ttl_cache.get("item-0001", downstream.load).version == 3


def test_the_clock_set_back_during_a_load_keeps_nothing(
    ttl_cache: Cache, downstream: Downstream, clock: FakeClock
) -> None:
    right = clock.now

    def load(key: str) -> Item:
        item = downstream.load(key)
        clock.now = right - 100
        return item

    assert ttl_cache.get("item-0001", load).version == 1
    clock.now = right + 1
    assert ttl_cache.get("item-0001", downstream.load).version == 2


def test_a_load_slower_than_the_ttl_is_answered_and_not_kept(
    ttl_cache: Cache, downstream: Downstream, clock: FakeClock
) -> None:
    def load(key: str) -> Item:
        item = downstream.load(key)
        clock.now += TTL_S
        return item

    assert ttl_cache.get("item-0001", load).version == 1
    assert not serves(ttl_cache, "item-0001")


def test_a_jump_ahead_reads_anew(ttl_cache: Cache, downstream: Downstream, clock: FakeClock) -> None:
    ttl_cache.get("item-0001", downstream.load)
    clock.now += 10 * 365 * 86_400
    assert ttl_cache.get("item-0001", downstream.load).version == 2


@pytest.mark.parametrize("kind", [TtlCache, TmpCache])
@pytest.mark.parametrize("ttl_s", [-1.0, math.nan])
def test_a_ttl_that_is_none_is_refused(kind: type, ttl_s: float, tmp_path: Path) -> None:
    arguments = [tmp_path] if kind is TmpCache else []
    with pytest.raises(ValueError, match=r"ttl_s is .*: give a number of seconds"):
        kind(*arguments, ttl_s=ttl_s)


@pytest.mark.parametrize("kind", [TtlCache, TmpCache])
def test_a_ttl_of_zero_keeps_nothing(kind: type, tmp_path: Path, downstream: Downstream, clock: FakeClock) -> None:
    arguments = [tmp_path] if kind is TmpCache else []
    cache = kind(*arguments, ttl_s=0, clock=clock)
    assert [cache.get("item-0001", downstream.load).version for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_is_none_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match=r"max_items is .*: give 1 or more"):
        ModuleCache(max_items=bound)
    with pytest.raises(ValueError, match=r"max_items is .*: give 1 or more"):
        TtlCache(ttl_s=TTL_S, max_items=bound)
