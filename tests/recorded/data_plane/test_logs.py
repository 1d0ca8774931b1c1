"""Logs and log tails, as recordings of AWS show them."""

import re

import pytest

from tests.engine.endpoint import Endpoint
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.logs import logged, messages, tail
from tests.recorded.data_plane.sources import DESTINATIONS, EXIT_IN_INIT, FAILED_INIT, LAMBDA, RUNTIMES

pytestmark = pytest.mark.usefixtures("lambdas_paths")
ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ECHO = "def handler(event, context): print(event); return event"
FAILS = "def handler(event, context): raise Exception('Test exception')"
LOADS = "print('loading')\ndef handler(event, context): ..."
LOGS = """
import logging
logger = logging.getLogger()
logger.setLevel("INFO")
def handler(event, context):
    print("a line")
    logger.info("a message")
"""
PRINTS = "def handler(event, context): print('multi\\nline\\nstring'); print('another\\rline')"
SLEEPS = "import time\ndef handler(event, context): time.sleep(5)"
EXITS = "import os\ndef handler(event, context): os._exit(137)"


@pytest.fixture(scope="module")
def cold(endpoint: Endpoint) -> list[str]:
    """The log tail of a cold start."""
    return tail(endpoint, endpoint.new_function(ECHO))


@pytest.fixture(scope="module")
def failed_init(endpoint: Endpoint) -> tuple[list[str], list[str]]:
    """The log tail and the log events of a function with a handler whose module does not exist."""
    name = endpoint.new_function("", Handler="search.handler")
    return tail(endpoint, name), messages(endpoint, name)


@pytest.fixture(scope="module")
def printed(endpoint: Endpoint) -> list[str]:
    """The log events of a function that prints several lines at once."""
    return logged(endpoint, PRINTS)


@pytest.fixture(scope="module")
def exit_in_init(endpoint: Endpoint) -> list[str]:
    """The log events of a function that ends in its init."""
    return logged(endpoint, "print('unavailable')\nimport sys\nsys.exit(0)")


def kinds(found: list[str]) -> list[str]:
    """The first words of lines or messages; of an INIT_REPORT also its phase."""
    return [
        re.sub(r".*\t(Phase: \w+)\t.*\n", r"INIT_REPORT \1", line) if "\tPhase: " in line else line.split()[0]
        for line in found
    ]


@behaviour(
    "the log tail of a cold start begins with START: INIT_START is not in it",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_with_logs[python3.10]",
)
def test_the_log_tail_of_a_cold_start_begins_with_start(cold: list[str]) -> None:
    assert re.fullmatch(rf"START RequestId: {ID} Version: \$LATEST\n", cold[0])


@behaviour(
    "what the function prints is between START and END, and REPORT is last",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_with_logs[python3.10]",
)
def test_what_is_printed_is_between_start_and_end(cold: list[str]) -> None:
    assert [line.split(" ")[0] for line in cold] == ["START", "{}\n", "END", "REPORT"]


@behaviour(
    "REPORT of a cold start has its parts in the order Duration, Billed Duration, Memory Size, Max Memory Used, Init"
    " Duration, each with a tab after it",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_with_logs[python3.10]",
)
def test_report_has_its_parts_in_order(cold: list[str]) -> None:
    assert re.fullmatch(
        rf"REPORT RequestId: {ID}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: \d+\.\d\d ms\t\n",
        cold[-1],
    )


@behaviour(
    "REPORT of a warm invocation has no Init Duration",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_type_event_error",
)
def test_report_of_a_warm_invocation_has_no_init_duration(endpoint: Endpoint) -> None:
    name = endpoint.function(ECHO)
    endpoint.invoke(name)
    assert re.search(r"\tMax Memory Used: \d+ MB\t\n$", tail(endpoint, name)[-1])


@behaviour(
    "START, END and REPORT have the request id that the caller gets",
    source=f"{LAMBDA}, TestRequestIdHandling.test_request_id_invoke",
)
def test_platform_lines_have_the_callers_request_id(endpoint: Endpoint) -> None:
    name = endpoint.new_function(LOGS)
    request_id = endpoint.invoke(name).request_id
    found = [message for message in messages(endpoint, name) if "RequestId" in message]
    assert [re.search(ID, message)[0] for message in found] == [request_id] * 3  # type: ignore[index]


@behaviour(
    "a message of logging is [LEVEL], time, request id and text, with tabs between them",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_with_qualifier",
)
def test_a_message_of_logging_has_level_time_and_request_id(endpoint: Endpoint) -> None:
    lines = tail(endpoint, endpoint.function(LOGS))
    assert lines[-4] == "a line\n"
    assert re.fullmatch(rf"\[INFO\]\t{TIME}\t{ID}\ta message\n", lines[-3])


@behaviour(
    "the log group begins with INIT_START: the runtime's version and its ARN, with a tab between them",
    source=f"{RUNTIMES}, TestCloudwatchLogs.test_multi_line_prints",
)
def test_the_log_group_begins_with_init_start(printed: list[str]) -> None:
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.13\.\S+\t"
        r"Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n",
        printed[0],
    )


@behaviour(
    "each printed line is a log event; a carriage return does not end a line",
    source=f"{RUNTIMES}, TestCloudwatchLogs.test_multi_line_prints",
)
def test_each_printed_line_is_an_event(printed: list[str]) -> None:
    assert printed[2:6] == ["multi\n", "line\n", "string\n", "another\rline\n"]


@behaviour(
    "an exception is one log event: its lines are indented with no-break spaces",
    source=f"{LAMBDA}, TestLambdaFeatures.test_invocation_type_event_error",
)
def test_an_exception_is_one_event(endpoint: Endpoint) -> None:
    assert logged(endpoint, FAILS)[2] == (
        "[ERROR] Exception: Test exception\nTraceback (most recent call last):\n"
        '\xa0\xa0File "/var/task/function.py", line 1, in handler\n'
        "\xa0\xa0\xa0\xa0def handler(event, context): raise Exception('Test exception')"
    )


@behaviour(
    "in the log tail, END follows the last line of an exception on the same line",
    source=f"{DESTINATIONS}, TestLambdaDLQ.test_dead_letter_queue",
    differs="each line of the platform begins on a new line, so that a reader of the tail can rely on lines",
)
def test_in_the_tail_end_follows_an_exception_on_the_same_line(endpoint: Endpoint) -> None:
    assert re.search(r"Exception\('Test exception'\)END RequestId: ", "".join(tail(endpoint, endpoint.function(FAILS))))


@behaviour(
    "what init prints is in the log tail, before START",
    source="tests of a blueprint in AWS's console, quoted in public repositories (Loading function)",
)
def test_what_init_prints_is_in_the_tail(endpoint: Endpoint) -> None:
    lines = tail(endpoint, endpoint.new_function(LOADS))
    assert (lines[0], lines[1].split(" ")[0]) == ("loading\n", "START")


@behaviour(
    "a failed init logs a warning and its error, INIT_REPORT of phase init, both again, INIT_REPORT of phase invoke,"
    " and then START, END and REPORT",
    source=FAILED_INIT,
)
def test_a_failed_init_logs_twice_and_then_start(failed_init: tuple[list[str], list[str]]) -> None:
    assert kinds(failed_init[1]) == [
        *("INIT_START", "[WARNING]", "[ERROR]", "INIT_REPORT Phase: init"),
        *("[WARNING]", "[ERROR]", "INIT_REPORT Phase: invoke"),
        *("START", "END", "REPORT"),
    ]


@behaviour("INIT_REPORT of a failed init has duration, phase, status and error type", source=FAILED_INIT)
def test_init_report_has_phase_status_and_error_type(failed_init: tuple[list[str], list[str]]) -> None:
    reports = [message for message in failed_init[1] if message.startswith("INIT_REPORT")]
    for phase, report in zip(("init", "invoke"), reports, strict=True):
        assert re.fullmatch(
            rf"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: {phase}\tStatus: error\t"
            r"Error Type: Runtime\.ImportModuleError\n",
            report,
        )


@behaviour(
    "the error of a missing module names it, with a traceback of no lines",
    source=FAILED_INIT,
)
def test_the_error_of_a_missing_module_names_it(failed_init: tuple[list[str], list[str]]) -> None:
    assert failed_init[1][2] == (
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'search': No module named 'search'\n"
        "Traceback (most recent call last):"
    )


@behaviour("the warning before an init's error has no request id", source=FAILED_INIT)
def test_the_warning_before_an_inits_error_has_no_request_id(failed_init: tuple[list[str], list[str]]) -> None:
    assert re.match(rf"\[WARNING\]\t{TIME}\t\tLAMBDA_WARNING: Unhandled exception\. ", failed_init[1][1])


@behaviour("REPORT of a failed init has a status and an error type, and no Init Duration", source=FAILED_INIT)
def test_report_of_a_failed_init_has_its_error_type(failed_init: tuple[list[str], list[str]]) -> None:
    assert re.search(
        r"\tMax Memory Used: \d+ MB\tStatus: error\tError Type: Runtime\.ImportModuleError\t\n$", failed_init[1][-1]
    )


@behaviour(
    "the log tail of a failed init has everything but INIT_START",
    source="a test in AWS's console, February 2025, quoted in a public repository (Runtime.UserCodeSyntaxError)",
)
def test_the_tail_of_a_failed_init_has_all_but_init_start(failed_init: tuple[list[str], list[str]]) -> None:
    in_tail, in_group = failed_init
    assert "".join(in_tail).replace("\n", "") == "".join(in_group[1:]).replace("\n", "")


@behaviour("what a failed init prints is logged twice, each time before its INIT_REPORT", source=EXIT_IN_INIT)
def test_what_a_failed_init_prints_is_before_each_init_report(exit_in_init: list[str]) -> None:
    reports = ["INIT_REPORT Phase: init", "INIT_REPORT Phase: invoke"]
    assert kinds(exit_in_init)[1:5] == ["unavailable", reports[0], "unavailable", reports[1]]


@behaviour("INIT_REPORT of an init that exits has the error type Runtime.ExitError", source=EXIT_IN_INIT)
def test_init_report_of_an_exit_has_its_error_type(exit_in_init: list[str]) -> None:
    assert exit_in_init[2].endswith("\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n")


@behaviour(
    "after START of an invocation whose init exits, an event says how the process ended: two lines before END",
    source=EXIT_IN_INIT,
)
def test_the_end_of_the_process_is_an_event_before_end(exit_in_init: list[str]) -> None:
    assert [message.split(" ")[0] for message in exit_in_init[5:]] == ["START", "RequestId:", "END", "REPORT"]
    assert re.fullmatch(
        rf"RequestId: {ID} Error: Runtime exited without providing a reason\nRuntime\.ExitError\n", exit_in_init[6]
    )


@behaviour(
    "the status of an exit, and Runtime.ExitError on a line of its own, are in the log tail",
    source="aws/aws-lambda-dotnet, issue 480",
)
def test_an_exit_is_logged_with_its_status(endpoint: Endpoint) -> None:
    lines = tail(endpoint, endpoint.function(EXITS))
    assert re.fullmatch(rf"RequestId: {ID} Error: Runtime exited with error: exit status 137\n", lines[1])
    assert lines[2] == "Runtime.ExitError\n"


@pytest.fixture(scope="module")
def timeout(endpoint: Endpoint) -> list[str]:
    """The log events of an invocation that takes too long."""
    return logged(endpoint, SLEEPS, Timeout=1)


@behaviour(
    "a timeout is one event before END: time, request id and the timeout, with two line ends",
    source="DataBiosphere/azul, issue 5622",
)
def test_a_timeout_is_one_event_before_end(timeout: list[str]) -> None:
    assert re.fullmatch(rf"{TIME} {ID} Task timed out after 1\.00 seconds\n\n", timeout[2])
    assert kinds(timeout[3:]) == ["END", "REPORT"]


@behaviour(
    "REPORT of a timeout has the timeout as its duration, and Status: timeout without an error type",
    source="DataDog/datadog-lambda-extension, issue 1237",
)
def test_report_of_a_timeout_has_its_status(timeout: list[str]) -> None:
    assert "\tDuration: 1000.00 ms\t" in timeout[-1]
    assert timeout[-1].endswith("\tStatus: timeout\t\n")
