"""What `lab dashboard` shows of a run, what it shows of the endpoint that ran it, and what boto3 reads there."""

import datetime
import json
import math
from pathlib import Path
from typing import Any

import boto3
import pytest

from cloudwatch.dashboard import Logs, parse_dashboard
from cloudwatch.ranges import Range
from facts.names import Names
from lab.dashboard.endpoint_source import EndpointSource
from lab.dashboard.sources import Source
from lab.dashboard.widgets import widget_data
from lab.records.record import Record
from lab.records.run_file import read_run
from tests.e2e.conftest import CONTEXT, lab
from tests.records import read_records
from tests.unit.lab.dashboard.whole_runs import loaded

VARIANTS = ("no_cache", "ttl_cache", "snapstart")
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}


def reported(records: list[Record]) -> set[str]:
    """The variants of which every invocation was answered or failed by itself: a lost one is in no record's figures."""
    return set(VARIANTS) - {record.variant for record in records if record.downstream_calls is None}


def metric(variant: str) -> list[Any]:
    return ["CacheLab", "DownstreamErrors", "Variant", variant, {"stat": "Sum", "period": 60, "label": variant}]


def span(records: list[Record]) -> tuple[int, int]:
    """The seconds from the first record to the last."""
    began = min(record.sent_at or math.inf for record in records)
    return math.floor(began), math.ceil(max(record.received_at or 0 for record in records)) + 1


def by_second(source: Source, records: list[Record]) -> dict[str, float]:
    """The sums of downstream errors that a graph has."""
    metrics = [metric(name) for name in VARIANTS]
    properties = {"view": "timeSeries", "region": "us-east-1", "metrics": metrics}
    body = json.dumps({"widgets": [{"type": "metric", "properties": properties}]})
    (graph,) = widget_data(parse_dashboard("one", body), source, Range(*span(records), 1, 60))
    return {name: sum(filter(None, series)) for name, series in zip(VARIANTS, graph["series"], strict=True)}


def at_the_endpoint(cloudwatch: Any, records: list[Record]) -> dict[str, float]:
    """The sums from the first record to the last, by GetMetricData."""
    queries = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "CacheLab",
                    "MetricName": "DownstreamErrors",
                    "Dimensions": [{"Name": "Variant", "Value": name}],
                },
                "Period": 1,
                "Stat": "Sum",
            },
        }
        for name in VARIANTS
    ]
    begin, end = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in span(records))
    found = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=begin, EndTime=end)["MetricDataResults"]
    return {result["Id"]: sum(result["Values"]) for result in found}


@pytest.fixture(scope="module")
def outage(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "outage"
    variants = [argument for name in VARIANTS for argument in ("--variant", name)]
    load = ["--repeat", "1", "--duration", "6", "--rate", "12", "--seed", "7", "--scenario", "outage"]
    answer = lab("run", "--endpoint-url", endpoint, "--out", str(folder), *load, *variants, *CONTEXT)
    assert answer.returncode == 0, answer.stderr
    return folder


def test_the_functions_own_count_of_calls_is_the_wires_failed_invocations_included(outage: Path) -> None:
    records = list(read_records(outage))
    wire = read_run(outage).wire or {}
    own = {
        name: sum(
            (one.downstream_calls or 0) + (one.init_downstream_calls or 0) for one in records if one.variant == name
        )
        for name in VARIANTS
    }
    failed = [record for record in records if record.error_type == "DownstreamError"]

    assert failed
    assert all(record.downstream_calls for record in failed)
    assert all(own[name] <= (wire[name].downstream_calls or 0) for name in VARIANTS)
    known = reported(records)
    assert {name: own[name] for name in known} == {name: wire[name].downstream_calls for name in known}
    report = json.loads(lab("report", str(outage), "--format", "json").stdout)
    assert {one["variant"]: one["downstream_calls"] for one in report["variants"]} == own
    assert "downstream_count_differs" not in {one["code"] for one in report["warnings"]}


def test_calls_fail_in_the_middle_of_the_measured_time(outage: Path) -> None:
    repetitions = {each.number: each for each in read_run(outage).repetitions}
    failed = [record for record in read_records(outage) if record.status == "function_error"]

    assert failed
    for record in failed:
        repetition = repetitions[record.repetition or 0]
        measured_from, fault_from = repetition.measured_from or 0.0, repetition.fault_from or 0.0
        fault_until = repetition.fault_until or 0.0
        assert measured_from + 2 <= fault_from < measured_from + 4 <= fault_until
        assert (record.sent_at or math.inf) < fault_until
        assert (record.received_at or 0.0) > fault_from


def test_downstream_errors_are_those_of_get_metric_data_and_of_the_wire(outage: Path, endpoint: str) -> None:
    records = list(read_records(outage))
    failed = [record for record in records if record.error_type == "DownstreamError"]
    assert failed
    assert all(record.downstream_errors for record in failed)

    make: Any = boto3.client
    with loaded(outage) as source:
        shown = by_second(source, records)
    wire = read_run(outage).wire
    assert wire is not None

    assert sum(shown.values()) > 0
    assert shown == at_the_endpoint(make("cloudwatch", endpoint_url=endpoint, **KEYS), records)
    assert shown == {name: wire[name].downstream_errors for name in VARIANTS}
    assert shown == by_second(EndpointSource(endpoint, Names()), records)


def test_the_tables_of_the_endpoint_are_those_of_the_run(outage: Path, endpoint: str) -> None:
    records = list(read_records(outage))
    shown = Range(*span(records), 1, 60)
    here: list[Any] = []
    there: list[Any] = []
    with loaded(outage) as run:
        source = EndpointSource(endpoint, Names())
        assert "CacheLab-comparison-us-east-1" in source.dashboards
        for dashboard in source.dashboards.values():
            tables = [widget for widget in dashboard.widgets if isinstance(widget.content, Logs)]
            here += widget_data(dashboard._replace(widgets=tables), run, shown)
            there += widget_data(dashboard._replace(widgets=tables), source, shown)
    assert [one["kind"] for one in here].count("table") >= 3
    assert [one["kind"] for one in there] == [one["kind"] for one in here]
    for ours, theirs in zip(here, there, strict=True):
        assert theirs.get("columns") == ours.get("columns")
        assert rows(theirs, reported(records)) == rows(ours, reported(records))


def rows(table: Any, variants: set[str]) -> list[Any]:
    return [row for row in table.get("rows", []) if row[0] in variants]
