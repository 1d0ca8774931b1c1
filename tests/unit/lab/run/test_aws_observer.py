"""What a run on AWS observes beside its records."""

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws import table_metrics
from lab.aws.connection import Connection
from lab.aws.table_metrics import TableMetrics, TableReads
from lab.drive.tally import Tally
from lab.records.record import Outcome
from lab.records.run_file import RunFile
from lab.run.aws_observer import AwsObserver
from lab.run.settings import RunSettings
from lab.steps import Steps

SETTINGS = RunSettings(variants=("a",))
DENIED = "User: arn:aws:iam::111122223333:user/lab is not authorized to perform: cloudwatch:GetMetricStatistics"


def test_a_denied_count_is_a_warning_without_the_accounts_number(connection: Connection) -> None:
    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": DENIED}}, "GetMetricStatistics")

    connection._session.events.register("before-call.cloudwatch.GetMetricStatistics", denied)
    observer = AwsObserver(connection, SETTINGS, Tally(("a",)), Steps(lambda _: None))
    observer.wait_for_table_metrics(1_795_000_000.0, 1_795_000_060.0, patience_s=1.0)
    run = observer.end(RunFile())

    found = {each.code: each.message for each in run.warnings}
    assert "arn:aws:iam::<account>:user/lab is not authorized" in found["downstream_count_unread"]
    assert "111122223333" not in run.to_json()


def test_the_wait_for_dynamodbs_count_is_announced_with_its_limit(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TableMetrics, "wait", lambda *_, **__: TableReads({}, 0.0, whole=True))
    said: list[str] = []
    observer = AwsObserver(connection, SETTINGS, Tally(("a",)), Steps(said.append))
    observer.wait_for_table_metrics(1_795_000_000.0, 1_795_000_060.0, patience_s=300.0)
    assert said[0] == (
        "wait for DynamoDB's own count of the reads, 300 s at most; Ctrl-C ends the wait and keeps the run"
    )


def test_the_wait_for_dynamodbs_count_does_not_miss_failed_attempts(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB's metric has successful requests only: of ten attempts, of which four failed, six."""
    monkeypatch.setattr(table_metrics, "PAUSE_S", 0.01)
    monkeypatch.setattr(TableMetrics, "read", lambda _: TableReads({"GetItem": 6}, 6.0, whole=False))
    tally = Tally(("a",))
    tally.count("a", Outcome(status="ok", downstream_calls=4, downstream_errors=1))
    tally.count("a", Outcome(status="function_error", downstream_calls=6, downstream_errors=3))
    observer = AwsObserver(connection, SETTINGS, tally, Steps(lambda _: None))

    observer.wait_for_table_metrics(1_795_000_000.0, 1_795_000_060.0, patience_s=5.0)

    aws = observer.end(RunFile()).aws
    assert aws is not None
    assert aws.downstream is not None
    assert (aws.downstream.functions_calls, aws.downstream.functions_errors) == (10, 4)
    assert (aws.downstream.cloudwatch_calls, aws.downstream.cloudwatch_whole) == (6, True)


@pytest.mark.parametrize(("instance", "table"), [(None, "cache-lab-items"), ("anna", "cache-lab-anna-items")])
def test_dynamodbs_count_is_that_of_the_instances_table(
    connection: Connection, instance: str | None, table: str
) -> None:
    asked: list[str] = []

    def refused(params: dict[str, Any], **_: Any) -> None:
        asked.append(str(params["body"]))
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": DENIED}}, "GetMetricStatistics")

    connection._session.events.register("before-call.cloudwatch.GetMetricStatistics", refused)
    settings = dataclasses.replace(SETTINGS, instance=instance)
    observer = AwsObserver(connection, settings, Tally(("a",)), Steps(lambda _: None))
    observer.wait_for_table_metrics(1_795_000_000.0, 1_795_000_060.0, patience_s=1.0)

    assert asked
    assert f"'{table}'" in asked[0] or f'"{table}"' in asked[0]
