"""DynamoDB's own count, as CloudWatch has it."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from lab.aws.connection import Connection
from lab.aws.table_metrics import TableMetrics, TableReads
from lab.errors import LabError

BEGIN = 1_795_000_020.0  # a whole minute


@pytest.fixture
def put(ministack: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts values of a metric of the table, as DynamoDB does."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    make: Any = boto3.client
    client = make("cloudwatch", region_name="eu-central-1")

    def put_values(table: str, metric: str, at: float, values: list[float], **dimensions: str) -> None:
        named = {"TableName": table, **dimensions}
        datum = {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in named.items()],
            "Timestamp": at,
        }
        client.put_metric_data(Namespace="AWS/DynamoDB", MetricData=[datum | {"Value": value} for value in values])

    return put_values


def test_reads_of_the_window_alone_are_counted(put: Callable[..., None]) -> None:
    now = float(int(time.time() / 60) * 60)
    put("t", "SuccessfulRequestLatency", now - 50, [3.0, 4.0], Operation="GetItem")
    put("t", "SuccessfulRequestLatency", now - 130, [3.0], Operation="GetItem")
    put("t", "SuccessfulRequestLatency", now - 110, [3.0, 5.0, 9.0], Operation="BatchGetItem")
    put("t", "SuccessfulRequestLatency", now - 50, [3.0], Operation="UpdateItem")
    put("other", "SuccessfulRequestLatency", now - 50, [3.0], Operation="GetItem")
    put("t", "ConsumedReadCapacityUnits", now - 50, [0.5, 1.5])
    connection = Connection(target="aws", endpoint_url=None)

    found = TableMetrics(connection, "t", now - 95, now - 40).read()

    assert found == TableReads({"GetItem": 2, "BatchGetItem": 3}, 2.0, whole=False)
    assert found.total == 5


class Late(TableMetrics):
    """Metrics that come late: the totals of one reading after another."""

    def __init__(self, totals: list[int]) -> None:
        self.totals = iter(totals)

    def read(self) -> TableReads:
        return TableReads({"GetItem": next(self.totals)}, 0.0, whole=False)


@pytest.mark.parametrize(
    ("totals", "total", "whole", "waited"),
    [
        ([0, 0, 40, 100, 100], 100, True, 60),
        ([100, 100], 100, True, 15),
        ([100, 130, 130], 130, True, 30),
        ([0] * 10, 0, False, 100),
        ([0, 90, 90, 90, 90, 90, 90, 90, 90], 90, False, 100),
    ],
)
def test_a_count_is_whole_when_nothing_is_added_any_more(
    totals: list[int], total: int, whole: bool, waited: float
) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    found = Late(totals).wait(least=100, patience_s=100, now=lambda: now[0], sleep=sleep)

    assert (found.total, found.whole, now[0]) == (total, whole, waited)


def test_who_may_not_read_metrics_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    connection = Connection(target="aws", endpoint_url=None)

    with pytest.raises(LabError, match="cannot read DynamoDB's metrics"):
        TableMetrics(connection, "t", BEGIN, BEGIN + 60).read()
