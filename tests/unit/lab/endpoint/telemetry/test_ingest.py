"""What becomes of what the engine tells.

Source, where not said otherwise: AWS Lambda Developer Guide, "Types of metrics for Lambda functions".
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.log_store import LONGEST_EVENT, LogStore
from cloudwatch.metric_store import MetricStore
from cloudwatch.series import Dimensions
from cloudwatch.statistics import Period
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry.ingest import Ingest
from lab.engine.logs.framed_log import HEAD

AT = 1_800_000_000.5
GROUP = "/aws/lambda/shop"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:shop"
OF_FUNCTION = (("FunctionName", "shop"),)
START = b"START RequestId: 1 Version: 3\n"
END = b"END RequestId: 1\nREPORT RequestId: 1\tDuration: 250.12 ms\t\n"


class Told:
    """An ingest and what is in its stores."""

    def __init__(self, folder: Path) -> None:
        self.metrics = MetricStore(folder / "metrics")
        self.logs = LogStore(folder / "logs")
        self._ingest = Ingest(self.metrics, self.logs)

    def invocation(self, log: bytes = START + END, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "kind": entries.INVOCATION,
            "function": "shop",
            "version": "3",
            "arn": f"{ARN}:live",
            "log_group": GROUP,
            "log_stream": "s",
            "level": None,
            "log": log,
            "at": AT,
            "duration_ms": 250.1234,
            "startup_ms": 0.0,
            "failed": False,
            "running": 1,
            "all_running": 1,
        }
        self._ingest.take([tuple(entries.Invocation(**(fields | changes)))], AT + 1)

    def log(self, data: bytes, level: str | None = None) -> None:
        self._ingest.take([tuple(entries.Log(entries.LOG, GROUP, "s", level, data, AT))], AT + 1)

    def throttle(self, arn: str = ARN) -> None:
        self._ingest.take([tuple(entries.Throttle(entries.THROTTLE, "shop", "3", arn, AT))], AT + 1)

    def period(self, name: str, dimensions: Dimensions = OF_FUNCTION, namespace: str = "AWS/Lambda") -> Period | None:
        parts = self.metrics.parts(self.metrics.find(namespace, name, dimensions, None).values(), 0, 1 << 40)
        return Period(parts) if parts else None

    def total(self, name: str, dimensions: Dimensions = OF_FUNCTION, namespace: str = "AWS/Lambda") -> float | None:
        period = self.period(name, dimensions, namespace)
        return period.total if period else None

    def events(self) -> list[tuple[int, str]]:
        found = self.logs.events(GROUP, None, 0, 1 << 60)
        return [(event.position.at_ms - int(AT * 1000), event.message) for event in found]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    told = Told(tmp_path)
    yield told
    told.metrics.close()
    told.logs.close()


def document(value: float = 2.0) -> bytes:
    directive = {"Namespace": "Shop", "Dimensions": [["Part"], []], "Metrics": [{"Name": "Hits", "Unit": "Count"}]}
    metadata = {"Timestamp": int(AT * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, "Part": "till", "Hits": value}).encode() + b"\n"


def test_an_invocation_counts_for_the_function_the_resource_the_version_behind_an_alias_and_everything(
    told: Told,
) -> None:
    told.invocation()
    resource = (("FunctionName", "shop"), ("Resource", "shop:live"))
    version = (("ExecutedVersion", "3"), *resource)
    for dimensions in ((), OF_FUNCTION, resource, version):
        assert told.total("Invocations", dimensions) == 1.0
        assert told.total("Duration", dimensions) == 250.12
    assert {series.unit for series in told.metrics.all_series if series.name == "Duration"} == {"Milliseconds"}


@pytest.mark.parametrize(("arn", "resource"), [(ARN, "shop"), (f"{ARN}:3", "shop:3")])
def test_an_invocation_that_went_by_no_alias_has_no_executed_version(told: Told, arn: str, resource: str) -> None:
    told.invocation(arn=arn)
    assert told.total("Invocations", (("FunctionName", "shop"), ("Resource", resource))) == 1.0
    assert not any("ExecutedVersion" in dict(series.dimensions) for series in told.metrics.all_series)


def test_errors_and_throttles_are_0_or_1_of_every_invocation(told: Told) -> None:
    """ "Invocation metrics are binary indicators of the outcome".""" ""
    told.invocation(failed=True)
    told.invocation()
    errors, throttles = told.period("Errors"), told.period("Throttles")
    assert errors is not None
    assert throttles is not None
    assert (errors.total, errors.count, throttles.total, throttles.count) == (1.0, 2.0, 0.0, 2.0)


def test_a_throttled_request_counts_neither_as_an_invocation_nor_as_an_error(told: Told) -> None:
    told.throttle()
    assert told.total("Throttles") == told.total("Throttles", ()) == 1.0
    assert told.period("Invocations") is told.period("Errors") is None


def test_concurrency_is_of_the_function_and_of_all(told: Told) -> None:
    told.invocation(running=3, all_running=7)
    told.invocation(running=2, all_running=5)
    of_function, of_all = told.period("ConcurrentExecutions"), told.period("ConcurrentExecutions", ())
    assert of_function is not None
    assert of_all is not None
    assert (of_function.maximum, of_all.maximum) == (3.0, 7.0)


def test_the_time_of_a_metric_is_when_the_function_was_invoked(told: Told) -> None:
    told.invocation(duration_ms=3000.0, startup_ms=2000.0)
    (part,) = told.metrics.parts(told.metrics.find("AWS/Lambda", "Duration", OF_FUNCTION, None).values(), 0, 1 << 40)
    assert part.second == int(AT - 5)


def test_the_duration_is_that_of_the_report_in_either_format(told: Told) -> None:
    told.invocation(duration_ms=1.23456)
    told.invocation(duration_ms=1.23456, level="INFO")
    duration = told.period("Duration")
    assert duration is not None
    assert (duration.minimum, duration.maximum) == (1.23, 1.235)


def test_lines_have_the_times_of_start_and_end_of_the_invocation(told: Told) -> None:
    told.invocation(b"INIT_START Runtime\nloading\n" + START + b"hello\n" + END, startup_ms=1000.0)
    assert told.events() == [
        (-1251, "INIT_START Runtime\n"),
        (-1251, "loading\n"),
        (-251, "START RequestId: 1 Version: 3\n"),
        (0, "hello\n"),
        (0, "END RequestId: 1\n"),
        (0, "REPORT RequestId: 1\tDuration: 250.12 ms\t\n"),
    ]


def test_a_json_start_has_the_time_of_the_start(told: Told) -> None:
    start = b'{"time":"t","type":"platform.start","record":{}}\n'
    told.invocation(start + b'{"time":"t","type":"platform.report","record":{}}\n', level="INFO")
    assert [at for at, _ in told.events()] == [-251, 0]


def test_a_forged_start_changes_nothing(told: Told) -> None:
    told.invocation(START + b"START RequestId: forged\n" + END)
    assert [at for at, _ in told.events()] == [-251, 0, 0, 0]


def test_documents_become_metrics_at_their_own_time(told: Told) -> None:
    told.invocation(START + document() + document(3.0) + END)
    for dimensions in ((("Part", "till"),), ()):
        assert told.total("Hits", dimensions, "Shop") == 5.0
    assert len(told.events()) == 5  # the documents stay in the log


def test_a_document_cut_in_two_is_one(told: Told) -> None:
    content = document()
    told.log(b"before\n" + content[:40])
    told.log(content[40:80])
    told.invocation(content[80:] + END)
    assert told.total("Hits", (), "Shop") == 2.0
    assert [text for _, text in told.events()][:2] == ["before\n", content.decode()]


def test_a_line_that_never_ends_is_kept_in_parts(told: Told) -> None:
    for _ in range(10):
        told.log(b"x" * (LONGEST_EVENT // 4))
    kept = sum(len(text) for _, text in told.events())
    assert kept == 8 * LONGEST_EVENT // 4


def test_a_function_that_makes_a_metric_of_every_request_does_not_fill_the_memory(tmp_path: Path, told: Told) -> None:
    store = MetricStore(tmp_path / "few", most_series=10)
    ingest = Ingest(store, told.logs)
    for n in range(50):
        data = document().replace(b"till", b"request-%d" % n)
        ingest.take([tuple(entries.Log(entries.LOG, GROUP, "s", None, data, AT))], AT)
    assert (len(store.all_series), store.refused > 30) == (10, True)
    store.close()


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("TRACE", ["plain", "debug", "warning", "fatal", "odd", "report"]),
        ("DEBUG", ["plain", "debug", "warning", "fatal", "odd", "report"]),
        ("INFO", ["plain", "warning", "fatal", "odd", "report"]),
        ("WARN", ["warning", "fatal", "report"]),
        ("FATAL", ["fatal", "report"]),
    ],
)
def test_of_json_logs_the_application_log_level_keeps_its_own_and_above(
    told: Told, level: str, kept: list[str]
) -> None:
    """AWS Lambda Developer Guide, "Log-level filtering": "if the level field is invalid or missing, … INFO"."""
    lines = [
        b"plain",
        b'{"level": "debug", "m": "debug"}',
        b'{"level": "WARNING", "m": "warning"}',
        b'{"level": "CRITICAL", "m": "fatal"}',
        b'{"level": 7, "m": "odd"}',
        b'{"time":"t","type":"platform.report","record":"report"}',
    ]
    told.invocation(b"".join(line + b"\n" for line in lines), level=level)
    found = [
        name
        for _, text in told.events()
        for name in ("plain", "debug", "warning", "fatal", "odd", "report")
        if f'"{name}"' in text or text == f"{name}\n"
    ]
    assert found == kept


def test_what_the_log_level_leaves_out_makes_no_metric(told: Told) -> None:
    """It never reaches CloudWatch Logs, which makes the metrics of documents."""
    told.invocation(START + document() + END, level="WARN")
    assert told.total("Hits", (), "Shop") is None


def test_of_text_logs_no_level_is_asked(told: Told) -> None:
    told.invocation(START + b'{"level": "DEBUG"}\n' + END)
    assert len(told.events()) == 4


def record(message: bytes, seconds: float) -> bytes:
    """A log record, so many seconds after `AT`."""
    return HEAD.pack(0xA55A000F, len(message), int((AT + seconds) * 1e6)) + message


def test_a_record_is_one_event_with_its_own_time(told: Told) -> None:
    told.invocation(START + b"printed\n" + record(b"a\nb\n", -0.2) + record(b"c\nd", -0.1) + b"\nlast\n" + END)
    assert [event for event in told.events() if "REPORT" not in event[1]] == [
        (-251, START.decode()),
        (-200, "printed\n"),
        (-200, "a\nb\n"),
        (-100, "c\nd"),
        (0, "last\n"),
        (0, "END RequestId: 1\n"),
    ]


def test_a_record_of_another_time_is_given_one_within_the_invocation(told: Told) -> None:
    told.invocation(START + record(b"early", -9e5) + record(b"late", 1e10) + END)
    assert told.events()[1:3] == [(-251, "early"), (0, "late")]


def test_records_and_lines_that_come_before_the_end_are_cut_where_they_end(told: Told) -> None:
    told.log(record(b"a\nb", -1) + b"beg")
    told.invocation(b"un\n" + END)
    assert [message for _, message in told.events()][:2] == ["a\nb", "begun\n"]


def test_a_record_of_the_embedded_metric_format_is_a_metric(told: Told) -> None:
    directive = {"Namespace": "Shop", "Dimensions": [[]], "Metrics": [{"Name": "Sold"}]}
    document = {"_aws": {"Timestamp": AT * 1000, "CloudWatchMetrics": [directive]}, "Sold": 3}
    told.invocation(START + record(b"[INFO]\t2027\tid\t" + json.dumps(document).encode() + b"\n", -0.1) + END)
    assert told.total("Sold", (), "Shop") == 3


def test_the_level_of_a_json_record_is_that_of_the_whole(told: Told) -> None:
    low, high = (json.dumps({"level": level, "message": "a"}, indent=1).encode() for level in ("INFO", "ERROR"))
    told.invocation(record(low, -0.1) + record(high, -0.1), level="WARN")
    assert [json.loads(message)["level"] for _, message in told.events()] == ["ERROR"]
