"""What CloudWatch Logs' clients read of functions at the endpoint.

Sources: AWS Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs", "Configuring JSON and plain text
log formats", "Log-level filtering" and "Lambda Telemetry API Event schema reference"; platform events of AWS as public
repositories quote them.
"""

import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from facts.lambda_log import LogFormat
from facts.names import Names
from lab.records.report_line import find_report
from stacks import log_queries
from stacks.settings import ApplicationSettings
from tests.engine.endpoint import Endpoint
from tests.engine.raw_http import request

SAYS = """
import os, sys, time
print("loading")
def handler(event, context):
    if "sleep" in event: time.sleep(event["sleep"])
    sys.stdout.write(event.get("say", "hello\\n"))
    if event.get("fail"): raise RuntimeError("no luck")
    return {"group": context.log_group_name, "stream": context.log_stream_name}
"""
LOGS = """
import json, logging, os
logger = logging.getLogger()
def handler(event, context):
    logger.debug("a debug message")
    logger.warning("a warning")
    print("printed")
    print(json.dumps({"level": "ERROR", "message": "a document"}))
    return {name: os.environ.get(name) for name in ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL")}
"""
RECORDS = """
import logging, time
logger = logging.getLogger()
logger.setLevel("INFO")
logger.info("in init\\nof two lines")
def handler(event, context):
    print("printed first")
    time.sleep(0.2)
    logger.info("a message\\nof three\\nlines")
    print("one\\ntwo")
    time.sleep(0.2)
    try: 1 / 0
    except ZeroDivisionError: logger.exception("it failed")
    print("unfinished", end="")
    logger.warning("last")
    if event: raise ValueError("refused")
"""
FRAME = """
import os, struct, time
def frame(message, kind=0xA55A0003, length=None, at=None):
    size = len(message) if length is None else length
    return struct.pack("!IIQ", kind, size, at or time.time_ns() // 1000) + message
"""
STREAM = re.compile(r"\d{4}/\d\d/\d\d/\[(\$LATEST|\d+)\][0-9a-f]{32}")


def events(endpoint: Endpoint, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The log events of a function, by the API that `aws logs tail` uses."""
    pages = endpoint.client("logs").get_paginator("filter_log_events")
    arguments = {"logGroupName": f"/aws/lambda/{name}"} | parameters
    return [event for page in pages.paginate(**arguments) for event in page["events"]]


def messages(endpoint: Endpoint, name: str, **parameters: Any) -> list[str]:
    return [event["message"] for event in events(endpoint, name, **parameters)]


def platform(found: list[str]) -> list[dict[str, Any]]:
    """The platform's events among messages of a function that logs JSON."""
    return [json.loads(message) for message in found if message.startswith('{"time":')]


def test_an_invocation_is_logged_from_init_to_report(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS)
    answer = endpoint.invoke(name)
    found = messages(endpoint, name)
    request = answer.request_id
    assert found[0].startswith("INIT_START Runtime Version: python:3.13")
    assert found[1:5] == [
        "loading\n",
        f"START RequestId: {request} Version: $LATEST\n",
        "hello\n",
        f"END RequestId: {request}\n",
    ]
    assert found[5].startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert len(found) == 6


def test_restore_start_is_in_the_log_group_and_not_in_the_tail(endpoint: Endpoint) -> None:
    """By analogy with INIT_START, of which this was recorded."""
    name = endpoint.new_function(SAYS, SnapStart={"ApplyOn": "PublishedVersions"})
    version = endpoint.aws_lambda.publish_version(FunctionName=name)["Version"]
    endpoint.wait_until_active(f"{name}:{version}")
    answer = endpoint.aws_lambda.invoke(FunctionName=name, Qualifier=version, LogType="Tail", Payload=b"{}")
    tail = base64.b64decode(answer["LogResult"]).decode().splitlines()
    # Over HTTP, each environment runs init itself.
    assert [line.split()[0] for line in tail][-5:] == ["RESTORE_REPORT", "START", "hello", "END", "REPORT"]
    found = [message for message in messages(endpoint, name) if message.startswith("RESTORE_START")]
    assert len(found) == 1
    assert re.search(r"\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n$", found[0])


def test_an_environment_has_a_stream_that_the_function_knows(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS)
    payload = endpoint.invoke(name).payload
    logs = endpoint.client("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    (stream,) = logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]
    assert payload == {"group": group["logGroupName"], "stream": stream["logStreamName"]}
    assert STREAM.fullmatch(stream["logStreamName"])
    assert stream["arn"] == group["arn"].removesuffix("*") + f"log-stream:{stream['logStreamName']}"


def test_two_environments_have_two_streams(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: endpoint.invoke(name, {"sleep": 0.5}), range(2)))
    streams = endpoint.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert len(streams) == 2
    for stream in streams:
        found = messages(endpoint, name, logStreamNames=[stream["logStreamName"]])
        assert [text.split()[0] for text in found] == ["INIT_START", "loading", "START", "hello", "END", "REPORT"]


def test_events_have_the_times_at_which_they_happened(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS)
    before = time.time() * 1000
    endpoint.invoke(name, {"sleep": 1.0})
    at = {event["message"].split()[0]: event["timestamp"] for event in events(endpoint, name)}
    after = time.time() * 1000  # the caller is answered before the log is brought to its end
    assert before - 2 <= at["INIT_START"] <= at["START"] <= at["END"] <= after
    assert at["END"] - at["START"] >= 998
    assert [e["timestamp"] for e in events(endpoint, name)] == sorted(e["timestamp"] for e in events(endpoint, name))


def test_a_stream_is_read_by_get_log_events_too(endpoint: Endpoint) -> None:
    name = endpoint.function(SAYS)
    stream = endpoint.invoke(name).payload["stream"]
    logs = endpoint.client("logs")
    answer = logs.get_log_events(logGroupName=f"/aws/lambda/{name}", logStreamName=stream, limit=2)
    assert [event["message"].split()[0] for event in answer["events"]] == ["END", "REPORT"]


def test_a_functions_error_is_logged(endpoint: Endpoint) -> None:
    name = endpoint.function(SAYS)
    endpoint.invoke(name, {"fail": True})
    assert any(text.startswith("[ERROR] RuntimeError: no luck") for text in messages(endpoint, name))


def test_what_the_platform_says_is_never_on_a_line_with_what_the_function_left_unfinished(endpoint: Endpoint) -> None:
    name = endpoint.function(SAYS)
    answer = endpoint.aws_lambda.invoke(FunctionName=name, Payload=b'{"say": "unfinished"}', LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert "unfinished" in tail
    assert "unfinished\n" in messages(endpoint, name)


def test_a_log_much_longer_than_the_tail_is_kept_whole(endpoint: Endpoint) -> None:
    name = endpoint.new_function(
        "def handler(event, context):\n    for n in range(5000): print(f'line {n:05}', 'x' * 50)"
    )
    endpoint.invoke(name)
    lines = [text.split()[1] for text in messages(endpoint, name, filterPattern="line")]
    assert lines == [f"{n:05}" for n in range(5000)]


def test_a_functions_own_log_group_is_used(endpoint: Endpoint) -> None:
    group = f"/shop/{time.time_ns()}"
    name = endpoint.new_function(SAYS, LoggingConfig={"LogGroup": group})
    assert endpoint.invoke(name).payload["group"] == group
    assert len(messages(endpoint, name, logGroupName=group)) == 6
    assert endpoint.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"] == []


def test_a_deleted_group_is_made_again_by_the_next_invocation_and_starts_empty(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS)
    endpoint.invoke(name)
    logs = endpoint.client("logs")
    messages(endpoint, name)
    logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        messages(endpoint, name)
    time.sleep(1.1)  # how long the endpoint takes a group for granted
    endpoint.invoke(name)
    assert [text.split()[0] for text in messages(endpoint, name)] == ["START", "hello", "END", "REPORT"]


def test_in_json_platform_lines_are_documents(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS, LoggingConfig={"LogFormat": "JSON"})
    request = endpoint.invoke(name).request_id
    start, begun, report = platform(messages(endpoint, name))
    assert {of["type"] for of in (start, begun, report)} == {"platform.initStart", "platform.start", "platform.report"}
    for event in (start, begun, report):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    assert start["record"].pop("runtimeVersionArn").startswith("arn:aws:lambda:us-east-1::runtime:")
    assert start["record"] == {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": "python:3.13.lab",
        "functionName": name,
        "functionVersion": "$LATEST",
    }
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert begun["record"] == {"requestId": request, "functionArn": arn, "version": "$LATEST"}
    metrics = report["record"].pop("metrics")
    assert report["record"] == {"requestId": request, "status": "success"}
    assert set(metrics) == {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}
    assert metrics["durationMs"] + metrics["initDurationMs"] <= metrics["billedDurationMs"]


def traced_invocation(endpoint: Endpoint, mode: str, sampled: int, **settings: Any) -> tuple[str, list[str]]:
    """The trace header that a function got, and the messages of its log."""
    source = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']"
    name = endpoint.new_function(source, TracingConfig={"Mode": mode}, **settings)
    headers = {"X-Amzn-Trace-Id": f"Root=1-5e34a614-10bd8d4f1fb44f07bc535a1a;Sampled={sampled}"}
    answer = request(endpoint.url, "POST", f"/2015-03-31/functions/{name}/invocations", b"{}", headers)
    return str(answer.json), messages(endpoint, name)


def test_with_active_tracing_report_and_the_trace_of_a_sampled_request_are_one_event(endpoint: Endpoint) -> None:
    """The order of fields and tabs is as in AWS's lines (`tests/unit/lab/records/captured_lines.py`)."""
    header, logged = traced_invocation(endpoint, "Active", 1)
    parent = header.split(";")[1].removeprefix("Parent=")
    report, trace, end = logged[-1].split("\n")
    assert report.startswith("REPORT RequestId: ")
    assert trace == f"XRAY TraceId: 1-5e34a614-10bd8d4f1fb44f07bc535a1a\tSegmentId: {parent}\tSampled: true\t"
    assert end == ""


@pytest.mark.parametrize(("mode", "sampled"), [("Active", 0), ("PassThrough", 1)])
def test_report_has_no_trace_without_sampling_or_active_tracing(endpoint: Endpoint, mode: str, sampled: int) -> None:
    _, logged = traced_invocation(endpoint, mode, sampled)
    assert "REPORT RequestId: " in logged[-1]
    assert "XRAY" not in logged[-1]


def test_in_json_the_report_of_a_sampled_request_has_its_trace(endpoint: Endpoint) -> None:
    """ "Lambda Telemetry API Event schema reference", TraceContext."""
    header, logged = traced_invocation(endpoint, "Active", 1, LoggingConfig={"LogFormat": "JSON"})
    assert platform(logged)[-1]["record"]["tracing"] == {"type": "X-Amzn-Trace-Id", "value": header}


def test_the_log_tail_and_the_collected_report_have_the_trace(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS, TracingConfig={"Mode": "Active"})
    answer = endpoint.aws_lambda.invoke(FunctionName=name, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert [line.split()[0] for line in tail.splitlines()][-3:] == ["END", "REPORT", "XRAY"]
    (event,) = (text for text in messages(endpoint, name) if text.startswith("REPORT"))
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert find_report(tail, request_id) == find_report(event, request_id) is not None


def test_in_json_a_warm_invocation_reports_no_init(endpoint: Endpoint) -> None:
    name = endpoint.function(SAYS, LoggingConfig={"LogFormat": "JSON"})
    endpoint.invoke(name)
    request = endpoint.invoke(name).request_id
    (report,) = platform(messages(endpoint, name, filterPattern=f'"platform.report" "{request}"'))
    assert "initDurationMs" not in report["record"]["metrics"]


@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("DEBUG", ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]),
        ("INFO", ["initStart", "start", "report"]),
        ("WARN", []),
    ],
)
def test_the_system_log_level_filters_platform_lines(endpoint: Endpoint, level: str, kinds: list[str]) -> None:
    """ "Log-level filtering", "System log level event mapping".""" ""
    name = endpoint.new_function(SAYS, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": level})
    endpoint.invoke(name)
    found = messages(endpoint, name)
    assert [event["type"].removeprefix("platform.") for event in platform(found)] == kinds
    assert "hello\n" in found


def test_at_level_warn_a_failure_is_still_logged(endpoint: Endpoint) -> None:
    settings = {"LogFormat": "JSON", "SystemLogLevel": "WARN"}
    name = endpoint.new_function(SAYS, LoggingConfig=settings, Timeout=1)
    endpoint.invoke(name, {"sleep": 2})
    done, report = platform(messages(endpoint, name))
    assert (done["type"], report["type"]) == ("platform.runtimeDone", "platform.report")
    assert report["record"]["status"] == "timeout"
    assert report["record"]["metrics"]["durationMs"] == 1000.0


@pytest.mark.parametrize(
    ("level", "logged"),
    [
        ("DEBUG", ["a debug message", "a warning", "printed", "a document"]),
        ("INFO", ["a warning", "printed", "a document"]),
        ("WARN", ["a warning", "a document"]),
        ("ERROR", ["a document"]),
    ],
)
def test_the_application_log_level_filters_the_functions_lines(
    endpoint: Endpoint, level: str, logged: list[str]
) -> None:
    """Python's logging is filtered by the runtime, what is printed by Lambda; a line without a level is INFO."""
    name = endpoint.new_function(LOGS, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": level})
    payload = endpoint.invoke(name).payload
    assert payload == {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": level}
    texts = [text for text in messages(endpoint, name) if not text.startswith('{"time":')]
    assert [
        word for word in ("a debug message", "a warning", "printed", "a document") if word in "".join(texts)
    ] == logged


def test_in_text_no_level_is_set(endpoint: Endpoint) -> None:
    payload = endpoint.invoke(endpoint.function(LOGS)).payload
    assert payload == {"AWS_LAMBDA_LOG_FORMAT": None, "AWS_LAMBDA_LOG_LEVEL": None}


def test_the_tail_of_a_json_log_has_the_report(endpoint: Endpoint) -> None:
    name = endpoint.function(SAYS, LoggingConfig={"LogFormat": "JSON"})
    answer = endpoint.aws_lambda.invoke(FunctionName=name, Payload=b'{"say": "unfinished"}', LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    found = find_report(tail, answer["ResponseMetadata"]["RequestId"])
    assert found is not None
    assert found.memory_mb == 512
    assert found.duration_ms is not None


def without_heads(found: list[str]) -> list[str]:
    """Messages of ``logging`` without level, time and request id."""
    return [text if text.startswith("REPORT") else text.rpartition("\t")[2] for text in found]


def test_a_record_of_logging_is_one_event_and_each_printed_line_another(endpoint: Endpoint) -> None:
    """The runtime frames records, so that message boundaries are known (awslambdaric, FramedTelemetryLogSink)."""
    name = endpoint.new_function(RECORDS)
    endpoint.invoke(name, True)
    found = without_heads(messages(endpoint, name))
    assert [found[1], *found[3:7]] == [
        "in init\nof two lines\n",
        "printed first\n",
        "a message\nof three\nlines\n",
        "one\n",
        "two\n",
    ]
    assert found[7].startswith("it failed\nTraceback (most recent call last):\n")
    assert found[7].endswith("\nZeroDivisionError: division by zero")
    assert found[8:10] == ["unfinished", "last\n"]
    assert found[10].startswith("[ERROR] ValueError: refused\nTraceback (most recent call last):\n")
    assert [text.split(" ")[0] for text in (found[2], found[11])] == ["START", "END"]
    assert len(found) == 13


def test_a_record_has_the_time_at_which_it_was_made(endpoint: Endpoint) -> None:
    name = endpoint.function(RECORDS)
    endpoint.invoke(name)
    endpoint.invoke(name)
    found = events(endpoint, name)
    at = {text.split()[0]: event["timestamp"] for event in found for text in without_heads([event["message"]])}
    assert at["START"] <= at["a"]  # a message; the engine may write START a little late
    assert at["a"] + 198 <= at["it"] <= at["last"] <= at["END"]


def test_the_log_tail_shows_records_as_text(endpoint: Endpoint) -> None:
    name = endpoint.function(RECORDS)
    answer = endpoint.aws_lambda.invoke(FunctionName=name, Payload=b"1", LogType="Tail")
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    text = "\n".join(without_heads(lines))
    assert "printed first\na message\nof three\nlines\none\ntwo\nit failed\nTraceback (most recent" in text
    assert "\nunfinished\nlast\n[ERROR] ValueError: refused\nTraceback (most recent call last):\n" in text
    assert "\0" not in text


def test_a_json_record_of_many_lines_is_one_document(endpoint: Endpoint) -> None:
    name = endpoint.new_function(RECORDS, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"})
    endpoint.invoke(name)
    found = [json.loads(text) for text in messages(endpoint, name) if text.startswith('{"timestamp"')]
    assert [event["message"] for event in found] == [
        "in init\nof two lines",
        "a message\nof three\nlines",
        "it failed",
        "last",
    ]
    assert found[2]["errorType"] == "ZeroDivisionError"
    assert {"printed first\n", "one\n", "two\n"} <= set(messages(endpoint, name))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("frame(b'short', length=90)", "\ufffdZ\0\3\0\0\0\x5a", id="a frame that never ends"),
        pytest.param("frame(b'long', length=1 << 31)", "\ufffdZ\0\3", id="a frame longer than any"),
        pytest.param("frame(b'cut')[:7]", "\ufffdZ\0\3\0\0\0", id="half a head"),
        pytest.param("b'text\\xa5'", "text\ufffd", id="what could begin a frame"),
        pytest.param("frame(b'early', at=1)", "early", id="a time long ago"),
        pytest.param("frame(b'late', at=(1 << 64) - 1)", "late", id="a time far ahead"),
        pytest.param("frame(b'')", "", id="an empty frame"),
        pytest.param("frame(b'\\xff\\xfe')", "\ufffd\ufffd", id="no text"),
        pytest.param("frame(b'REPORT RequestId: forged')", "REPORT RequestId: forged", id="a platform line"),
    ],
)
def test_frames_of_a_functions_own_making_harm_its_log_alone(endpoint: Endpoint, written: str, shown: str) -> None:
    handler = f"\ndef handler(event, context):\n    for fd in (1, 4): os.write(fd, {written})\n    return 'done'\n"
    name = endpoint.function(FRAME + handler)
    for _ in range(2):
        answer = endpoint.aws_lambda.invoke(FunctionName=name, LogType="Tail")
        assert json.loads(answer["Payload"].read()) == "done"
        request_id = answer["ResponseMetadata"]["RequestId"]
        tail = base64.b64decode(answer["LogResult"]).decode("utf-8", "replace")
        assert shown in tail
        assert find_report(tail, request_id) is not None
        of_it = [text for text in messages(endpoint, name) if request_id in text]
        assert [text.split()[0] for text in of_it] == ["START", "END", "REPORT"]
    assert any(shown in text for text in messages(endpoint, name))


def test_records_larger_than_the_pipe_are_whole(endpoint: Endpoint) -> None:
    """An event has 256 KB at most, so the largest is cut; above a megabyte it is lines."""
    source = (
        RECORDS.partition("def")[0]
        + """
def handler(event, context):
    for size in event: logger.info("x" * size + "\\ny")
"""
    )
    name = endpoint.new_function(source)
    endpoint.invoke(name, [70_000, 200_000, 600_000, 2_000_000])
    sizes = [text.count("x") for text in messages(endpoint, name, filterPattern="x")]
    assert sizes[:2] == [70_000, 200_000]
    assert sum(sizes[2:5]) == 600_000
    assert 2_000_000 <= sum(sizes[5:]) <= 2_000_001  # the frame's head is text too
    assert "y\n" in messages(endpoint, name)


def insights(endpoint: Endpoint, query: str, **parameters: Any) -> list[dict[str, str]]:
    """The rows of a query over the last ten minutes."""
    logs, now = endpoint.client("logs"), int(time.time())
    started = logs.start_query(queryString=query, startTime=now - 600, endTime=now, **parameters)
    answer = logs.get_query_results(queryId=started["queryId"])
    assert answer["status"] == "Complete"
    return [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_queries_of_the_dashboards_have_the_figures_of_the_reports(
    endpoint: Endpoint, log_format: LogFormat
) -> None:
    group = f"/aws/lambda/cache-lab-{log_format}"
    settings = {"LogFormat": {"text": "Text", "json": "JSON"}[log_format], "LogGroup": group}
    name = endpoint.new_function("def handler(event, context): print('{\"read_units\": 2}')", LoggingConfig=settings)
    answers = [endpoint.aws_lambda.invoke(FunctionName=name, LogType="Tail") for _ in range(2)]
    reports = [
        find_report(base64.b64decode(answer["LogResult"]).decode(), answer["ResponseMetadata"]["RequestId"])
        for answer in answers
    ]
    cold, warm = reports
    assert cold is not None
    assert warm is not None
    of = ApplicationSettings(log_format=log_format)

    def rows(query: log_queries.LogQuery) -> list[dict[str, str]]:
        return insights(endpoint, " | ".join([f"SOURCE '{group}'", *query.commands([log_format], Names())]))

    of_warm, of_cold = rows(log_queries.duration_by_start(of))
    assert (of_warm["variant"], of_warm["coldStart"], of_warm["invocations"]) == (log_format, "0", "1")
    assert float(of_warm["p50"]) == warm.duration_ms
    assert cold.duration_ms is not None
    assert cold.init_ms is not None
    assert float(of_cold["longest"]) == pytest.approx(cold.duration_ms + cold.init_ms)
    (starts,) = rows(log_queries.starts(of))
    assert (starts["inits"], starts["restores"]) == ("1", "0")
    assert float(starts["initP50"]) == cold.init_ms
    assert cold.billed_ms is not None
    assert warm.billed_ms is not None
    assert float(starts["billedMean"]) == (cold.billed_ms + warm.billed_ms) / 2
    (cost,) = rows(log_queries.cost(of))
    assert float(cost["downstreamReads"]) == pytest.approx(2e6 * 0.125e-6)
    assert float(cost["total"]) > float(cost["downstreamReads"])


def test_log_groups_are_queried_for_events_newest_first(endpoint: Endpoint) -> None:
    name = endpoint.new_function(SAYS)
    endpoint.invoke(name, {"say": "first\n"})
    endpoint.invoke(name, {"say": "second\n"})
    query = "fields @message | filter @message like /first|second/ | limit 1"
    rows = insights(endpoint, query, logGroupNames=[f"/aws/lambda/{name}"])
    assert rows == [{"@message": "second\n"}]


def test_a_query_is_refused_as_aws_refuses_it(endpoint: Endpoint) -> None:
    name = endpoint.function(SAYS)
    endpoint.invoke(name)
    logs, group = endpoint.client("logs"), {"logGroupName": f"/aws/lambda/{name}"}
    with pytest.raises(logs.exceptions.MalformedQueryException, match="'dedup' of its query is not known"):
        insights(endpoint, "dedup @message", **group)
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="'/nowhere' does not exist"):
        insights(endpoint, "limit 1", logGroupName="/nowhere")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="does not exist"):
        logs.get_query_results(queryId="none")
    identifier = logs.start_query(queryString="limit 1", startTime=0, endTime=1, **group)["queryId"]
    with pytest.raises(logs.exceptions.InvalidParameterException, match="cannot be stopped"):
        logs.stop_query(queryId=identifier)
    assert identifier in [query["queryId"] for query in logs.describe_queries(**group)["queries"]]
