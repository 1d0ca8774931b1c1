"""Staleness, case by case, by hand. Times in seconds, staleness in milliseconds."""

import pytest

from lab.drive.updates import VersionTimeline


@pytest.fixture
def timeline() -> VersionTimeline:
    """Version 3 read back at 100; 4 acknowledged at 110, 5 at 120.5."""
    timeline = VersionTimeline()
    timeline.add("a", 3, 100.0)
    timeline.add("a", 4, 110.0)
    timeline.add("a", 5, 120.5)
    return timeline


@pytest.mark.parametrize(
    ("version", "sent_at", "staleness_ms"),
    [
        (5, 130.0, 0.0),  # the last one known
        (4, 110.5, 0.0),  # current when the request was sent
        (4, 120.5, 0.0),  # superseded at that very moment
        (4, 121.0, 500.0),  # superseded half a second before
        (3, 121.0, 11_000.0),  # superseded twice: since the first time
        (3, 109.0, 0.0),
        (5, 119.0, 0.0),  # read after the write, though sent before it
        (6, 130.0, 0.0),  # written, but its acknowledgement is still under way
        (1, 121.0, 21_000.0),  # from before the run: at least since it was read back
        (1, 99.0, 0.0),  # and no more is known than that
    ],
)
def test_staleness(timeline: VersionTimeline, version: int, sent_at: float, staleness_ms: float) -> None:
    assert timeline.staleness_ms("a", version, sent_at) == pytest.approx(staleness_ms)


def test_a_write_never_acknowledged_is_bounded_by_the_next() -> None:
    timeline = VersionTimeline()
    timeline.add("a", 1, 0.0)
    timeline.add("a", 3, 30.0)  # nobody knows when, or whether, 2 was written

    assert timeline.staleness_ms("a", 1, 40.0) == pytest.approx(10_000.0)
    assert timeline.staleness_ms("a", 2, 40.0) == pytest.approx(10_000.0)


def test_items_do_not_know_of_one_another(timeline: VersionTimeline) -> None:
    timeline.add("b", 1, 100.0)

    assert timeline.staleness_ms("b", 1, 200.0) == 0.0


def test_of_an_unknown_item_nothing_newer_is_known() -> None:
    assert VersionTimeline().staleness_ms("a", 1, 10.0) == 0.0


def test_a_version_known_already_keeps_its_first_moment(timeline: VersionTimeline) -> None:
    timeline.add("a", 5, 200.0)
    timeline.add("a", 2, 200.0)

    assert timeline.staleness_ms("a", 4, 130.5) == pytest.approx(10_000.0)
