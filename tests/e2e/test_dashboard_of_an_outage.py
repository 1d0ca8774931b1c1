"""What the dashboard shows of a run is what CloudWatch's clients are told of the same run's functions."""

import datetime
import json
import math
from pathlib import Path
from typing import Any

import boto3
import pytest

from cloudwatch.dashboard import read_dashboard
from cloudwatch.ranges import range_of
from lab.dashboard.record_store import RecordStore
from lab.dashboard.results import Wire, results
from lab.dashboard.values import Values
from lab.records.record import Record
from lab.records.run_file import read_run
from tests.e2e.conftest import CONTEXT, lab
from tests.records import read_records

VARIANTS = ("no_cache", "ttl_cache", "snapstart")


def metric(variant: str) -> list[Any]:
    return ["CacheLab", "DownstreamErrors", "Variant", variant, {"stat": "Sum", "period": 60, "label": variant}]


def on_the_dashboard(folder: Path) -> dict[str, float]:
    """The sums of a whole run; of records alone, without what the wire saw."""
    properties = {"view": "singleValue", "setPeriodToTimeRange": True, "metrics": [metric(name) for name in VARIANTS]}
    body = json.dumps({"widgets": [{"type": "metric", "properties": properties}]})
    with RecordStore(folder) as store:
        store.catch_up()
        window = store.seen().window
        assert window is not None
        (numbers,) = results(read_dashboard("one", body), Values(store), range_of(*window, None, 60), Wire({}))
    return dict(zip(VARIANTS, numbers["values"], strict=True))


def at_the_endpoint(cloudwatch: Any, records: list[Record]) -> dict[str, float]:
    """The sums from the first record to the last, by GetMetricData."""
    began = math.floor(min(record.sent_at or math.inf for record in records))
    ended = math.ceil(max(record.received_at or 0 for record in records)) + 1
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
    begin, end = (datetime.datetime.fromtimestamp(at, datetime.UTC) for at in (began, ended))
    found = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=begin, EndTime=end)["MetricDataResults"]
    return {result["Id"]: sum(result["Values"]) for result in found}


@pytest.fixture(scope="module")
def outage(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "outage"
    variants = [argument for name in VARIANTS for argument in ("--variant", name)]
    arguments = ["--duration", "9", "--rate", "10", "--seed", "7", "--scenario", "outage", *variants, *CONTEXT]
    answer = lab("run", "--endpoint-url", endpoint, "--out", str(folder), *arguments)
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
    assert own == {name: wire[name].downstream_calls for name in VARIANTS}
    report = json.loads(lab("report", str(outage), "--format", "json").stdout)
    assert {one["variant"]: one["downstream_calls"] for one in report["variants"]} == own
    for one in report["variants"]:
        ran = one["extensions"]["ran"]
        assert one["downstream_calls_per_1000"] == pytest.approx(own[one["variant"]] / ran * 1000, abs=1e-3)
    assert "downstream_count_differs" not in {one["code"] for one in report["warnings"]}


def test_downstream_errors_are_those_of_get_metric_data_and_of_the_wire(outage: Path, endpoint: str) -> None:
    records = list(read_records(outage))
    failed = [record for record in records if record.error_type == "DownstreamError"]
    assert failed
    assert all(record.downstream_errors for record in failed)

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    make: Any = boto3.client
    cloudwatch = make("cloudwatch", endpoint_url=endpoint, **keys)
    shown = on_the_dashboard(outage)
    wire = read_run(outage).wire or {}

    assert shown["no_cache"] > 0
    assert shown == at_the_endpoint(cloudwatch, records)
    assert shown == {name: wire[name].downstream_errors for name in VARIANTS}
