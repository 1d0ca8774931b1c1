"""Source: Amazon CloudWatch Logs API reference, one page an operation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.logs_api import LogsApi
from cloudwatch.store import Store

GROUP = "/aws/lambda/shop"
MADE_MS = 1000


class EmulatorsGroups:
    """The emulator's log groups."""

    def __init__(self) -> None:
        self.created: dict[str, int] = {GROUP: MADE_MS}

    def created_ms(self, name: str) -> int | None:
        return self.created.get(name)


class Reader:
    """The operations as a client calls them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.groups = EmulatorsGroups()
        self._api = LogsApi(store, self.groups.created_ms)

    def ask(self, operation: str, **parameters: Any) -> Any:
        """The result; None where the emulator is asked instead; the message where it is refused."""
        body = json.dumps({"logGroupName": GROUP} | parameters).encode()
        answer = self._api.answer(operation, body)
        if answer is None:
            return None
        content = json.loads(answer[2])
        return content["message"] if answer[0] == 400 else content

    def write(self, stream: str, at_ms: int, *lines: str) -> None:
        self.store.logs.append((GROUP, stream), at_ms, MADE_MS + at_ms, [f"{line}\n" for line in lines])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    store = Store(tmp_path)
    reader = Reader(store)
    reader.write("a", 10, "one", "two")
    reader.write("b", 15, "three")
    reader.write("a", 20, "four", "five")
    yield reader
    store.close()


def texts(answer: Any) -> list[str]:
    return [event["message"].rstrip() for event in answer["events"]]


def test_streams_are_described_by_name(reader: Reader) -> None:
    streams = reader.ask("DescribeLogStreams")["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == ["a", "b"]
    first = streams[0]
    assert (first["firstEventTimestamp"], first["lastEventTimestamp"], first["lastIngestionTime"]) == (10, 20, 1020)
    assert first["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}:log-stream:a"


def test_streams_are_described_by_their_last_event(reader: Reader) -> None:
    newest_first = reader.ask("DescribeLogStreams", orderBy="LastEventTime", descending=True)["logStreams"]
    oldest_first = reader.ask("DescribeLogStreams", orderBy="LastEventTime")["logStreams"]
    assert [stream["logStreamName"] for stream in newest_first] == ["a", "b"]
    assert [stream["logStreamName"] for stream in oldest_first] == ["b", "a"]


def test_streams_are_described_by_prefix_and_by_page(reader: Reader) -> None:
    assert len(reader.ask("DescribeLogStreams", logStreamNamePrefix="b")["logStreams"]) == 1
    first = reader.ask("DescribeLogStreams", limit=1)
    second = reader.ask("DescribeLogStreams", limit=1, nextToken=first["nextToken"])
    assert second["logStreams"][0]["logStreamName"] == "b"
    assert "nextToken" not in second


def test_a_stream_is_read_from_its_head(reader: Reader) -> None:
    answer = reader.ask("GetLogEvents", logStreamName="a", startFromHead=True)
    assert answer["events"][0] == {"timestamp": 10, "message": "one\n", "ingestionTime": 1010}
    assert texts(answer) == ["one", "two", "four", "five"]


def test_a_stream_is_read_from_its_end_by_default_in_order_of_time(reader: Reader) -> None:
    assert texts(reader.ask("GetLogEvents", logStreamName="a", limit=3)) == ["two", "four", "five"]


def test_the_end_time_is_not_included(reader: Reader) -> None:
    """ "Events with a timestamp equal to or later than this time are not included.""" ""
    assert texts(reader.ask("GetLogEvents", logStreamName="a", startTime=10, endTime=20)) == ["one", "two"]
    assert texts(reader.ask("GetLogEvents", logStreamName="a", startTime=11, endTime=21)) == ["four", "five"]


def test_tokens_lead_forward_and_backward_and_stay_at_the_ends(reader: Reader) -> None:
    """ "If you have reached the end of the stream, it returns the same token you passed in.""" ""
    first = reader.ask("GetLogEvents", logStreamName="a", startFromHead=True, limit=3)
    second = reader.ask("GetLogEvents", logStreamName="a", limit=3, nextToken=first["nextForwardToken"])
    third = reader.ask("GetLogEvents", logStreamName="a", limit=3, nextToken=second["nextForwardToken"])
    assert (texts(first), texts(second), texts(third)) == (["one", "two", "four"], ["five"], [])
    assert third["nextForwardToken"] == second["nextForwardToken"]
    back = reader.ask("GetLogEvents", logStreamName="a", limit=2, nextToken=second["nextBackwardToken"])
    assert texts(back) == ["two", "four"]
    reader.write("a", 30, "six")
    assert texts(reader.ask("GetLogEvents", logStreamName="a", nextToken=third["nextForwardToken"])) == ["six"]


def test_a_group_is_filtered_over_all_streams_in_order_of_time(reader: Reader) -> None:
    answer = reader.ask("FilterLogEvents")
    assert texts(answer) == ["one", "two", "three", "four", "five"]
    assert answer["events"][2] | {"eventId": ""} == {
        "logStreamName": "b",
        "timestamp": 15,
        "message": "three\n",
        "ingestionTime": 1015,
        "eventId": "",
    }
    identifiers = [event["eventId"] for event in answer["events"]]
    assert len(set(identifiers)) == 5
    assert {len(identifier) for identifier in identifiers} == {56}
    assert "nextToken" not in answer


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"filterPattern": "o"}, ["one", "two", "four"]),
        ({"filterPattern": "?two ?three"}, ["two", "three"]),
        ({"logStreamNames": ["b"]}, ["three"]),
        ({"logStreamNamePrefix": "a", "startTime": 11}, ["four", "five"]),
        (
            {"startTime": 15, "endTime": 15},
            ["three"],
        ),  # "events with a timestamp later than this time are not returned"
        ({"logStreamNamePrefix": "nowhere"}, []),
    ],
)
def test_a_group_is_filtered(reader: Reader, parameters: dict[str, Any], expected: list[str]) -> None:
    assert texts(reader.ask("FilterLogEvents", **parameters)) == expected


def test_a_filtered_group_is_read_by_page(reader: Reader) -> None:
    found: list[list[str]] = []
    token: dict[str, str] = {}
    for _ in range(5):
        answer = reader.ask("FilterLogEvents", filterPattern="-four", limit=2, **token)
        found.append(texts(answer))
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert found == [["one", "two"], ["three", "five"]]


def test_an_answer_holds_a_megabyte_of_events(reader: Reader) -> None:
    for at in range(100, 116):
        reader.write("c", at, "x" * 100_000)
    page = reader.ask("GetLogEvents", logStreamName="c", startFromHead=True)
    filtered = reader.ask("FilterLogEvents", logStreamNames=["c"])
    assert len(page["events"]) == 10
    assert 10 <= len(filtered["events"]) <= 11
    rest = reader.ask("FilterLogEvents", logStreamNames=["c"], nextToken=filtered["nextToken"])
    assert len(filtered["events"]) + len(rest["events"]) == 16


def test_a_group_is_named_by_its_arn_too(reader: Reader) -> None:
    for suffix in ("", ":*"):
        arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}{suffix}"
        answer = reader.ask("FilterLogEvents", logGroupName=None, logGroupIdentifier=arn)
        assert len(answer["events"]) == 5


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        (
            "FilterLogEvents",
            {"limit": 10_001},
            "1 validation error detected: Value '10001' at 'limit' failed to satisfy",
        ),
        ("GetLogEvents", {"logStreamName": "a", "nextToken": "f/1"}, "The specified nextToken is invalid."),
        ("FilterLogEvents", {"nextToken": "p/1/x/2"}, "The specified nextToken is invalid."),
        ("DescribeLogStreams", {"nextToken": "x"}, "The specified nextToken is invalid."),
        ("FilterLogEvents", {"filterPattern": "{ $.a"}, "Invalid filter pattern"),
        ("FilterLogEvents", {"logStreamNames": ["a"], "logStreamNamePrefix": "a"}, "logStreamNamePrefix and"),
        (
            "DescribeLogStreams",
            {"orderBy": "LastEventTime", "logStreamNamePrefix": "a"},
            "Cannot order by LastEventTime",
        ),
        ("DescribeLogStreams", {"orderBy": "Size"}, "'Size'"),
    ],
)
def test_a_request_that_is_not_valid(reader: Reader, operation: str, parameters: dict[str, Any], message: str) -> None:
    assert reader.ask(operation, **parameters).startswith(message)


def test_the_emulator_answers_for_groups_and_streams_that_no_function_wrote(reader: Reader) -> None:
    assert reader.ask("FilterLogEvents", logGroupName="/other") is None
    assert reader.ask("GetLogEvents", logStreamName="clients-own") is None
    assert reader.ask("DescribeLogGroups") is None
    assert LogsApi(reader.store, reader.groups.created_ms).answer("FilterLogEvents", b"{") is None


def test_a_deleted_group_has_no_streams(reader: Reader) -> None:
    """A stack that is destroyed takes its log group with it."""
    del reader.groups.created[GROUP]
    assert reader.ask("FilterLogEvents") is None
    reader.groups.created[GROUP] = MADE_MS
    assert reader.ask("FilterLogEvents") is None


def test_a_group_that_was_made_again_has_only_new_streams(reader: Reader) -> None:
    reader.groups.created[GROUP] = MADE_MS + 50
    assert reader.ask("FilterLogEvents") is None
    reader.write("c", 60, "new")
    assert texts(reader.ask("FilterLogEvents")) == ["new"]


def test_a_stream_can_be_deleted(reader: Reader) -> None:
    assert reader.ask("DeleteLogStream", logStreamName="a") == {}
    assert texts(reader.ask("FilterLogEvents")) == ["three"]
    assert reader.ask("DeleteLogStream", logStreamName="a") is None
