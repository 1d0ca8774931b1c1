"""The same handlers on AWS's Runtime Interface Emulator (RIE) and on the engine: every difference listed, and why."""

import asyncio
import collections
import dataclasses
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.engine.function import FunctionVersion
from lab.engine.invocation import Invocation, InvocationResult
from tests.engine import rie
from tests.engine.harness import Harness
from tests.engine.rie import Rie

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not rie.BINARY.exists(), reason="no Runtime Interface Emulator here: run `make rie`"),
]

MEMORY_MB = 512
TIMEOUT_S = 2.0
TRACEBACK = re.compile("\n(?=Traceback \\(most recent|\u00a0)")
MASKS = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"(Duration: )[\d.]+"), r"\1N"),
    (re.compile(r"(Runtime Version: )\S+"), r"\1V"),
    (re.compile(r"/\S*?/code-\d+/|/var/task/"), ""),
    (re.compile(rf"/var/lang/|{re.escape(sys.base_prefix)}/|/\S*?/versions/[\d.]+/"), "<python>/"),
    (re.compile(r"arn:aws:lambda:us-east-1:012345678912:function:code-\d+"), "<arn of RIE>"),
    (re.compile(r"arn:aws:lambda:us-east-1:000000000000:function:function-\d+:1"), "<arn of the version>"),
)
LIFECYCLE = "Developer Guide, Understanding the Lambda execution environment lifecycle"


@dataclasses.dataclass(frozen=True)
class Known:
    """Differences that have one reason; each must be found where it is listed."""

    why: str
    differences: frozenset[str]


def known(why: str, *differences: str) -> Known:
    return Known(why, frozenset(differences))


def error(error_type: str) -> Known:
    return known(
        f"on Lambda the answer bears X-Amz-Function-Error (API Reference, Invoke) and REPORT its status ({LIFECYCLE})",
        "engine marks a function error",
        "engine reports Status: error",
        f"engine reports Error Type: {error_type}",
    )


def failed_init(error_type: str) -> Known:
    return known(
        f"Lambda runs a failed init again within the invocation, and logs an INIT_REPORT after each ({LIFECYCLE})",
        *(
            f"engine logs INIT_REPORT Init Duration: N ms\tPhase: {phase}\tStatus: error\tError Type: {error_type}"
            for phase in ("init", "invoke")
        ),
    )


def logged_twice(line: str) -> Known:
    return known(
        "an init that is run twice logs twice, first before START: RIE writes START before any init",
        f"engine logs {line}",
        "engine logs [WARNING]\t<time>\t\tLAMBDA_WARNING: Unhandled exception. The m",
        "the order of what both log",
    )


MEMORY = known(
    "RIE does not measure memory: it reports the function's size as used",
    "RIE reports Max Memory Used: the size",
    "engine reports Max Memory Used: measured",
)
INIT_FIRST = known("RIE puts Init Duration first in REPORT, Lambda last", "the order of what both report")
COLD = (MEMORY, INIT_FIRST)
NO_REPORT = known(
    f"RIE ends an invocation without END and REPORT if its process died; Lambda writes them ({LIFECYCLE})",
    "engine logs END RequestId: <id>",
    "engine logs REPORT RequestId: <id>",
    "engine reports Duration: N ms",
    "engine reports Billed Duration: N ms",
    f"engine reports Memory Size: {MEMORY_MB} MB",
    "engine reports Max Memory Used: measured",
)


def exited(how: str) -> Known:
    return known(
        "seen in public logs of Lambda: the end of the process is an event before END",
        f"engine logs RequestId: <id> Error: Runtime exited {how}",
        "engine logs Runtime.ExitError",
    )


INIT_DURATION = known("as part of the REPORT that RIE does not write", "engine reports Init Duration: N ms")
TIMED_OUT = known(
    "Lambda answers a timeout with an error object, and logs it: RIE answers the bare text",
    "engine marks a function error",
    "engine reports Status: timeout",
    f"engine logs <time> <id> Task timed out after {TIMEOUT_S:.2f} seconds",
    f"payload: RIE 'Task timed out after {TIMEOUT_S:.2f} seconds', engine {{'errorType': 'Sandbox.Timedout',"
    f" 'errorMessage': 'RequestId: <id> Error: Task timed out after {TIMEOUT_S:.2f} seconds'}}",
)
EMPTY_AFTER_INIT = known(
    "RIE answers nothing where an init exits without reporting an error; Lambda answers Runtime.ExitError",
    "payload: RIE '', engine {'errorType': 'Runtime.ExitError',"
    " 'errorMessage': 'RequestId: <id> Error: Runtime exited with error: exit status 4'}",
)
ARN = known(
    "RIE knows no deployed function: it makes an ARN of the name, without the version that was invoked",
    "payload: RIE '<arn of RIE>', engine '<arn of the version>'",
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A handler, and the events that it gets one after another, each with the differences that are known."""

    name: str
    source: str
    steps: tuple[tuple[bytes, tuple[Known, ...]], ...]


@dataclasses.dataclass
class Seen:
    """An answer with its log, freed of what differs from call to call."""

    payload: Any
    marked: bool
    lines: list[str]
    report: list[str]


def case(name: str, source: str, *steps: tuple[bytes, tuple[Known, ...]]) -> Any:
    return pytest.param(Case(name, textwrap.dedent(source), steps), id=name.replace(" ", "-"))


CASES = [
    case(
        "json of every kind comes back",
        "def handler(event, context): return event",
        (b'{"a": [1, 2.5, null, true, "\\u00e9\\ud83d\\ude00"]}', COLD),
        (b'"text"', (MEMORY,)),
    ),
    case(
        "an exception",
        "def handler(event, context): raise ValueError('no')",
        (b"{}", (*COLD, error("ValueError"))),
        (b"{}", (MEMORY, error("ValueError"))),
    ),
    case(
        "an answer that is no json",
        "def handler(event, context): return {1, 2}",
        (b"{}", (*COLD, error("Runtime.MarshalError"))),
    ),
    case("nan", "def handler(event, context): return float('nan')", (b"{}", COLD)),
    case(
        "an event that is no json",
        "def handler(event, context): return 1",
        (b"not json", (*COLD, error("Runtime.UnmarshalError"))),
    ),
    case(
        "what is printed and logged",
        """
        import logging, sys
        def handler(event, context):
            print("printed")
            print("to stderr", file=sys.stderr)
            logging.getLogger().warning("logged")
        """,
        (b"{}", COLD),
        (b"{}", (MEMORY,)),
    ),
    case(
        "an exit",
        """
        import os
        def handler(event, context):
            if event: os._exit(event)
        """,
        (b"0", COLD),
        (b"3", (NO_REPORT, exited("with error: exit status 3"), error("Runtime.ExitError"))),
        (b"0", (MEMORY,)),
    ),
    case(
        "sys.exit",
        "import sys\ndef handler(event, context): sys.exit(0)",
        (b"{}", (NO_REPORT, INIT_DURATION, exited("without providing a reason"), error("Runtime.ExitError"))),
    ),
    case(
        "a signal",
        "import os\ndef handler(event, context): os.kill(os.getpid(), 9)",
        (b"{}", (NO_REPORT, INIT_DURATION, exited("with error: signal: killed"), error("Runtime.ExitError"))),
    ),
    case(
        "a timeout",
        """
        import time
        def handler(event, context): time.sleep(event)
        """,
        (b"0", COLD),
        (b"5", (MEMORY, TIMED_OUT)),
        (b"0", (MEMORY,)),
    ),
    case(
        "an init that raises",
        "raise RuntimeError('no luck')",
        (
            b"{}",
            (
                *(NO_REPORT, error("RuntimeError"), failed_init("RuntimeError")),
                logged_twice("[ERROR] RuntimeError: no luck"),
            ),
        ),
    ),
    case(
        "an init that exits",
        "import os\nos._exit(4)",
        (
            b"{}",
            (
                *(NO_REPORT, EMPTY_AFTER_INIT, exited("with error: exit status 4"), error("Runtime.ExitError")),
                failed_init("Runtime.ExitError"),
            ),
        ),
    ),
    case(
        "no such handler",
        "def other(event, context): ...",
        (
            b"{}",
            (
                *(NO_REPORT, error("Runtime.HandlerNotFound")),
                failed_init("Runtime.HandlerNotFound"),
                logged_twice("[ERROR] Runtime.HandlerNotFound: Handler 'handler' missing o"),
            ),
        ),
    ),
    case(
        "no such module",
        "import nowhere\ndef handler(event, context): ...",
        (
            b"{}",
            (
                *(NO_REPORT, error("Runtime.ImportModuleError")),
                failed_init("Runtime.ImportModuleError"),
                logged_twice("[ERROR] Runtime.ImportModuleError: Unable to import module '"),
            ),
        ),
    ),
    case(
        "the context",
        """
        def handler(event, context):
            return {"version": context.function_version, "memory": context.memory_limit_in_mb,
                    "client": context.client_context, "identity": context.identity.cognito_identity_id}
        """,
        (b"{}", COLD),
    ),
    case(
        "the invoked arn",
        "def handler(event, context): return context.invoked_function_arn",
        (b"{}", (*COLD, ARN)),
    ),
]


@pytest.fixture
def make_rie() -> Iterator[Any]:
    made: list[Rie] = []

    def make(code: Path, version: FunctionVersion) -> Rie:
        made.append(Rie(code, version.runtime, version.memory_mb, version.timeout_s))
        return made[-1]

    yield make
    for emulator in made:
        emulator.close()


@pytest.mark.parametrize("tried", CASES)
async def test_differences_to_rie_are_those_listed(harness: Harness, make_rie: Any, tried: Case) -> None:
    version = harness.function(tried.source, memory_mb=MEMORY_MB, timeout_s=TIMEOUT_S)
    emulator = make_rie(version.code_dir, version)
    for event, listed in tried.steps:
        theirs = _of_rie(*await asyncio.to_thread(emulator.invoke, event))
        found = set(_differences(theirs, await _of_engine(harness, version, event)))
        assert found == {difference for reason in listed for difference in reason.differences}


def _of_rie(headers: Any, body: bytes, lines: list[str]) -> Seen:
    return _seen(body, "X-Amz-Function-Error" in headers, lines)


async def _of_engine(harness: Harness, version: FunctionVersion, event: bytes) -> Seen:
    done: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()
    invocation = Invocation(
        request_id="00000000-0000-0000-0000-000000000000",
        payload=event,
        arn=version.arn,
        on_done=done.set_result,
        wants_log=True,
    )
    harness.engine.invoke(version, invocation)
    outcome = await asyncio.wait_for(done, 60)
    # RIE gives the runtime client no descriptor for log records: then it ends a traceback's lines with "\r".
    log = TRACEBACK.sub("\r", outcome.log_tail.decode())
    lines = [line for line in log.split("\n") if line]
    return _seen(outcome.payload, outcome.function_error, lines)


def _seen(body: bytes, marked: bool, lines: list[str]) -> Seen:
    try:
        payload = json.loads(_masked(body.decode()), parse_constant=str)
    except ValueError:
        payload = _masked(body.decode())
    logged = [_masked(line.split("\t")[0]) if line.startswith("REPORT ") else _masked(line) for line in lines]
    reports = [line.rstrip() for line in lines if line.startswith("REPORT ")]
    return Seen(payload, marked, logged, [_masked_part(part) for report in reports for part in report.split("\t")[1:]])


def _masked(text: str) -> str:
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def _masked_part(part: str) -> str:
    if part.startswith("Max Memory Used"):
        return "Max Memory Used: " + ("the size" if part.endswith(f" {MEMORY_MB} MB") else "measured")
    return _masked(part)


def _differences(theirs: Seen, ours: Seen) -> Iterator[str]:
    if theirs.marked != ours.marked:
        yield f"{'RIE' if theirs.marked else 'engine'} marks a function error"
    yield from _of_payloads(theirs.payload, ours.payload)
    yield from _only("logs", theirs.lines, ours.lines)
    yield from _only("reports", theirs.report, ours.report)


def _of_payloads(theirs: Any, ours: Any) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if theirs.get(key) != ours.get(key):
                yield f"payload {key}: RIE {theirs.get(key)!r}, engine {ours.get(key)!r}"
    elif theirs != ours:
        yield f"payload: RIE {theirs!r}, engine {ours!r}"


def _short(line: str) -> str:
    """The start of a line of the runtime, or a whole line of the platform."""
    return line.split("\r", maxsplit=1)[0][:60] if line.startswith("[") else line


def _only(verb: str, theirs: list[str], ours: list[str]) -> Iterator[str]:
    rest_theirs, rest_ours = collections.Counter(theirs), collections.Counter(ours)
    yield from (f"RIE {verb} {_short(line)}" for line in rest_theirs - rest_ours)
    yield from (f"engine {verb} {_short(line)}" for line in rest_ours - rest_theirs)
    both = rest_theirs & rest_ours
    if [line for line in theirs if line in both] != [line for line in ours if line in both]:
        yield f"the order of what both {'report' if verb == 'reports' else 'log'}"
