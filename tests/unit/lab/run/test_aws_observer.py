"""What a run on AWS observes beside its records."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws.connection import Connection
from lab.drive.tally import Tally
from lab.records.run_file import RunFile
from lab.run.aws_observer import AwsObserver
from lab.steps import Steps

DENIED = "User: arn:aws:iam::111122223333:user/lab is not authorized to perform: cloudwatch:GetMetricStatistics"


def test_a_denied_count_is_a_warning_without_the_accounts_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "cachelab")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    connection = Connection(target="aws", endpoint_url=None)

    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": DENIED}}, "GetMetricStatistics")

    connection._session.events.register("before-call.cloudwatch.GetMetricStatistics", denied)
    observer = AwsObserver(connection, "dynamodb", Tally(("a",)), Steps(lambda _: None))
    observer.wait_for_table_metrics(1_795_000_000.0, 1_795_000_060.0, patience_s=1.0)
    run = observer.end(RunFile())

    found = {each.code: each.message for each in run.warnings}
    assert "arn:aws:iam::<account>:user/lab is not authorized" in found["downstream_count_unread"]
    assert "111122223333" not in run.to_json()
