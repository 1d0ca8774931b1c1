"""`lab collect`, from the log events of CloudWatch Logs to a run's folder and its report."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from facts.names import Names
from lab.analysis.summary import summarise
from lab.aws.connection import Connection
from lab.collect.collect import Collection, collect
from lab.records.record import Record
from lab.steps import Steps
from tests.records import read_records
from tests.unit.lab.records.captured_lines import CAPTURED, Captured

FUNCTION = "cache-lab-no_cache"
GROUP = f"/aws/lambda/{FUNCTION}"


@pytest.fixture
def connection(ministack: str) -> Iterator[Connection]:
    """A deployed function with a log group."""
    connection = Connection(target="local", endpoint_url=ministack)
    client, logs = connection.client("lambda"), connection.client("logs")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", "")
    client.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/none",
        Handler="handler.handler",
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"CACHE_LAB_VARIANT": "no_cache"}},
    )
    version = client.publish_version(FunctionName=FUNCTION)["Version"]
    client.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=version)
    logs.create_log_group(logGroupName=GROUP)
    yield connection
    logs.delete_log_group(logGroupName=GROUP)
    client.delete_function(FunctionName=FUNCTION)


def put(logs: Any, number: int, captured: Captured, began: float) -> None:
    """Log a capture in a stream of its own: as if each environment had served one request."""
    stream = f"2026/11/21/[3]{number:032x}"
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    events = [
        {"timestamp": round((began + number) * 1000) + place, "message": message}
        for place, message in enumerate(captured.events)
    ]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def collected(connection: Connection, ministack: str, out: Path, began: float) -> dict[str | None, Record]:
    collection = Collection(("no_cache",), began, began + 600, Names(), "local", ministack)
    count = collect(collection, out, Steps(lambda _: None))
    records = list(read_records(out))
    assert len(records) == count
    return {record.request_id: record for record in records}


def test_lab_collect_loses_no_invocation_of_any_captured_kind(
    connection: Connection, ministack: str, tmp_path: Path
) -> None:
    began = time.time() - 900
    for number, captured in enumerate(CAPTURED):
        put(connection.client("logs"), number, captured, began)

    found = collected(connection, ministack, tmp_path / "run", began)

    assert set(found) == {captured.request_id for captured in CAPTURED}
    for captured in CAPTURED:
        record = found[captured.request_id]
        status = "ok" if captured.error_type is None else "function_error"
        assert (record.status, record.error_type) == (status, captured.error_type), captured.name
        assert (record.duration_ms, record.billed_ms, record.init_ms, record.restore_ms) == (
            captured.duration_ms,
            captured.billed_ms,
            captured.init_ms,
            captured.restore_ms,
        ), captured.name
        assert (record.memory_mb, record.max_memory_mb) == (captured.memory_mb, captured.max_memory_mb)


def test_a_timed_out_invocation_with_tracing_is_reported_as_a_function_error(
    connection: Connection, ministack: str, tmp_path: Path
) -> None:
    began = time.time() - 900
    chosen = [each for each in CAPTURED if each.name in ("warm and traced", "timed out and traced")]
    for number, captured in enumerate(chosen):
        put(connection.client("logs"), number, captured, began)
    collected(connection, ministack, tmp_path / "run", began)

    report = summarise(tmp_path / "run")

    (summary,) = report.variants
    assert (summary.invocations, summary.function_errors) == (2, 1)
    assert summary.error_types == {"Sandbox.Timedout": 1}
    assert json.loads((tmp_path / "run" / "run.json").read_text())["run"]["scenario"] == "collected"
