import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.log_store import LONGEST_EVENT, LogStore, Position, messages

GROUP = "/aws/lambda/shop"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Any]:
    made: list[LogStore] = []

    def make(**limits: int) -> LogStore:
        made.append(LogStore(tmp_path / f"logs-{len(made)}", **limits))
        return made[-1]

    yield make
    for store in made:
        store.close()


def texts(
    store: LogStore, streams: list[str] | None = None, start: int = 0, end: int = 10**9, **bounds: Any
) -> list[str]:
    return [event.message for event in store.events(GROUP, streams, start, end, **bounds)]


def test_events_of_all_streams_are_in_order_of_time(stores: Any) -> None:
    store = stores()
    store.append((GROUP, "b"), 20, 21, b"3\n4\n")
    store.append((GROUP, "a"), 10, 21, b"1\n")
    store.append((GROUP, "a"), 20, 21, b"5\n")
    store.append((GROUP, "b"), 15, 21, b"2\n")
    store.append(("/aws/lambda/other", "a"), 15, 21, b"other\n")
    store.write()
    assert texts(store) == ["1\n", "2\n", "3\n", "4\n", "5\n"]
    assert texts(store, ["a"]) == ["1\n", "5\n"]
    assert texts(store, ["nowhere"]) == []
    assert texts(store, start=11, end=15) == ["2\n"]
    assert list(store.events("/nowhere", None, 0, 100)) == []


@pytest.mark.parametrize("written_at", [{0, 1, 2, 3, 4, 5}, {5}, {1, 5}, {3, 5}])
def test_reading_goes_on_after_any_event_and_back_before_it(stores: Any, written_at: set[int]) -> None:
    """However the log was written: what was written together may span what was written apart."""
    store = stores()
    for number, (stream, at) in enumerate([("a", 50), ("b", 20), ("a", 90), ("b", 60), ("c", 20), ("c", 95)]):
        store.append((GROUP, stream), at, 100, b"".join(b"%d-%d\n" % (at, line) for line in range(3)))
        if number in written_at:
            store.write()
    events = list(store.events(GROUP, None, 0, 100))
    assert [event.position.at_ms for event in events] == [20] * 6 + [50] * 3 + [60] * 3 + [90] * 3 + [95] * 3
    assert [event.position for event in events] == sorted(event.position for event in events)
    for number, event in enumerate(events):
        assert texts(store, after=event.position) == [of.message for of in events[number + 1 :]]
        assert texts(store, before=event.position) == [of.message for of in reversed(events[:number])]
    for start, end in [(20, 20), (21, 60), (51, 89), (90, 95), (96, 100)]:
        wanted = [event.message for event in events if start <= event.position.at_ms <= end]
        assert texts(store, start=start, end=end) == wanted
        assert texts(store, start=start, end=end, before=Position(99, 0, 0)) == wanted[::-1]


def test_streams_know_their_first_and_last_event(stores: Any) -> None:
    store = stores()
    for at in (50, 20, 70):
        store.append((GROUP, "a"), at, 100 + at, b"x\n")
    stream = store.streams(GROUP)["a"]
    assert (stream.created_ms, stream.first_ms, stream.last_ms, stream.taken_ms) == (150, 20, 70, 170)


def test_a_stream_can_be_deleted(stores: Any) -> None:
    store = stores()
    for name in ("a", "b"):
        store.append((GROUP, name), 1, 1, name.encode() + b"\n")
    store.write()
    store.delete_stream(GROUP, "a")
    assert texts(store) == ["b\n"]
    assert set(store.streams(GROUP)) == {"b"}


def test_the_file_is_bounded_and_the_largest_group_forgets_its_oldest(stores: Any, tmp_path: Path) -> None:
    store = stores(file_bytes=1_000_000)
    store.append(("/aws/lambda/quiet", "a"), 0, 0, b"kept\n")
    for at in range(5000):
        store.append((GROUP, "a"), at, at, b"%04d" % at + b"x" * 1000 + b"\n")
        if at % 10 == 9:
            store.write()
    kept = [int(text[:4]) for text in texts(store)]
    assert kept == list(range(kept[0], 5000))
    assert 700 < len(kept) < 1000
    assert len(list(store.events("/aws/lambda/quiet", None, 0, 10))) == 1
    assert (tmp_path / "logs-0").stat().st_size < 2_000_000


def test_more_at_once_than_the_file_holds_is_forgotten_whole(stores: Any) -> None:
    store = stores(file_bytes=1000)
    store.append((GROUP, "a"), 1, 1, b"x" * 5000 + b"\n")
    store.write()
    assert texts(store) == []


def test_what_could_not_be_written_is_lost_and_the_store_goes_on(stores: Any) -> None:
    store = stores(file_bytes=1_000_000)
    store.append((GROUP, "a"), 1, 1, b"before\n")
    store.write()
    store._file.execute("PRAGMA max_page_count = 20")
    for _ in range(3):
        store.append((GROUP, "a"), 2, 2, b"x" * 400_000 + b"\n")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            store.write()
    store._file.execute("PRAGMA max_page_count = 1000")
    store.append((GROUP, "a"), 3, 3, b"after\n")
    store.write()
    assert texts(store)[-1] == "after\n"
    store.append((GROUP, "a"), 4, 4, b"later\n")
    store.write()
    assert texts(store)[-1] == "later\n"


def test_lines_are_events_that_keep_their_ends(stores: Any) -> None:
    assert messages(b"one\n\ntwo\rstill two\nthree") == ["one\n", "two\rstill two\n", "three"]


def test_a_platform_event_in_json_loses_its_end() -> None:
    """So they are in CloudWatch: see the fixtures of public log parsers."""
    line = b'{"time":"2026-11-21T04:00:00.000Z","type":"platform.start","record":{}}'
    assert messages(line + b"\n") == [line.decode()]


def test_a_long_line_is_cut() -> None:
    found = messages(b"x" * (2 * LONGEST_EVENT + 1) + b"\n")
    assert [len(text) for text in found] == [LONGEST_EVENT, LONGEST_EVENT, 2]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert messages(b"a\xffb\n") == ["a\ufffdb\n"]
