"""What the store holds of what the engine reports.

Source, where not said otherwise: AWS Lambda Developer Guide, "Types of metrics for Lambda functions".
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudwatch.insights import parse_query
from cloudwatch.series import Dimensions, MetricStat
from cloudwatch.store import Store
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry.ingest import Ingest
from lab.endpoint.telemetry.log_pieces import LONGEST_EVENT, messages
from lab.engine.logs.framed_log import HEAD

AT = 1_800_000_000.5
GROUP = "/aws/lambda/shop"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:shop"
OF_FUNCTION = (("FunctionName", "shop"),)
START = b"START RequestId: 1 Version: 3\n"
END = b"END RequestId: 1\nREPORT RequestId: 1\tDuration: 250.12 ms\t\n"


class Ingested:
    """An ingest and its store."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self._ingest = Ingest(self.store)

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
            "failed": False,
            "running": 1,
            "all_running": 1,
            "request_id": "1",
            "duration_ms": 250.1234,
            "billed_ms": 251,
            "memory_mb": 512,
            "max_memory_mb": 60,
            "init_ms": None,
            "restore_ms": None,
        }
        self._ingest.take([tuple(entries.Invocation(**(fields | changes)))], AT + 1)

    def log(self, data: bytes, level: str | None = None) -> None:
        self._ingest.take([tuple(entries.Log(entries.LOG, GROUP, "s", level, data, AT))], AT + 1)

    def throttle(self, arn: str = ARN) -> None:
        self._ingest.take([tuple(entries.Throttle(entries.THROTTLE, "shop", "3", arn, AT))], AT + 1)

    def statistics(
        self, name: str, *statistics: str, dimensions: Dimensions = OF_FUNCTION, namespace: str = "AWS/Lambda"
    ) -> tuple[float, ...]:
        wanted = [MetricStat(namespace, name, dimensions, statistic) for statistic in statistics]
        found = self.store.statistics(wanted, start=0, end=1 << 40, period=1 << 40)
        return tuple(value for stat in wanted for value in found[stat].values())

    def total(self, name: str, dimensions: Dimensions = OF_FUNCTION, namespace: str = "AWS/Lambda") -> float | None:
        return next(iter(self.statistics(name, "Sum", dimensions=dimensions, namespace=namespace)), None)

    def events(self) -> list[tuple[int, str]]:
        found = self.store.logs.events(GROUP, None, 0, 1 << 60)
        return [(event.position.at_ms - int(AT * 1000), event.message) for event in found]


@pytest.fixture
def ingested(tmp_path: Path) -> Iterator[Ingested]:
    ingested = Ingested(tmp_path)
    yield ingested
    ingested.store.close()


def document(value: float = 2.0) -> bytes:
    directive = {"Namespace": "Shop", "Dimensions": [["Part"], []], "Metrics": [{"Name": "Hits", "Unit": "Count"}]}
    metadata = {"Timestamp": int(AT * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": metadata, "Part": "till", "Hits": value}).encode() + b"\n"


def test_an_invocation_counts_for_the_function_the_resource_the_version_behind_an_alias_and_everything(
    ingested: Ingested,
) -> None:
    ingested.invocation()
    resource = (("FunctionName", "shop"), ("Resource", "shop:live"))
    version = (("ExecutedVersion", "3"), *resource)
    for dimensions in ((), OF_FUNCTION, resource, version):
        assert ingested.total("Invocations", dimensions) == 1.0
        assert ingested.total("Duration", dimensions) == 250.12
    assert {series.unit for series in ingested.store.all_series if series.name == "Duration"} == {"Milliseconds"}


@pytest.mark.parametrize(("arn", "resource"), [(ARN, "shop"), (f"{ARN}:3", "shop:3")])
def test_an_invocation_that_went_by_no_alias_has_no_executed_version(
    ingested: Ingested, arn: str, resource: str
) -> None:
    ingested.invocation(arn=arn)
    assert ingested.total("Invocations", (("FunctionName", "shop"), ("Resource", resource))) == 1.0
    assert not any("ExecutedVersion" in dict(series.dimensions) for series in ingested.store.all_series)


def test_errors_and_throttles_are_0_or_1_of_every_invocation(ingested: Ingested) -> None:
    """ "Invocation metrics are binary indicators of the outcome".""" ""
    ingested.invocation(failed=True)
    ingested.invocation()
    assert ingested.statistics("Errors", "Sum", "SampleCount") == (1.0, 2.0)
    assert ingested.statistics("Throttles", "Sum", "SampleCount") == (0.0, 2.0)


def test_a_throttled_request_counts_neither_as_an_invocation_nor_as_an_error(ingested: Ingested) -> None:
    ingested.throttle()
    assert ingested.total("Throttles") == ingested.total("Throttles", ()) == 1.0
    assert ingested.total("Invocations") is ingested.total("Errors") is None


def test_concurrency_is_of_the_function_and_of_all(ingested: Ingested) -> None:
    ingested.invocation(running=3, all_running=7)
    ingested.invocation(running=2, all_running=5)
    assert ingested.statistics("ConcurrentExecutions", "Maximum") == (3.0,)
    assert ingested.statistics("ConcurrentExecutions", "Maximum", dimensions=()) == (7.0,)


def test_the_time_of_a_metric_is_when_the_function_was_invoked(ingested: Ingested) -> None:
    ingested.invocation(duration_ms=3000.0, init_ms=1500.0, restore_ms=500.0)
    stat = MetricStat("AWS/Lambda", "Duration", OF_FUNCTION, "Sum")
    points = ingested.store.statistics([stat], start=0, end=1 << 40, period=1)
    assert points == {stat: {int(AT - 5): 3000.0}}


def test_the_duration_is_that_of_the_report_in_either_format(ingested: Ingested) -> None:
    ingested.invocation(duration_ms=1.23456)
    ingested.invocation(duration_ms=1.23456, level="INFO")
    assert ingested.statistics("Duration", "Minimum", "Maximum") == (1.23, 1.235)


def test_lines_have_the_times_of_start_and_end_of_the_invocation(ingested: Ingested) -> None:
    ingested.invocation(b"INIT_START Runtime\nloading\n" + START + b"hello\n" + END, init_ms=1000.0)
    assert ingested.events() == [
        (-1251, "INIT_START Runtime\n"),
        (-1251, "loading\n"),
        (-251, "START RequestId: 1 Version: 3\n"),
        (0, "hello\n"),
        (0, "END RequestId: 1\n"),
        (0, "REPORT RequestId: 1\tDuration: 250.12 ms\t\n"),
    ]


def test_a_json_start_has_the_time_of_the_start(ingested: Ingested) -> None:
    start = b'{"time":"t","type":"platform.start","record":{}}\n'
    ingested.invocation(start + b'{"time":"t","type":"platform.report","record":{}}\n', level="INFO")
    assert [at for at, _ in ingested.events()] == [-251, 0]


def test_a_forged_start_changes_nothing(ingested: Ingested) -> None:
    ingested.invocation(START + b"START RequestId: forged\n" + END)
    assert [at for at, _ in ingested.events()] == [-251, 0, 0, 0]


def test_documents_become_metrics_at_their_own_time(ingested: Ingested) -> None:
    ingested.invocation(START + document() + document(3.0) + END)
    for dimensions in ((("Part", "till"),), ()):
        assert ingested.total("Hits", dimensions, "Shop") == 5.0
    assert len(ingested.events()) == 5  # the documents stay in the log


def test_a_document_cut_in_two_is_one(ingested: Ingested) -> None:
    content = document()
    ingested.log(b"before\n" + content[:40])
    ingested.log(content[40:80])
    ingested.invocation(content[80:] + END)
    assert ingested.total("Hits", (), "Shop") == 2.0
    assert [text for _, text in ingested.events()][:2] == ["before\n", content.decode()]


def test_a_line_that_never_ends_is_kept_in_parts(ingested: Ingested) -> None:
    for _ in range(10):
        ingested.log(b"x" * (LONGEST_EVENT // 4))
    kept = sum(len(text) for _, text in ingested.events())
    assert kept == 8 * LONGEST_EVENT // 4


def test_a_function_that_makes_a_metric_of_every_request_does_not_fill_the_memory(tmp_path: Path) -> None:
    store = Store(tmp_path / "few", most_series=10)
    ingest = Ingest(store)
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
    ingested: Ingested, level: str, kept: list[str]
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
    ingested.invocation(b"".join(line + b"\n" for line in lines), level=level)
    found = [
        name
        for _, text in ingested.events()
        for name in ("plain", "debug", "warning", "fatal", "odd", "report")
        if f'"{name}"' in text or text == f"{name}\n"
    ]
    assert found == kept


def test_what_the_log_level_leaves_out_makes_no_metric(ingested: Ingested) -> None:
    """It never reaches CloudWatch Logs, which makes the metrics of documents."""
    ingested.invocation(START + document() + END, level="WARN")
    assert ingested.total("Hits", (), "Shop") is None


def test_of_text_logs_no_level_is_asked(ingested: Ingested) -> None:
    ingested.invocation(START + b'{"level": "DEBUG"}\n' + END)
    assert len(ingested.events()) == 4


def record(message: bytes, seconds: float) -> bytes:
    """A log record, so many seconds after `AT`."""
    return HEAD.pack(0xA55A000F, len(message), int((AT + seconds) * 1e6)) + message


def test_a_record_is_one_event_with_its_own_time(ingested: Ingested) -> None:
    ingested.invocation(START + b"printed\n" + record(b"a\nb\n", -0.2) + record(b"c\nd", -0.1) + b"\nlast\n" + END)
    assert [event for event in ingested.events() if "REPORT" not in event[1]] == [
        (-251, START.decode()),
        (-200, "printed\n"),
        (-200, "a\nb\n"),
        (-100, "c\nd"),
        (0, "last\n"),
        (0, "END RequestId: 1\n"),
    ]


def test_a_record_of_another_time_is_given_one_within_the_invocation(ingested: Ingested) -> None:
    ingested.invocation(START + record(b"early", -9e5) + record(b"late", 1e10) + END)
    assert ingested.events()[1:3] == [(-251, "early"), (0, "late")]


def test_records_and_lines_that_come_before_the_end_are_cut_where_they_end(ingested: Ingested) -> None:
    ingested.log(record(b"a\nb", -1) + b"beg")
    ingested.invocation(b"un\n" + END)
    assert [message for _, message in ingested.events()][:2] == ["a\nb", "begun\n"]


def test_a_record_of_the_embedded_metric_format_is_a_metric(ingested: Ingested) -> None:
    directive = {"Namespace": "Shop", "Dimensions": [[]], "Metrics": [{"Name": "Sold"}]}
    document = {"_aws": {"Timestamp": AT * 1000, "CloudWatchMetrics": [directive]}, "Sold": 3}
    ingested.invocation(START + record(b"[INFO]\t2027\tid\t" + json.dumps(document).encode() + b"\n", -0.1) + END)
    assert ingested.total("Sold", (), "Shop") == 3


def test_the_level_of_a_json_record_is_that_of_the_whole(ingested: Ingested) -> None:
    low, high = (json.dumps({"level": level, "message": "a"}, indent=1).encode() for level in ("INFO", "ERROR"))
    ingested.invocation(record(low, -0.1) + record(high, -0.1), level="WARN")
    assert [json.loads(message)["level"] for _, message in ingested.events()] == ["ERROR"]


def test_insights_finds_the_figures_of_a_report_and_the_fields_of_documents(ingested: Ingested) -> None:
    ingested.invocation(START + document() + END, init_ms=100.0)
    ingested.invocation(START + END)
    figures = "count(*) as n, max(@duration) as ms, sum(@billedDuration) as billed, count(@initDuration) as inits"
    result = ingested.store.insights(
        parse_query(f"stats {figures} by @type | sort n, @type", [GROUP]), start=AT - 10, end=AT + 10
    )
    assert [tuple(row) for row in result.rows] == [
        (None, 1, None, None, 0),
        ("END", 2, None, None, 0),
        ("REPORT", 2, 250.12, 502, 1),
        ("START", 2, None, None, 0),
    ]
    hits = ingested.store.insights(
        parse_query("stats sum(Hits) as hits by Part | sort hits", [GROUP]), start=AT - 10, end=AT + 10
    )
    assert list(map(tuple, hits.rows)) == [("till", 2.0), (None, None)]


def test_insights_reads_the_report_of_json_logs_as_a_document(ingested: Ingested) -> None:
    line = {"time": "t", "type": "platform.report", "record": {"metrics": {"durationMs": 250.123}}}
    ingested.invocation(json.dumps(line, separators=(",", ":")).encode() + b"\n", level="INFO")
    query = 'filter type = "platform.report" | stats max(record.metrics.durationMs) as ms, count(@duration) as n'
    result = ingested.store.insights(parse_query(query, [GROUP]), start=AT - 10, end=AT + 10)
    assert list(map(tuple, result.rows)) == [(250.123, 0)]


def test_lines_are_events_that_keep_their_ends() -> None:
    assert messages(b"one\n\ntwo\rstill two\nthree") == ["one\n", "two\rstill two\n", "three"]


def test_a_platform_event_in_json_loses_its_end() -> None:
    """As in CloudWatch: see the fixtures of public log parsers."""
    line = b'{"time":"2026-11-21T04:00:00.000Z","type":"platform.start","record":{}}'
    assert messages(b"printed\n" + line + b"\n") == ["printed\n", line.decode()]


def test_a_long_line_is_cut() -> None:
    found = messages(b"x" * (2 * LONGEST_EVENT + 1) + b"\n")
    assert [len(text) for text in found] == [LONGEST_EVENT, LONGEST_EVENT, 2]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert messages(b"a\xffb\n") == ["a\ufffdb\n"]
