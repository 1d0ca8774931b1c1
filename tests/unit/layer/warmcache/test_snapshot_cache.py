"""What SnapStart does to a cache. What every cache does is in tests/contract."""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from typing import Any

import pytest

from tests.unit.layer.hooks import SnapStart
from warmcache import ModuleCache, SnapshotCache, TtlCache, snapshot_cache
from warmcache.snapshot_cache import LONGEST_FILL_S

KEYS = ["a", "b", "c"]


class UnavailableError(Exception):
    pass


class Downstream:
    """Where versions are read, and what time it is there."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.version = 1
        self.takes_s = 0.0
        self.there = set(KEYS)
        self.is_down = False
        self.reads: list[Any] = []

    def load(self, key: str) -> int:
        self.reads.append(key)
        return self.version

    def load_many(self, keys: Sequence[str]) -> dict[str, int]:
        self.reads.append(list(keys))
        if self.is_down:
            raise UnavailableError("down")
        self.now += self.takes_s
        return {key: self.version for key in keys if key in self.there}


@pytest.fixture
def downstream() -> Downstream:
    return Downstream()


def cache_of(downstream: Downstream) -> SnapshotCache[int]:
    inner = TtlCache[int](ttl_s=10, clock=lambda: downstream.now)
    return SnapshotCache(inner, keys=KEYS, load_many=downstream.load_many, ignore=UnavailableError)


def test_the_keys_are_loaded_at_once_when_it_is_made(downstream: Downstream) -> None:
    cache = cache_of(downstream)
    assert downstream.reads == [KEYS]
    assert [cache.get(key, downstream.load) for key in KEYS] == [1, 1, 1]
    assert downstream.reads == [KEYS]


def test_a_key_that_was_not_named_is_loaded_on_demand(downstream: Downstream) -> None:
    cache = cache_of(downstream)
    assert cache.get("d", downstream.load) == 1
    assert downstream.reads == [KEYS, "d"]


def test_after_a_restore_in_time_nothing_is_read(snap_start: SnapStart, downstream: Downstream) -> None:
    cache = cache_of(downstream)
    snap_start.snapshot()
    downstream.now += 9.99
    snap_start.restore()
    assert cache.get("a", downstream.load) == 1
    assert downstream.reads == [KEYS]


def test_after_a_restore_days_later_all_is_read_again_in_the_hook(
    snap_start: SnapStart, downstream: Downstream
) -> None:
    cache = cache_of(downstream)
    snap_start.snapshot()
    downstream.now += 14 * 86_400
    downstream.version = 2
    snap_start.restore()
    assert downstream.reads == [KEYS, KEYS]
    assert [cache.get(key, downstream.load) for key in KEYS] == [2] * 3
    assert downstream.reads == [KEYS, KEYS]


def test_only_what_is_too_old_is_read_again(snap_start: SnapStart, downstream: Downstream) -> None:
    downstream.there = {"a", "b"}
    cache = cache_of(downstream)
    downstream.now += 5
    cache.get("c", downstream.load)
    snap_start.snapshot()
    downstream.now += 5
    snap_start.restore()
    assert downstream.reads == [KEYS, "c", ["a", "b"]]


def test_every_restore_checks(snap_start: SnapStart, downstream: Downstream) -> None:
    cache_of(downstream)
    snap_start.snapshot()
    for _ in range(3):
        downstream.now += 60
        snap_start.restore()
    assert downstream.reads == [KEYS] * 4


def test_loaded_values_have_their_ttl_as_any_others(snap_start: SnapStart, downstream: Downstream) -> None:
    cache = cache_of(downstream)
    snap_start.snapshot()
    downstream.now += 60
    snap_start.restore()
    downstream.now += 10
    downstream.version = 3
    assert cache.get("a", downstream.load) == 3


def test_values_count_from_before_they_were_loaded(downstream: Downstream) -> None:
    downstream.takes_s = 6
    cache = cache_of(downstream)
    downstream.now += 4
    downstream.version = 2
    assert cache.get("a", downstream.load) == 2


def test_a_source_that_is_down_at_init_fails_nothing(
    snap_start: SnapStart, downstream: Downstream, caplog: pytest.LogCaptureFixture
) -> None:
    downstream.is_down = True
    with caplog.at_level(logging.WARNING):
        cache = cache_of(downstream)
    assert caplog.messages == ["3 keys are not loaded ahead: down"]
    assert cache.get("a", downstream.load) == 1
    downstream.is_down = False
    snap_start.snapshot()
    snap_start.restore()
    assert downstream.reads == [KEYS, "a", ["b", "c"]], "the restore loads what init could not"


def test_a_source_that_is_down_at_a_restore_fails_nothing_and_serves_nothing_old(
    snap_start: SnapStart, downstream: Downstream
) -> None:
    cache = cache_of(downstream)
    snap_start.snapshot()
    downstream.now += 60
    downstream.is_down = True
    downstream.version = 2
    snap_start.restore()
    assert cache.get("a", downstream.load) == 2


def test_an_empty_source_is_asked_again_after_a_restore(snap_start: SnapStart, downstream: Downstream) -> None:
    downstream.there = set()
    cache = cache_of(downstream)
    snap_start.snapshot()
    downstream.there = set(KEYS)
    snap_start.restore()
    assert [cache.get(key, downstream.load) for key in KEYS] == [1, 1, 1]
    assert downstream.reads == [KEYS, KEYS]


def test_an_error_that_is_not_ignored_fails_init() -> None:
    def wrong(_: Sequence[str]) -> dict[str, int]:
        raise TypeError

    with pytest.raises(TypeError):
        SnapshotCache(ModuleCache[int](), keys=KEYS, load_many=wrong)


def test_no_keys_are_no_call(snap_start: SnapStart, downstream: Downstream) -> None:
    SnapshotCache(ModuleCache[int](), keys=[], load_many=downstream.load_many)
    snap_start.snapshot()
    snap_start.restore()
    assert not downstream.reads


def test_in_a_cache_without_a_bound_nothing_is_read_again(snap_start: SnapStart, downstream: Downstream) -> None:
    SnapshotCache(ModuleCache[int](), keys=KEYS, load_many=downstream.load_many)
    snap_start.snapshot()
    downstream.now += 14 * 86_400
    snap_start.restore()
    assert downstream.reads == [KEYS]


def slow_cache(downstream: Downstream, within_s: float) -> SnapshotCache[int]:
    return SnapshotCache(
        TtlCache[int](ttl_s=10, clock=lambda: downstream.now),
        keys=KEYS,
        load_many=downstream.load_many,
        batch=1,
        within_s=within_s,
        ignore=UnavailableError,
    )


class Hanging:
    """A source that hangs from one key on; the deadline is over when it is reached, on any machine."""

    def __init__(self, cache: SnapshotCache[int], key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.goes_on, self._reached = threading.Event(), threading.Event()
        self._load_many = cache._load_many
        self._key = key
        cache._load_many = self.load_many
        monkeypatch.setattr(snapshot_cache, "wait", self.wait)

    def load_many(self, keys: Sequence[str]) -> Mapping[str, int]:
        if list(keys) == [self._key]:
            self._reached.set()
            self.goes_on.wait(60)
        return self._load_many(keys)

    def wait(self, futures: Sequence[Any], timeout: float) -> Any:
        assert timeout == 5.0
        assert self._reached.wait(60)
        return wait(futures, timeout=0)


def test_the_fill_after_a_restore_ends_at_its_own_deadline_and_keeps_what_was_read(
    snap_start: SnapStart, downstream: Downstream, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = slow_cache(downstream, LONGEST_FILL_S)
    snap_start.snapshot()
    downstream.now += 60
    downstream.version = 2
    source = Hanging(cache, "b", monkeypatch)
    with caplog.at_level(logging.WARNING):
        snap_start.restore()  # returns although the source hangs

    assert caplog.messages == ["2 of 3 keys are not loaded ahead: 5 s have passed"]
    assert cache.get("a", downstream.load) == 2
    assert downstream.reads[-1] == ["a"], "it was read in the hook"
    assert cache.get("c", downstream.load) == 2
    assert downstream.reads[-1] == "c", "the others are read when they are asked for"
    (thread,) = (each for each in threading.enumerate() if each.name == "fill after restore")
    source.goes_on.set()
    thread.join(60)
    assert downstream.reads[-1] == ["b"], "no batch follows the one that was under way"


def test_a_value_that_expired_during_the_fill_was_loaded_ahead(
    snap_start: SnapStart, downstream: Downstream, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = slow_cache(downstream, LONGEST_FILL_S)
    snap_start.snapshot()
    downstream.now += 60
    downstream.takes_s = 11
    source = Hanging(cache, "c", monkeypatch)
    with caplog.at_level(logging.WARNING):
        snap_start.restore()
    source.goes_on.set()

    assert caplog.messages == ["1 of 3 keys are not loaded ahead: 5 s have passed"]


def test_the_deadline_is_kept_by_the_clock(snap_start: SnapStart, downstream: Downstream) -> None:
    cache = slow_cache(downstream, within_s=0.1)
    snap_start.snapshot()
    downstream.now += 60
    goes_on = threading.Event()

    def load_many(_: Sequence[str]) -> dict[str, int]:
        goes_on.wait(60)
        return {}

    cache._load_many = load_many
    snap_start.restore()  # returns, although only the next line lets the source answer
    goes_on.set()


def test_a_restore_with_a_quick_source_waits_for_no_deadline(snap_start: SnapStart, downstream: Downstream) -> None:
    cache = slow_cache(downstream, within_s=60)
    snap_start.snapshot()
    downstream.now += 60
    snap_start.restore()
    assert downstream.reads == [["a"], ["b"], ["c"]] * 2
    assert cache.get("c", downstream.load) == 1


def test_an_error_that_is_not_ignored_fails_the_restore(snap_start: SnapStart, downstream: Downstream) -> None:
    cache = cache_of(downstream)
    snap_start.snapshot()
    downstream.now += 60

    def wrong(_: Sequence[str]) -> dict[str, int]:
        raise TypeError("wrong")

    cache._load_many = wrong
    with pytest.raises(TypeError, match="wrong"):
        snap_start.restore()


def test_keys_that_were_loaded_before_a_batch_failed_are_kept(downstream: Downstream) -> None:
    loads = iter([{"a": 1}])

    def load_many(_: Sequence[str]) -> dict[str, int]:
        if (found := next(loads, None)) is None:
            raise UnavailableError
        return found

    inner = TtlCache[int](ttl_s=10, clock=lambda: downstream.now)
    SnapshotCache(inner, keys=KEYS, load_many=load_many, batch=1, ignore=UnavailableError)
    assert [inner.serves(key) for key in KEYS] == [True, False, False]
