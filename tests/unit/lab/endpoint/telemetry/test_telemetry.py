"""The endpoint's end and the telemetry process together."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lab.endpoint.http_server import Request
from lab.endpoint.telemetry import entries
from lab.endpoint.telemetry import telemetry as module
from lab.endpoint.telemetry.telemetry import Telemetry
from lab.engine.function import FunctionVersion
from lab.engine.logs.platform_log import ReportLine

NO_EMULATOR = "http://127.0.0.1:9"


pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def telemetry(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Telemetry]:
    """One for all tests that leave it as it was: each has a function of its own."""
    async with _telemetry(tmp_path_factory.mktemp("telemetry")) as telemetry:
        yield telemetry


@contextlib.asynccontextmanager
async def _telemetry(folder: Path, log_file: Path | None = None) -> AsyncIterator[Telemetry]:
    telemetry = Telemetry(folder, NO_EMULATOR, log_file)
    await telemetry.start()
    try:
        yield telemetry
    finally:
        await telemetry.close()


@pytest.fixture
def shop() -> FunctionVersion:
    """A function that no other test knows."""
    return version(f"shop-{next(_numbers)}")


def version(name: str, **changes: Any) -> FunctionVersion:
    fields: dict[str, Any] = {
        "name": name,
        "version": "$LATEST",
        "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
        "handler": "function.handler",
        "runtime": "python3.13",
        "memory_mb": 512,
        "timeout_s": 3.0,
        "tmp_mb": 512,
        "environment": (),
        "code_dir": Path(),
        "layers_dir": Path(),
        "log_group": "/aws/lambda/shop",
    }
    return FunctionVersion(**(fields | changes))


def report(**changes: Any) -> ReportLine:
    fields: dict[str, Any] = {"request_id": "1", "duration_ms": 2.0, "memory_mb": 512, "max_memory_mb": 60}
    return ReportLine(**(fields | changes))


def request(target: str, parameters: dict[str, Any]) -> Request:
    made = Request()
    made.method, made.target = "POST", b"/"
    made.headers = {b"x-amz-target": target.encode()}
    made.body = json.dumps(parameters).encode()
    return made


async def total(telemetry: Telemetry, of: FunctionVersion, name: str, statistic: str = "Sum") -> float:
    parameters = {
        "Namespace": "AWS/Lambda",
        "MetricName": name,
        "Dimensions": [{"Name": "FunctionName", "Value": of.name}],
        "StartTime": 0,
        "EndTime": 60 * 10**9,
        "Period": 60 * 10**8,
        "Statistics": [statistic],
    }
    answer = await telemetry.answer(
        request("GraniteServiceVersion20100801.GetMetricStatistics", parameters), "monitoring"
    )
    assert answer is not None
    points = json.loads(answer[2])["Datapoints"]
    return float(points[0][statistic]) if points else 0.0


async def test_an_answer_includes_everything_reported_before(telemetry: Telemetry, shop: FunctionVersion) -> None:
    for count in range(1, 4):
        telemetry.started(shop)
        telemetry.invocation(shop, shop.arn, "s", b"END\n", report())
        assert await total(telemetry, shop, "Invocations") == count


async def test_many_invocations_are_counted_to_the_last(telemetry: Telemetry, shop: FunctionVersion) -> None:
    for _ in range(5000):
        telemetry.started(shop)
        telemetry.invocation(shop, shop.arn, "s", b"x" * 500 + b"\n", report())
    assert await total(telemetry, shop, "Invocations") == 5000
    assert telemetry.warnings() == []


async def test_concurrency_is_how_many_were_under_way_at_most(telemetry: Telemetry, shop: FunctionVersion) -> None:
    for _ in range(3):
        telemetry.started(shop)
    for _ in range(3):
        telemetry.invocation(shop, shop.arn, "s", b"", report())
    telemetry.started(shop)
    telemetry.invocation(shop, shop.arn, "s", b"", report())
    assert await total(telemetry, shop, "ConcurrentExecutions", "Maximum") == 3
    assert await total(telemetry, shop, "ConcurrentExecutions", "Minimum") == 1


async def test_entries_are_passed_on_without_being_asked_for(telemetry: Telemetry, shop: FunctionVersion) -> None:
    telemetry.log(shop, "s", b"x\n")
    async with asyncio.timeout(60):
        while telemetry._pending:
            await asyncio.sleep(0.02)


async def test_entries_are_as_they_are_declared(telemetry: Telemetry, shop: FunctionVersion) -> None:
    await total(telemetry, shop, "Invocations")
    json_logger = version("till", log_format="JSON", application_log_level="WARN", version="7")
    telemetry.started(json_logger)
    failed = report(init_ms=100.0, restore_ms=9.0, restore_billed_ms=5.0, status="error")
    telemetry.invocation(json_logger, "arn:live", "s", b"log\n", failed)
    telemetry.log(shop, "s", b"part")
    telemetry.throttled(shop, "arn:live")
    invocation = entries.Invocation._make(telemetry._pending[0])
    assert invocation._replace(at=0.0) == entries.Invocation(
        kind=entries.INVOCATION,
        function="till",
        version="7",
        arn="arn:live",
        log_group="/aws/lambda/shop",
        log_stream="s",
        level="WARN",
        log=b"log\n",
        at=0.0,
        failed=True,
        running=1,
        all_running=1,
        request_id="1",
        duration_ms=2.0,
        billed_ms=107,
        memory_mb=512,
        max_memory_mb=60,
        init_ms=100.0,
        restore_ms=9.0,
    )
    log = entries.Log._make(telemetry._pending[1])
    assert log._replace(at=0.0) == (entries.LOG, "/aws/lambda/shop", "s", None, b"part", 0.0)
    throttle = entries.Throttle._make(telemetry._pending[2])
    assert throttle._replace(at=0.0) == (entries.THROTTLE, shop.name, "$LATEST", "arn:live", 0.0)
    assert entries.log_groups(telemetry._pending) == {"/aws/lambda/shop"}


async def test_logs_that_come_too_fast_are_dropped_with_a_warning_and_metrics_are_not(
    shop: FunctionVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 1 << 20)
    async with _telemetry(tmp_path) as telemetry:
        for _ in range(100):
            telemetry.started(shop)
            telemetry.invocation(shop, shop.arn, "s", b"x" * 100_000, report())
        assert await total(telemetry, shop, "Invocations") == 100
        (warning,) = telemetry.warnings()
        assert warning["code"] == "logs_dropped"


async def test_the_emulator_answers_what_telemetry_does_not(telemetry: Telemetry) -> None:
    for service, target in [
        ("monitoring", "GraniteServiceVersion20100801.PutDashboard"),
        ("logs", "Logs_20140328.CreateLogGroup"),
        ("logs", "Logs_20140328.FilterLogEvents"),
        ("dynamodb", "DynamoDB_20120810.GetItem"),
        ("", "GraniteServiceVersion20100801.ListMetrics"),
    ]:
        assert await telemetry.answer(request(target, {"logGroupName": "/other"}), service) is None


async def test_clients_of_every_protocol_are_answered(telemetry: Telemetry, shop: FunctionVersion) -> None:
    telemetry.throttled(shop, shop.arn)
    as_json = request("GraniteServiceVersion20100801.ListMetrics", {"Namespace": "AWS/Lambda"})
    as_cbor, as_form, as_url = Request(), Request(), Request()
    as_cbor.target = b"/service/GraniteServiceVersion20100801/operation/ListMetrics"
    as_cbor.body = b"\xa0"
    as_form.target, as_form.body = b"/", b"Action=ListMetrics&Version=2010-08-01&Namespace=AWS%2FLambda"
    as_url.target = b"/?Action=ListMetrics&Version=2010-08-01"
    for asked in (as_json, as_cbor, as_form, as_url):
        answer = await telemetry.answer(asked, "monitoring")
        assert answer is not None
        assert answer[0] == 200
        assert b"Throttles" in answer[2]


async def test_what_is_not_valid_is_refused_and_the_next_request_answered(
    telemetry: Telemetry, shop: FunctionVersion
) -> None:
    answer = await telemetry.answer(request("GraniteServiceVersion20100801.GetMetricData", {}), "monitoring")
    assert answer is not None
    assert answer[0] == 400
    telemetry.throttled(shop, shop.arn)
    assert await total(telemetry, shop, "Throttles") == 1


async def test_the_end_of_the_process_is_a_warning_and_disturbs_no_invocation(
    shop: FunctionVersion, tmp_path: Path
) -> None:
    async with _telemetry(tmp_path) as telemetry:
        await total(telemetry, shop, "Invocations")
        os.kill(telemetry._process.pid, signal.SIGSTOP)
        question = request("GraniteServiceVersion20100801.ListMetrics", {})
        asked = asyncio.ensure_future(telemetry.answer(question, "monitoring"))
        await asyncio.sleep(0.05)
        os.kill(telemetry._process.pid, signal.SIGKILL)
        answer = await asyncio.wait_for(asked, 10)
        assert answer is not None
        assert answer[0] == 503
        assert await telemetry.answer(question, "monitoring") == answer
        for _ in range(1000):
            telemetry.started(shop)
            telemetry.invocation(shop, shop.arn, "s", b"x" * 1000, report())
        assert [warning["code"] for warning in telemetry.warnings()] == ["telemetry_ended"]
        assert len(telemetry._pending) < 100


async def test_what_goes_wrong_in_the_process_is_in_the_log_file(tmp_path: Path) -> None:
    log = tmp_path / "lab.log"
    log.write_text("before\n")
    async with _telemetry(tmp_path / "telemetry", log) as telemetry:
        telemetry._put((entries.LOG, "no", "such", "entry"), 0)
        await telemetry.answer(request("GraniteServiceVersion20100801.ListMetrics", {}), "monitoring")
        assert [warning["code"] for warning in telemetry.warnings()] == ["telemetry_lost"]
    first, second, third, *_ = log.read_text().splitlines()
    assert first == "before"
    assert second.endswith("logs or metrics were lost")
    assert third == "Traceback (most recent call last):"


async def test_the_process_ends_with_the_endpoint_even_if_that_never_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.endpoint.telemetry.telemetry.STOP_LIMIT_S", 60)  # a busy machine is late
    telemetry = Telemetry(tmp_path, NO_EMULATOR)
    await telemetry.close()
    assert telemetry._process.returncode == 0
