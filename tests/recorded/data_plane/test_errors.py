"""Errors of functions, as recordings of AWS show them."""

import re
from typing import Any

import pytest

from tests.engine.endpoint import Endpoint, Invoked
from tests.recorded.behaviour import behaviour
from tests.recorded.data_plane.logs import tail
from tests.recorded.data_plane.sources import COMMON, FAILED_INIT, LAMBDA, MISSING_HANDLER

pytestmark = pytest.mark.usefixtures("lambdas_paths")
ERRORS = f"{LAMBDA}, TestLambdaErrors"
REUSE = f"{LAMBDA}, TestLambdaBehavior.test_lambda_invoke_timed_out_environment_reuse"
HANDLER_ERROR = "def handler(event, context):\n    raise Exception('Handler fails')\n"
RUNTIME_ERROR = "raise Exception('Runtime startup fails')\ndef handler(event, context): ...\n"
EXIT_IN_INIT = "import sys\nsys.exit(0)\ndef handler(event, context): ...\n"
EXIT_IN_HANDLER = "import sys\ndef handler(event, context): sys.exit(0)\n"
SEGFAULT = "import ctypes\nctypes.string_at(0)\ndef handler(event, context): ...\n"
ECHO = "def handler(event, context): return event\n"
STATE = """
import pathlib, time
number = 0
file = pathlib.Path("/tmp/content")
def handler(event, context):
    global number
    if "write-file" in event: file.write_text(event["write-file"])
    if "set-number" in event: number = event["set-number"]
    time.sleep(event.get("sleep", 0))
    return {"content": file.read_text() if file.exists() else None, "number": number}
"""
SLEEPS = "import time\ndef handler(event, context): time.sleep(event['s'])\n"
SET = "def handler(event, context): return {1}\n"
SYNTAX = "def handler(event, context) return 1\n"
MEMORY = "def handler(event, context): return len(bytearray(1 << 29))\n"


@pytest.fixture(scope="module")
def handler_error(endpoint: Endpoint) -> Invoked:
    return endpoint.invoke(endpoint.new_function(HANDLER_ERROR))


@pytest.fixture(scope="module")
def init_error(endpoint: Endpoint) -> Any:
    answer = endpoint.invoke(endpoint.new_function(RUNTIME_ERROR))
    assert answer.function_error == "Unhandled"
    return answer.payload


@behaviour(
    "an exception of the handler is 200 with FunctionError Unhandled, and the version that ran",
    source=f"{ERRORS}.test_lambda_handler_error",
)
def test_an_exception_is_a_200_that_says_unhandled(handler_error: Invoked) -> None:
    assert (handler_error.status, handler_error.function_error, handler_error.version) == (200, "Unhandled", "$LATEST")


@behaviour(
    "an exception has message, type, request id and stack trace, and nothing more",
    source=f"{ERRORS}.test_lambda_handler_error; {COMMON}.test_uncaught_exception_invoke[python3.12]",
)
def test_an_exception_has_message_type_request_id_and_trace(handler_error: Invoked) -> None:
    assert {**handler_error.payload, "stackTrace": []} == {
        "errorMessage": "Handler fails",
        "errorType": "Exception",
        "requestId": handler_error.request_id,
        "stackTrace": [],
    }


@behaviour(
    "the stack trace begins in the handler: file below /var/task, line, function and source line",
    source=f"{ERRORS}.test_lambda_handler_error",
)
def test_the_stack_trace_begins_in_the_handler(handler_error: Invoked) -> None:
    assert handler_error.payload["stackTrace"] == [
        "  File \"/var/task/function.py\", line 2, in handler\n    raise Exception('Handler fails')\n"
    ]


@behaviour("in an init error, the request id is empty", source=f"{ERRORS}.test_lambda_runtime_error")
def test_in_an_init_error_the_request_id_is_empty(init_error: Any) -> None:
    assert {**init_error, "stackTrace": []} == {
        "errorMessage": "Runtime startup fails",
        "errorType": "Exception",
        "requestId": "",
        "stackTrace": [],
    }


@behaviour(
    "the stack trace of an init error begins in importlib, in /var/lang/lib",
    source=f"{ERRORS}.test_lambda_runtime_error",
)
def test_paths_of_the_interpreter_are_in_var_lang(init_error: Any) -> None:
    assert re.fullmatch(
        r'  File "/var/lang/lib/python3\.\d+/importlib/__init__\.py", line \d+, in import_module\n'
        r"    return _bootstrap\._gcd_import\(name\[level:\], package, level\)\n",
        init_error["stackTrace"][0],
    )


@behaviour(
    "then come six frames of the frozen importlib, and the function's own",
    source=f"{ERRORS}.test_lambda_runtime_error",
)
def test_the_last_frame_of_an_init_error_is_the_functions(init_error: Any) -> None:
    frames = [re.sub(r"\d+", "N", frame) for frame in init_error["stackTrace"][1:]]
    frozen = '  File "<frozen importlib._bootstrap{}>", line N, in {}\n'
    assert frames == [
        *(frozen.format("", name) for name in ("_gcd_import", "_find_and_load", "_find_and_load_unlocked")),
        frozen.format("", "_load_unlocked"),
        frozen.format("_external", "exec_module"),
        frozen.format("", "_call_with_frames_removed"),
        "  File \"/var/task/function.py\", line N, in <module>\n    raise Exception('Runtime startup fails')\n",
    ]


def exit_error(endpoint: Endpoint, source: str, how: str, **settings: Any) -> None:
    answer = endpoint.invoke(endpoint.new_function(source, **settings))
    assert (answer.status, answer.function_error) == (200, "Unhandled")
    assert answer.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: Runtime exited {how}",
    }


@behaviour("sys.exit in init is a Runtime.ExitError without a reason", source=f"{ERRORS}.test_lambda_runtime_exit")
def test_an_exit_in_init_is_an_exit_error(endpoint: Endpoint) -> None:
    exit_error(endpoint, EXIT_IN_INIT, "without providing a reason")


@behaviour("sys.exit in the handler is one, too", source=f"{ERRORS}.test_lambda_handler_exit")
def test_an_exit_in_the_handler_is_an_exit_error(endpoint: Endpoint) -> None:
    exit_error(endpoint, EXIT_IN_HANDLER, "without providing a reason")


@behaviour(
    "a wrapper that does not exist is a Runtime.ExitError with exit status 127",
    source=f"{ERRORS}.test_lambda_runtime_wrapper_not_found",
)
def test_a_missing_wrapper_gives_status_127(endpoint: Endpoint) -> None:
    variables = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/idontexist.sh"}}
    exit_error(endpoint, ECHO, "with error: exit status 127", Environment=variables)


@behaviour(
    "a segmentation fault in init takes until the timeout",
    source=f"{ERRORS}.test_lambda_runtime_exit_segfault",
    differs="the end of the process is seen at once: the caller gets Runtime.ExitError with the signal",
)
def test_a_segmentation_fault_in_init_takes_until_the_timeout(endpoint: Endpoint) -> None:
    assert endpoint.invoke(endpoint.new_function(SEGFAULT, Timeout=1)).payload["errorType"] == "Sandbox.Timedout"


@behaviour(
    "a timeout is 200, Unhandled and Sandbox.Timedout, with request id and timeout in the message",
    source=f"{LAMBDA}, TestLambdaBehavior.test_lambda_invoke_with_timeout",
)
def test_a_timeout_is_sandbox_timedout(endpoint: Endpoint) -> None:
    answer = endpoint.invoke(endpoint.function(SLEEPS, Timeout=1), {"s": 2})
    assert (answer.status, answer.function_error) == (200, "Unhandled")
    assert answer.payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {answer.request_id} Error: Task timed out after 1.00 seconds",
    }


@behaviour(
    "a function that is faster than its timeout answers",
    source=f"{LAMBDA}, TestLambdaBehavior.test_lambda_invoke_no_timeout",
)
def test_a_faster_function_answers(endpoint: Endpoint) -> None:
    answer = endpoint.invoke(endpoint.function(SLEEPS, Timeout=1), {"s": 0.1})
    assert (answer.function_error, answer.payload) == (None, None)


@pytest.fixture(scope="module")
def reused(endpoint: Endpoint) -> list[Any]:
    """What an environment had before a timeout, the timeout, and what it has after it."""
    name = endpoint.new_function(STATE, Timeout=1)
    endpoint.invoke(name, {"write-file": "some-content", "set-number": 42})
    return [endpoint.invoke(name, event).payload for event in ({}, {"sleep": 3}, {})]


@behaviour("files in /tmp and globals stay from invocation to invocation", source=REUSE)
def test_files_and_globals_stay(reused: list[Any]) -> None:
    assert reused[0] == {"content": "some-content", "number": 42}


@behaviour("after a timeout, files in /tmp are still there", source=REUSE)
def test_after_a_timeout_files_are_there(reused: list[Any]) -> None:
    assert reused[1]["errorType"] == "Sandbox.Timedout"
    assert reused[2]["content"] == "some-content"


@behaviour("after a timeout, globals are as init leaves them", source=REUSE)
def test_after_a_timeout_globals_are_new(reused: list[Any]) -> None:
    assert reused[2]["number"] == 0


@behaviour(
    "a module that does not exist is Runtime.ImportModuleError, and names the module",
    source=FAILED_INIT,
)
def test_a_missing_module_is_an_import_error(endpoint: Endpoint) -> None:
    payload = endpoint.invoke(endpoint.new_function(ECHO, Handler="search.handler")).payload
    assert payload["errorType"] == "Runtime.ImportModuleError"
    assert payload["errorMessage"] == "Unable to import module 'search': No module named 'search'"


@behaviour(
    "a handler that does not exist is Runtime.HandlerNotFound, names handler and module, and has no stack trace",
    source=MISSING_HANDLER,
)
def test_a_missing_handler_is_named(endpoint: Endpoint) -> None:
    payload = endpoint.invoke(endpoint.new_function(ECHO, Handler="function.foo")).payload
    assert payload["errorType"] == "Runtime.HandlerNotFound"
    assert payload["errorMessage"] == "Handler 'foo' missing on module 'function'"
    assert payload["stackTrace"] == []


@behaviour(
    "a result that is not JSON is logged as Runtime.MarshalError, with a traceback of no lines",
    source="aws-cloudformation/custom-resource-helper, issue 68",
)
def test_a_result_that_is_not_json_is_a_marshal_error(endpoint: Endpoint) -> None:
    lines = tail(endpoint, endpoint.new_function(SET))
    assert lines[1:3] == [
        "[ERROR] Runtime.MarshalError: Unable to marshal response: Object of type set is not JSON serializable\n",
        "Traceback (most recent call last):\n",
    ]


@behaviour(
    "a syntax error is Runtime.UserCodeSyntaxError: module, fault, file and line",
    source="logs of Lambda quoted in public repositories (Runtime.UserCodeSyntaxError: Syntax error in module)",
)
def test_a_syntax_error_names_file_and_line(endpoint: Endpoint) -> None:
    payload = endpoint.invoke(endpoint.new_function(SYNTAX)).payload
    assert payload["errorType"] == "Runtime.UserCodeSyntaxError"
    assert payload["errorMessage"] == "Syntax error in module 'function': expected ':' (function.py, line 1)"


@behaviour(
    "REPORT of a function that runs out of memory has Max Memory Used = Memory Size and Runtime.OutOfMemory",
    source="measurements of a public repository (Lambda at 5,120, 8,192 and 10,240 MB); nasa-gcn/gcn.nasa.gov,"
    " pull request 3628",
)
def test_out_of_memory_is_in_report(endpoint: Endpoint) -> None:
    report = tail(endpoint, endpoint.new_function(MEMORY, MemorySize=128))[-1]
    assert "\tMemory Size: 128 MB\tMax Memory Used: 128 MB\t" in report
    assert report.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory\t\n")
