from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.log_events import LogEvents, Position
from cloudwatch.store import Store

GROUP = "/aws/lambda/shop"


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Any]:
    made: list[Store] = []

    def make(**limits: Any) -> LogEvents:
        made.append(Store(tmp_path / str(len(made)), **limits))
        return made[-1].logs

    yield make
    for store in made:
        store.close()


def texts(
    logs: LogEvents, streams: list[str] | None = None, start: int = 0, end: int = 10**9, **bounds: Any
) -> list[str]:
    return [event.message for event in logs.events(GROUP, streams, start, end, **bounds)]


def test_events_of_all_streams_are_in_order_of_time(stores: Any) -> None:
    logs = stores()
    logs.append((GROUP, "b"), 20, 21, ["3\n", "4\n"])
    logs.append((GROUP, "a"), 10, 21, ["1\n"])
    logs.append((GROUP, "a"), 20, 21, ["5\n"])
    logs.append((GROUP, "b"), 15, 21, ["2\n"])
    logs.append(("/aws/lambda/other", "a"), 15, 21, ["other\n"])
    assert texts(logs) == ["1\n", "2\n", "3\n", "4\n", "5\n"]
    assert texts(logs, ["a"]) == ["1\n", "5\n"]
    assert texts(logs, ["nowhere"]) == []
    assert texts(logs, start=11, end=15) == ["2\n"]
    assert list(logs.events("/nowhere", None, 0, 100)) == []


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 7, 1000])
def test_reading_goes_on_after_any_event_and_back_before_it(stores: Any, at_once: int) -> None:
    """However many are read at once: events of one millisecond may be read apart."""
    logs = stores()
    for number, (stream, at) in enumerate([("a", 50), ("b", 20), ("a", 90), ("b", 60), ("c", 20), ("c", 95)]):
        logs.append((GROUP, stream), at, 100, [f"{at}-{line}\n" for line in range(3)])
        if number in (1, 3):
            logs.insert_held()
    events = list(logs.events(GROUP, None, 0, 100, at_once=at_once))
    assert [event.position.at_ms for event in events] == [20] * 6 + [50] * 3 + [60] * 3 + [90] * 3 + [95] * 3
    assert [event.position for event in events] == sorted(event.position for event in events)
    for number, event in enumerate(events[::4]):
        assert texts(logs, after=event.position) == [of.message for of in events[4 * number + 1 :]]
        assert texts(logs, before=event.position) == [of.message for of in reversed(events[: 4 * number])]
    for start, end in [(20, 20), (21, 60), (51, 89), (90, 95), (96, 100)]:
        wanted = [event.message for event in events if start <= event.position.at_ms <= end]
        assert texts(logs, start=start, end=end) == wanted
        assert texts(logs, start=start, end=end, before=Position(99, 0), at_once=at_once) == wanted[::-1]


def test_streams_know_their_first_and_last_event(stores: Any) -> None:
    logs = stores()
    for at in (50, 20, 70):
        logs.append((GROUP, "a"), at, 100 + at, ["x\n"])
    stream = logs.streams(GROUP)["a"]
    assert (stream.created_ms, stream.first_ms, stream.last_ms, stream.ingested_ms) == (150, 20, 70, 170)


def test_a_stream_can_be_deleted(stores: Any) -> None:
    logs = stores()
    for name in ("a", "b"):
        logs.append((GROUP, name), 1, 1, [f"{name}\n"])
    logs.delete_stream(GROUP, "a")
    assert texts(logs) == ["b\n"]
    assert set(logs.streams(GROUP)) == {"b"}


def test_events_are_bounded_and_a_chatty_group_forgets_its_own_oldest(stores: Any, tmp_path: Path) -> None:
    logs = stores(most_bytes=1_000_000)
    logs.append(("/aws/lambda/quiet", "a"), 0, 0, ["kept\n"])
    for at in range(5000):
        logs.append((GROUP, "a"), at, at, [f"{at:04}" + "x" * 1000 + "\n"])
        if at % 10 == 9:
            logs.insert_held()
    kept = [int(text[:4]) for text in texts(logs)]
    assert kept == list(range(kept[0], 5000))
    assert 400 < len(kept) < 1000
    assert len(list(logs.events("/aws/lambda/quiet", None, 0, 10))) == 1
