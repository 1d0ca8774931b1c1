"""What every cache must do, whatever it keeps its items in."""

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import warmcache
from warmcache import Cache, ModuleCache, SnapshotCache, TmpCache, TtlCache

Value = dict[str, Any]
CacheUnderTest = Cache[Value]

TTL_S = 10.0
THREADS = 16
LONG_S = 60
BOUND = 8


class FakeClock:
    """Unix seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.25

    def __call__(self) -> float:
        return self.now


class Downstream:
    """Where values are read: every read counts and makes a new version; the first waits for ``wait_for``."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.value: Any = {"text": "é", "number": 1.5}
        self.failure: BaseException | None = None
        self.wait_for: threading.Event | None = None

    def load(self, key: str) -> Value:
        self.loads.append(key)
        version = len(self.loads)
        assert self.wait_for is None or self.wait_for.wait(LONG_S)
        if self.failure is not None:
            raise self.failure
        return {"key": key, "value": self.value, "version": version}


Maker = Callable[[Path, Callable[[], float]], CacheUnderTest]

# Each cache as a reader would make it, and one that holds at most BOUND items of the size used below.
MAKERS: dict[type, Maker] = {
    ModuleCache: lambda _folder, _clock: ModuleCache(),
    TtlCache: lambda _folder, clock: TtlCache(ttl_s=TTL_S, clock=clock),
    TmpCache: lambda folder, clock: TmpCache(folder / "cache", ttl_s=TTL_S, clock=clock),
    SnapshotCache: lambda _folder, clock: SnapshotCache(
        TtlCache(ttl_s=TTL_S, clock=clock), keys=[], load_many=lambda _keys: {}
    ),
}
BOUNDED: dict[type, Maker] = {
    ModuleCache: lambda _folder, _clock: ModuleCache(max_items=BOUND),
    TtlCache: lambda _folder, clock: TtlCache(ttl_s=TTL_S, max_items=BOUND, clock=clock),
    TmpCache: lambda folder, clock: TmpCache(folder / "cache", ttl_s=TTL_S, max_bytes=BOUND * 180, clock=clock),
    SnapshotCache: lambda _folder, clock: SnapshotCache(
        TtlCache(ttl_s=TTL_S, max_items=BOUND, clock=clock), keys=[], load_many=lambda _keys: {}
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
def downstream() -> Downstream:
    return Downstream()


@pytest.fixture(params=MAKERS, ids=lambda kind: kind.__name__)
def cache(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> CacheUnderTest:
    return MAKERS[request.param](tmp_path, clock)


@pytest.fixture(params=WITH_TTL, ids=lambda kind: kind.__name__)
def ttl_cache(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> CacheUnderTest:
    return MAKERS[request.param](tmp_path, clock)


def serves(cache: CacheUnderTest, key: str) -> bool:
    """Whether the cache has an item of ``key`` to serve."""

    def refuse(_key: str) -> Value:
        raise LookupError

    try:
        cache.get(key, refuse)
    except LookupError:
        return False
    return True


def test_every_cache_of_the_package_is_in_this_contract() -> None:
    found = {getattr(warmcache, name) for name in warmcache.__all__} - {Cache, warmcache.Load}
    assert found == set(MAKERS) == set(BOUNDED)
    modules = {path.stem for path in Path(warmcache.__file__).parent.glob("*_cache.py")}
    assert {kind.__module__ for kind in found} == {f"warmcache.{module}" for module in modules}


def test_miss_loads_once_and_answers_what_was_loaded(cache: CacheUnderTest, downstream: Downstream) -> None:
    answer = cache.get("item-0001", downstream.load)
    assert answer == {"key": "item-0001", "value": downstream.value, "version": 1}
    assert downstream.loads == ["item-0001"]


def test_hit_does_not_load_and_keeps_the_value(cache: CacheUnderTest, downstream: Downstream, clock: FakeClock) -> None:
    first = cache.get("item-0001", downstream.load)
    clock.now += TTL_S / 2
    downstream.value = "a later one"
    assert cache.get("item-0001", downstream.load) == first
    assert len(downstream.loads) == 1


@pytest.mark.parametrize("value", [None, "", 0, 0.0, False, [], {}, [None], "text", 10**30, {"a": [1, {"b": None}]}])
def test_every_value_is_cached_the_empty_ones_too(cache: CacheUnderTest, downstream: Downstream, value: Any) -> None:
    downstream.value = value
    loads: list[str] = []

    def load(key: str) -> Any:
        loads.append(key)
        return value

    anything: Cache[Any] = cache
    answers = [anything.get("item-0001", load) for _ in range(3)]
    assert answers == [value] * 3
    assert {type(answer) for answer in answers} == {type(value)}
    assert len(loads) == 1


def test_keys_are_never_confused(cache: CacheUnderTest, downstream: Downstream) -> None:
    versions = {key: cache.get(key, downstream.load)["version"] for key in HOSTILE_KEYS}
    assert len(set(versions.values())) == len(HOSTILE_KEYS)
    for key in reversed(HOSTILE_KEYS):
        item = cache.get(key, downstream.load)
        assert (item["key"], item["version"]) == (key, versions[key])
    assert downstream.loads == HOSTILE_KEYS


@pytest.mark.parametrize("key", [1, True, 1.0, None, b"1", ("1",), float("nan")])
def test_only_a_string_is_a_key(cache: CacheUnderTest, downstream: Downstream, key: Any) -> None:
    with pytest.raises(TypeError, match="not a string"):
        cache.get(key, downstream.load)
    assert not downstream.loads


@pytest.mark.parametrize("failure", [RuntimeError("down"), TimeoutError(), SystemExit(1)], ids=repr)
def test_a_failure_is_raised_and_never_cached(
    cache: CacheUnderTest, downstream: Downstream, failure: BaseException
) -> None:
    downstream.failure = failure
    for _ in range(2):
        with pytest.raises(type(failure)) as raised:
            cache.get("item-0001", downstream.load)
        assert raised.value is failure
    downstream.failure = None
    assert cache.get("item-0001", downstream.load)["version"] == 3
    assert cache.get("item-0001", downstream.load)["version"] == 3


def test_a_failure_leaves_what_other_keys_have(cache: CacheUnderTest, downstream: Downstream) -> None:
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


class CountedKey(str):
    """A key that sets ``all_asked`` when THREADS threads have looked it up."""

    def __init__(self, _: str) -> None:
        self.all_asked = threading.Event()
        self._threads: set[int] = set()

    def __hash__(self) -> int:
        self._threads.add(threading.get_ident())
        if len(self._threads) == THREADS:
            self.all_asked.set()
        return super().__hash__()


def test_a_herd_on_one_key_makes_one_load(cache: CacheUnderTest, downstream: Downstream) -> None:
    key = CountedKey("item-0001")
    downstream.wait_for = key.all_asked
    with herd() as run:
        answers = run(lambda: cache.get(key, downstream.load))
    assert len(downstream.loads) == 1
    assert {answer["version"] for answer in answers} == {1}


def test_a_herd_shares_one_failure_and_the_next_one_tries_again(cache: CacheUnderTest, downstream: Downstream) -> None:
    key = CountedKey("item-0001")
    downstream.wait_for = key.all_asked
    downstream.failure = RuntimeError("down")
    with herd() as run:
        answers = run(lambda: cache.get(key, downstream.load))
        assert answers == [downstream.failure] * THREADS
        assert len(downstream.loads) == 1
        downstream.failure = None
        assert {answer["version"] for answer in run(lambda: cache.get(key, downstream.load))} == {2}


def test_a_slow_load_delays_no_other_key(cache: CacheUnderTest, downstream: Downstream) -> None:
    cache.get("kept", downstream.load)
    others_done = threading.Event()

    def slow(key: str) -> Value:
        assert others_done.wait(LONG_S)
        return downstream.load(key)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(cache.get, "slow", slow)
        cache.get("kept", downstream.load)
        cache.get("fast", downstream.load)
        others_done.set()
        assert waiting.result()["key"] == "slow"


def test_threads_on_many_keys_get_each_its_own(cache: CacheUnderTest, downstream: Downstream) -> None:
    keys = [f"item-{number % 7:04}" for number in range(200)]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda key: cache.get(key, downstream.load), keys))
    assert [answer["key"] for answer in answers] == keys
    assert len(downstream.loads) == 7


@pytest.mark.parametrize("kind", BOUNDED, ids=lambda kind: kind.__name__)
def test_a_bounded_cache_stays_bounded(kind: type, tmp_path: Path, clock: FakeClock, downstream: Downstream) -> None:
    cache = BOUNDED[kind](tmp_path, clock)
    keys = [f"item-{number:04}" for number in range(5 * BOUND)]
    for key in keys:
        assert cache.get(key, downstream.load)["key"] == key
    assert 1 <= sum(serves(cache, key) for key in keys) <= BOUND


def test_with_the_clock_set_back_an_answer_is_still_the_right_one(
    cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    cache.get("item-0001", downstream.load)
    clock.now -= 3600
    item = cache.get("item-0001", downstream.load)
    assert item["version"] == len(downstream.loads)
    assert cache.get("item-0001", downstream.load) == item


def test_an_item_is_served_until_its_ttl_has_passed_and_not_then(
    ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    read_at = clock.now
    ttl_cache.get("item-0001", downstream.load)
    clock.now = math.nextafter(read_at + TTL_S, 0)
    assert ttl_cache.get("item-0001", downstream.load)["version"] == 1
    clock.now = read_at + TTL_S
    assert ttl_cache.get("item-0001", downstream.load)["version"] == 2


def test_a_hit_does_not_lengthen_an_items_life(
    ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    for _ in range(11):
        ttl_cache.get("item-0001", downstream.load)
        clock.now += 1
    assert len(downstream.loads) == 2


def test_after_a_failed_refresh_the_old_item_is_not_served(
    ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    ttl_cache.get("item-0001", downstream.load)
    clock.now += TTL_S
    downstream.failure = RuntimeError("down")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            ttl_cache.get("item-0001", downstream.load)


def test_an_item_from_before_the_clock_was_set_back_is_never_served_again(
    ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    right = clock.now
    clock.now = right + 100
    ttl_cache.get("item-0001", downstream.load)
    clock.now = right
    ttl_cache.get("item-0002", downstream.load)
    clock.now = right + 101
    assert ttl_cache.get("item-0001", downstream.load)["version"] == 3


def test_the_clock_set_back_during_a_load_keeps_nothing(
    ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    right = clock.now

    def load(key: str) -> Value:
        item = downstream.load(key)
        clock.now = right - 100
        return item

    assert ttl_cache.get("item-0001", load)["version"] == 1
    clock.now = right + 1
    assert ttl_cache.get("item-0001", downstream.load)["version"] == 2


def test_a_load_slower_than_the_ttl_is_answered_and_not_kept(
    ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock
) -> None:
    def load(key: str) -> Value:
        item = downstream.load(key)
        clock.now += TTL_S
        return item

    assert ttl_cache.get("item-0001", load)["version"] == 1
    assert not serves(ttl_cache, "item-0001")


def test_after_a_jump_ahead_it_reads_again(ttl_cache: CacheUnderTest, downstream: Downstream, clock: FakeClock) -> None:
    ttl_cache.get("item-0001", downstream.load)
    clock.now += 10 * 365 * 86_400
    assert ttl_cache.get("item-0001", downstream.load)["version"] == 2


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
    assert [cache.get("item-0001", downstream.load)["version"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_is_none_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match=r"max_items is .*: give 1 or more"):
        ModuleCache(max_items=bound)
    with pytest.raises(ValueError, match=r"max_items is .*: give 1 or more"):
        TtlCache(ttl_s=TTL_S, max_items=bound)
