"""Functions that misbehave: the engine stays up, the caller gets the right error, other environments notice nothing.

All run in one engine a transport, beside a `Bystander`: another function, invoked before, during and after each fault.
Its environment must live through them all with what it knows. A function that is gone leaves no process. The engine,
when it ends, leaves no process, mount, control group or folder. Sources of errors and messages: AWS Lambda Developer
Guide, "Lambda execution environment lifecycle" and "Using the Lambda runtime API for custom runtimes"; answers seen on
AWS; AWS's runtime client, which both transports run.
"""

import asyncio
import contextlib
import dataclasses
import os
import re
import struct
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lab.engine.function import FunctionVersion
from lab.engine.lifecycle import State
from lab.engine.logs.platform_log import ReportLine
from lab.engine.runtime import channel
from lab.engine.runtime_api import peak_kb
from lab.engine.settings import EngineSettings, Transport
from tests.engine.endpoint import OVER_THE_CHANNEL
from tests.engine.harness import Answer, Harness, processes_with

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="what is left behind is looked up in /proc"),
    pytest.mark.asyncio(loop_scope="module"),
]
OVER_HTTP = pytest.mark.parametrize("harness", [Transport.HTTP], indirect=True)

PATIENCE_S = 60
EXIT = "Runtime.ExitError"
TIMEOUT = "Sandbox.Timedout"
TIMEOUT_S = 1.0
TIMED_OUT = "Task timed out after 1.00 seconds"
EXITED = "Runtime exited with error: "
NO_REASON = "Runtime exited without providing a reason"
WELL = "served"

COUNTS = """
    count = 0
    def handler(event, context):
        global count
        count += 1
        return count
"""
OBEDIENT = """
def obey(event):
    if event:
        exec("def misbehave():\\n" + "".join(f"    {line}\\n" for line in event.splitlines()), globals())
        return misbehave()
"""


class Bystander:
    """Another function, invoked all the while: its environment must not notice what others do."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self.function = harness.function(COUNTS, memory_mb=1769)
        self._counts: list[Any] = []
        self._over = False
        self._invoking = asyncio.create_task(self._invoke_again_and_again())

    async def _invoke_again_and_again(self) -> None:
        while not self._over:
            answer = await asyncio.wait_for(self._harness.invoke(self.function), PATIENCE_S)
            self._counts.append(answer.payload)
            await asyncio.sleep(0.02)

    async def check(self) -> None:
        """It still answers, and every answer was its environment's next."""
        seen = len(self._counts)
        while len(self._counts) == seen and not self._invoking.done():
            await asyncio.sleep(0.005)
        if self._invoking.done():
            self._invoking.result()
        assert self._counts == list(range(1, len(self._counts) + 1))

    async def end(self) -> None:
        self._over = True
        await self._invoking


@pytest_asyncio.fixture(params=list(Transport), scope="module", loop_scope="module")
async def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harness]:
    """One engine for all faults, which leaves nothing when it ends."""
    harness = Harness(tmp_path_factory.mktemp(request.param), EngineSettings(transport=request.param))
    yield harness
    await harness.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bystander(harness: Harness) -> AsyncIterator[Bystander]:
    bystander = Bystander(harness)
    await bystander.check()
    yield bystander
    await bystander.end()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nobody_else_notices(harness: Harness, bystander: Bystander) -> AsyncIterator[None]:
    """And nothing runs on when the function is gone."""
    before = processes_with(f"TEST_FOLDER={harness.folder}")
    yield
    await bystander.check()
    harness.engine.keep_functions({bystander.function.name})
    await harness.until(lambda: not set(processes_with(f"TEST_FOLDER={harness.folder}")) - set(before))


def misbehaving(harness: Harness, body: str, *, at_init: str = "", **changes: Any) -> FunctionVersion:
    """A function that does so when its event says "misbehave", and else serves."""
    modules = "import ctypes, json, os, signal, socket, struct, subprocess, sys, threading, time, urllib.request\n"
    modules += "obey = lambda event: None\n"
    source = (
        f"{modules}{textwrap.dedent(at_init)}\ndef misbehave():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    )
    handler = f"def handler(event, context): return misbehave() if event == 'misbehave' else obey(event) or {WELL!r}\n"
    return harness.function(source + handler, **({"memory_mb": 1769, "timeout_s": 60.0} | changes))


def obedient(harness: Harness) -> FunctionVersion:
    """A function that misbehaves as its event says."""
    return misbehaving(harness, "...", at_init=OBEDIENT)


async def misbehave(harness: Harness, version: FunctionVersion, event: str = "misbehave") -> Answer:
    """The answer to the invocation that went wrong; the environment then serves again."""
    assert (await harness.invoke(version)).payload == WELL
    answer = await harness.invoke(version, event)
    harness.give_time(version)
    after = await harness.invoke(version)
    assert after.payload == WELL
    assert "Init Duration" not in after.report
    assert len(harness.engine._pools[version].environments) == 1
    return answer


def assert_failed(answer: Answer, error_type: str, message: str) -> None:
    """The caller and the log have this error."""
    assert answer.function_error
    assert answer.payload["errorType"] == error_type
    assert answer.payload["errorMessage"].endswith(message)
    status = ("timeout", None) if error_type == TIMEOUT else ("error", error_type)
    assert (answer.report["Status"], answer.report.get("Error Type")) == status


ENDINGS_OF_A_PROCESS = {
    "os.killpg(0, 9)": (EXIT, f"{EXITED}signal: killed"),
    "os.kill(os.getpid(), 15); time.sleep(9)": (EXIT, f"{EXITED}signal: terminated"),
    "ctypes.string_at(0)": (EXIT, f"{EXITED}signal: segmentation fault"),
    "os.abort()": (EXIT, f"{EXITED}signal: aborted"),
    "threading.Thread(target=os._exit, args=(5,)).start(); time.sleep(9)": (EXIT, f"{EXITED}exit status 5"),
    "os.execv('/bin/true', ['true'])": (EXIT, NO_REASON),
}
ENDINGS_OF_A_CLIENT = {
    "raise SystemExit(3)": (EXIT, f"{EXITED}exit status 3"),
    "raise KeyboardInterrupt": (EXIT, f"{EXITED}signal: interrupt"),
    "raise GeneratorExit": (EXIT, f"{EXITED}exit status 1"),
    "return misbehave()": ("RecursionError", "maximum recursion depth exceeded"),
    "os.closerange(1, 5); print('lost')": (EXIT, f"{EXITED}exit status 120"),
    "os.closerange(1, 3); print('lost')": ("OSError", "file descriptor"),
}


@OVER_THE_CHANNEL
async def test_an_end_of_the_runtime_process_is_reported_and_the_environment_goes_on(harness: Harness) -> None:
    """Its first process sees the end, in both transports."""
    version = obedient(harness)
    for body, (error_type, message) in ENDINGS_OF_A_PROCESS.items():
        assert_failed(await misbehave(harness, version, body), error_type, message)


async def test_an_end_of_the_runtime_client_is_reported_and_the_environment_goes_on(harness: Harness) -> None:
    version = obedient(harness)
    for body, (error_type, message) in ENDINGS_OF_A_CLIENT.items():
        assert_failed(await misbehave(harness, version, body), error_type, message)


async def test_a_function_that_does_not_end_is_ended_after_its_timeout(harness: Harness) -> None:
    """Several at once, since each only waits."""
    bodies = [
        "os.execv('/bin/sleep', ['sleep', '99'])",
        "time.sleep(0.1); os.kill(os.getpid(), signal.SIGSTOP)",
        "for n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: time.sleep(9)",
    ]
    versions = [misbehaving(harness, body, timeout_s=TIMEOUT_S) for body in bodies]
    for answer in await asyncio.gather(*(misbehave(harness, version) for version in versions)):
        assert_failed(answer, TIMEOUT, TIMED_OUT)


@OVER_THE_CHANNEL
async def test_what_holds_an_environment_together_cannot_be_killed_from_inside(harness: Harness) -> None:
    if harness.engine.isolation.namespaces is None:
        pytest.skip("no process namespaces on this machine: such a signal would reach the machine's own processes")
    targets = ["os.killpg(os.getppid(), 9)", "os.kill(-1, 9)", "os.kill(1, 9)", "os.kill(1, 19)"]
    tries = "\n".join(f"try: {target}\nexcept ProcessLookupError: pass" for target in targets)
    assert (await misbehave(harness, misbehaving(harness, f"{tries}\nreturn 'survived'"))).payload == "survived"


async def test_closing_every_descriptor_harms_the_function_alone(harness: Harness) -> None:
    """Over HTTP, as on AWS, the client connects again. The socketpair is lost: the process ends."""
    answer = await misbehave(harness, misbehaving(harness, "os.closerange(0, 256); return 'closed'"))
    if harness.settings.transport is Transport.HTTP:
        assert answer.payload == "closed"
    else:
        assert_failed(answer, EXIT, f"{EXITED}exit status 120")


@OVER_THE_CHANNEL
@pytest.mark.parametrize("after", ["return 'left'", "os._exit(1)"])
async def test_a_working_directory_that_is_gone_is_the_functions_own_affair(harness: Harness, after: str) -> None:
    """It is answered, and if it then ends it is started again where a function belongs."""
    folder = "('/tmp' if os.path.isdir('/var/task') else os.environ['TMPDIR']) + '/gone'"
    version = misbehaving(harness, f"os.mkdir({folder}); os.chdir({folder}); os.rmdir({folder}); {after}")
    answer = await misbehave(harness, version)
    if "left" in after:
        assert (answer.payload, answer.function_error) == ("left", False)
    else:
        assert_failed(answer, EXIT, f"{EXITED}exit status 1")


@OVER_THE_CHANNEL
async def test_a_full_tmp_is_the_environments_own_affair(harness: Harness) -> None:
    """It stays full when the runtime process ends, and a new one starts in it; another environment's is empty."""
    if harness.engine.isolation.namespaces is None:
        pytest.skip("no mount namespaces on this machine: the size of a TMPDIR is not limited")
    version = harness.function(
        """
        import errno, os, shutil, time
        def handler(event, context):
            if event == "fill":
                try:
                    with open("/tmp/big", "wb") as file:
                        while True: file.write(bytes(1 << 20))
                except OSError as error:
                    return errno.errorcode[error.errno]
            if event == "crash": os._exit(1)
            time.sleep(0.2)
            return shutil.disk_usage("/tmp").used >> 20
        """,
        tmp_mb=64,
        memory_mb=1769,
        timeout_s=60.0,
    )
    assert (await harness.invoke(version, "fill")).payload == "ENOSPC"
    assert_failed(await harness.invoke(version, "crash"), EXIT, f"{EXITED}exit status 1")
    full, other = await asyncio.gather(harness.invoke(version), harness.invoke(version))
    assert (full.payload, other.payload) == (64, 0)


# Answers


async def test_an_answer_that_cannot_be_marshalled_is_an_error(harness: Harness) -> None:
    """The client of python3.12 and later sends text as it is, and UTF-8 has no lone surrogates."""
    values = {
        "{1}": ("Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
        "circular": ("Runtime.MarshalError", "Unable to marshal response: Circular reference detected"),
        "deep": ("Runtime.MarshalError", "maximum recursion depth exceeded while calling a Python object"),
        r"'\ud800'": (EXIT, f"{EXITED}exit status 1"),
    }
    at_init = "circular = []\ncircular.append(circular)\ndeep = []\nfor _ in range(100_000): deep = [deep]\n"
    version = harness.function(f"{at_init}def handler(event, context): return eval(event)", memory_mb=1769)
    for value, (error_type, message) in values.items():
        assert_failed(await harness.invoke(version, value), error_type, message)
    assert (await harness.invoke(version, "1")).payload == 1


async def test_an_answer_is_what_awss_runtime_client_makes_of_it(harness: Harness) -> None:
    """Even where it is not JSON: nobody looks at it before the caller does."""
    values = {
        "[float('nan'), float('inf')]": b"[NaN, Infinity]",
        "b'{\"a\": 1}'": b'{"a": 1}',
        "[b'x']": b'["x"]',
        "None": b"null",
    }
    version = harness.function("def handler(event, context): return eval(event)", memory_mb=1769)
    for value, raw in values.items():
        answer = await harness.invoke(version, value)
        assert (answer.raw, answer.function_error) == (raw, False)


async def test_an_error_that_cannot_be_formatted_is_an_exit(harness: Harness) -> None:
    version = misbehaving(harness, "raise Silent", at_init="class Silent(Exception):\n def __str__(self): return 1 / 0")
    assert_failed(await misbehave(harness, version), EXIT, f"{EXITED}exit status 1")


async def test_an_answer_over_the_limit_is_an_error_and_takes_no_memory_of_the_engine(harness: Harness) -> None:
    """The limit is documented, the error was seen on AWS."""
    version = misbehaving(harness, "return 'x' * (32 << 20)")
    with memory_that_grows_by_less_than(24):
        answer = await misbehave(harness, version)
    message = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    assert_failed(answer, "Function.ResponseSizeTooLarge", message)


async def test_an_answer_at_the_limit_is_answered(harness: Harness) -> None:
    answer = await misbehave(harness, misbehaving(harness, "return 'x' * 6_291_554"))
    assert len(answer.raw) == 6_291_556


@contextlib.contextmanager
def memory_that_grows_by_less_than(mb: int) -> Iterator[None]:
    """The engine's peak of resident memory in the block, over what it had at its begin."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = peak_kb(os.getpid())
    yield
    assert peak_kb(os.getpid()) - before < mb * 1024


# What is left running


FORKS = """
    def ticks():
        return os.path.getsize(FILE)
    FILE = ('/tmp' if os.path.isdir('/var/task') else os.environ['TMPDIR']) + '/ticks'
    def child():
        {leave}
        while True:
            time.sleep(0.01)
            with open(FILE, 'a') as file: file.write('x')
    def fork():
        if os.fork() == 0:
            child()
    def handler(event, context):
        if event == 'fork':
            fork()
            while not os.path.exists(FILE): time.sleep(0.01)
        begun = ticks()
        while ticks() < begun + 5: time.sleep(0.01)
        return 'it runs'
"""
STOPPED = "T"
LEAVES_ITS_SESSION = "os.setsid(); os.fork() and os._exit(0)"


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param("pass", id="child"),
        pytest.param(LEAVES_ITS_SESSION, id="daemon"),
    ],
)
async def test_a_child_is_frozen_with_its_environment_and_goes_on_with_it(harness: Harness, leave: str) -> None:
    if harness.engine.isolation.namespaces is None and leave != "pass":
        pytest.skip("no process namespaces on this machine: see the tests of the process-group tier")
    version = harness.function("import os, time\n" + textwrap.dedent(FORKS).format(leave=leave), memory_mb=1769)
    assert (await harness.invoke(version, "fork")).payload == "it runs"
    await harness.until(lambda: set(harness.processes(version).values()) == {STOPPED})
    for _ in range(5):
        assert list(harness.processes(version).values()) == [STOPPED, STOPPED]  # the runtime and its child
        await asyncio.sleep(0.03)
    assert (await harness.invoke(version)).payload == "it runs"


@OVER_THE_CHANNEL
@pytest.mark.parametrize("leave", ["pass", LEAVES_ITS_SESSION], ids=["child", "daemon"])
async def test_a_child_ends_with_its_environment(harness: Harness, leave: str) -> None:
    """The bystander's end looks for it."""
    if harness.engine.isolation.namespaces is None and leave != "pass":
        pytest.skip("no process namespaces on this machine: see the tests of the process-group tier")
    version = harness.function("import os, time\n" + textwrap.dedent(FORKS).format(leave=leave), memory_mb=1769)
    assert not (await harness.invoke(version, "fork")).function_error


@OVER_THE_CHANNEL
async def test_a_fork_that_returns_from_the_handler_too_answers_no_other_invocation(harness: Harness) -> None:
    """Over HTTP parent and child share the connection of AWS's client, and what comes of it is chance."""
    version = harness.function(
        "import os\ndef handler(event, context):\n    if event < 3: os.fork()\n    return event", memory_mb=1769
    )
    answers = [await harness.invoke(version, n) for n in range(10)]
    wrong = [answer.payload for n, answer in enumerate(answers) if not answer.function_error and answer.payload != n]
    assert wrong == []
    assert all(answer.payload["errorType"] == EXIT for answer in answers if answer.function_error)


# The log


@OVER_THE_CHANNEL
async def test_100_mb_of_log_are_kept_within_bounds(harness: Harness) -> None:
    version = obedient(harness)
    writes = {
        "lines": r"os.write(1, b'x' * 65_535 + b'\n')",
        "one line": "os.write(1, b'x' * 65_536)",
        "records": "logging.warning('x' * 65_536)",
        "forged records": "os.write(4, struct.pack('!IIQ', 0xA55A0003, 1 << 20, 0) + b'x' * 65_520)",
    }
    for name, write in writes.items():
        with memory_that_grows_by_less_than(32):
            answer = await misbehave(
                harness, version, f"import logging\nfor _ in range(1600): {write}\nreturn 'logged'"
            )
        assert answer.payload == "logged", name
        assert len(answer.log) == 4096, name
        assert [text.split()[0] for text in answer.log.splitlines()[-2:]] == ["END", "REPORT"], name


@OVER_THE_CHANNEL
async def test_a_child_that_logs_without_end_stops_nobody_else(harness: Harness) -> None:
    body = "if os.fork() == 0:\n    while True: os.write(1, b'x' * 65_536)\ntime.sleep(0.3)\nreturn 'logged'"
    with memory_that_grows_by_less_than(32):
        answer = await misbehave(harness, misbehaving(harness, body))
        assert answer.payload == "logged"
        assert answer.log.splitlines()[-1].startswith("REPORT ")


@OVER_THE_CHANNEL
async def test_forged_platform_lines_do_not_replace_the_genuine_ones(harness: Harness) -> None:
    forged = ReportLine(request_id="forged", duration_ms=1.0, memory_mb=1, max_memory_mb=1, init_ms=77.0)
    body = f"""
        print("END RequestId: forged")
        print({forged.line().decode()!r}, end="")
        print("START RequestId: forged Version: 9")
        time.sleep(0.1)
    """
    answer = await misbehave(harness, misbehaving(harness, body))
    kinds = [line.split()[0] for line in answer.log.splitlines()]
    assert kinds == ["START", "END", "REPORT", "START", "END", "REPORT"]
    assert answer.milliseconds("Duration") >= 100
    assert answer.report["Memory Size"] == "1769 MB"
    assert "Init Duration" not in answer.report


# Init


OF_ITS_PROCESS = [
    ("os._exit(4)", EXIT, f"{EXITED}exit status 4"),
    ("os.kill(os.getpid(), 9)", EXIT, f"{EXITED}signal: killed"),
    ("os.execv('/bin/true', ['true'])", EXIT, NO_REASON),
    ("os.kill(os.getpid(), signal.SIGSTOP)", TIMEOUT, TIMED_OUT),
]
OF_ITS_CLIENT = [
    ("sys.exit(0)", EXIT, NO_REASON),
    ("sys.exit(3)", EXIT, f"{EXITED}exit status 3"),
    ("def again(): again()\nagain()", "RecursionError", "maximum recursion depth exceeded"),
]


@pytest.mark.parametrize(
    ("harness", "at_init", "error_type", "message"),
    [(Transport.SOCKET, *failure) for failure in OF_ITS_PROCESS + OF_ITS_CLIENT]
    + [(Transport.HTTP, *failure) for failure in OF_ITS_CLIENT],
    indirect=["harness"],
)
async def test_an_init_that_fails_is_run_again_under_the_functions_timeout(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, at_init: str, error_type: str, message: str
) -> None:
    status, timeout_s = "error", 60.0
    if error_type == TIMEOUT:  # half a second instead of the ten that an init may take
        monkeypatch.setattr("lab.engine.environment.INIT_LIMIT_S", 0.5)
        status, timeout_s = "timeout", TIMEOUT_S
    version = misbehaving(harness, "...", at_init=at_init, timeout_s=timeout_s)
    answer = await harness.invoke(version)
    assert_failed(answer, error_type, message)
    assert re.search(rf"^INIT_REPORT .*\tPhase: init\tStatus: {status}", answer.log, re.MULTILINE)


@OVER_THE_CHANNEL
async def test_an_init_whose_daemon_lives_on_serves(harness: Harness) -> None:
    at_init = "subprocess.Popen(['/bin/sleep', '99'], start_new_session=True)"
    if harness.engine.isolation.namespaces is None:
        pytest.skip("no process namespaces on this machine: see the tests of the process-group tier")
    assert (await misbehave(harness, misbehaving(harness, "return 'x'", at_init=at_init))).payload == "x"


# The event


async def test_an_event_that_is_never_read_is_forgotten_with_its_process(harness: Harness) -> None:
    """A thread stops the process as soon as it is let go on: 6 MB of event stay half sent."""
    body = """
        def stop():
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGSTOP)
        threading.Thread(target=stop).start()
        time.sleep(0.1)
        return 'stopped'
    """
    version = misbehaving(harness, body, timeout_s=TIMEOUT_S)
    await harness.invoke(version)
    assert_failed(await harness.invoke(version, "misbehave"), TIMEOUT, TIMED_OUT)
    harness.give_time(version)
    large = {"large": "x" * 6_000_000}
    assert (await harness.invoke(version, large)).payload == WELL


async def test_a_runtime_that_stops_before_it_reads_a_large_event_times_out(harness: Harness) -> None:
    """What stops it runs in a thread, which goes on when the environment does: with the next event."""
    body = """
        def stop_when_let_go_on():
            last = time.monotonic()
            while time.monotonic() - last < 0.2: last = time.monotonic(); time.sleep(0.0005)
            os.kill(os.getpid(), signal.SIGSTOP)
        threading.Thread(target=stop_when_let_go_on, daemon=True).start()
        return 'armed'
    """
    version = misbehaving(harness, body, timeout_s=TIMEOUT_S)
    assert (await harness.invoke(version, "misbehave")).payload == "armed"
    await asyncio.sleep(0.5)
    answer = await harness.invoke(version, {"large": "x" * 6_000_000})
    assert_failed(answer, TIMEOUT, TIMED_OUT)
    harness.give_time(version)
    assert (await harness.invoke(version)).payload == WELL


# The channel


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame by a function that writes into its runtime's channel."""

    kind: int
    header: bytes = b""
    body: bytes = b""

    def encode(self) -> bytes:
        rest = 5 + len(self.header) + len(self.body)
        return channel.PREFIX.pack(rest, self.kind, len(self.header)) + self.header + self.body


def writes(*data: bytes, then: str = "return 'answered'") -> str:
    return "\n".join([*(f"os.write(3, {part!r})" for part in data), "time.sleep(0.05)", then])


@OVER_THE_CHANNEL
async def test_frames_that_mean_nothing_change_nothing(harness: Harness) -> None:
    version = obedient(harness)
    frames = {
        "a kind that there is none of": Frame(99),
        "one of the engine's": Frame(channel.INVOKE, b"x", b"{}"),
        "one of the first process": Frame(channel.EXITED, b"{}"),
        "a snapshot": Frame(channel.SNAPSHOT),
        "an answer without a peak of memory": Frame(channel.RESULT, b"x", b"1"),
        "an error of init": Frame(channel.INIT_ERROR, b"", b'{"errorType": "x"}'),
        "the end of an init": Frame(channel.READY, b"1 "),
    }
    for name, frame in frames.items():
        assert (await misbehave(harness, version, writes(frame.encode()))).payload == "answered", name
    assert (await misbehave(harness, version, writes(bytes(64)))).payload == "answered"


@OVER_THE_CHANNEL
async def test_a_frame_that_never_ends_is_a_timeout(harness: Harness) -> None:
    begun = struct.pack("!IBI", 1 << 20, channel.RESULT, 1)
    version = misbehaving(harness, writes(begun), timeout_s=TIMEOUT_S)
    assert_failed(await misbehave(harness, version), TIMEOUT, TIMED_OUT)


@OVER_THE_CHANNEL
async def test_a_frame_of_a_giant_takes_no_memory_of_the_engine(harness: Harness) -> None:
    prefix = struct.pack("!IBI", (1 << 32) - 1, channel.RESULT, 1)
    body = f"os.write(3, {prefix!r})\nfor _ in range(1_000): os.write(3, bytes(65_536))"
    with memory_that_grows_by_less_than(48):
        await misbehave(harness, misbehaving(harness, body))


@OVER_THE_CHANNEL
async def test_an_error_of_init_that_is_no_error_is_an_exit(harness: Harness) -> None:
    version = harness.function(
        f"""
        import os
        forged = [b"", b"no JSON", b"[]", b"{{}}", b"\\xff", b"[" * 9_999]
        seen = ("/tmp" if os.path.isdir("/var/task") else os.environ["TMPDIR"]) + "/seen"
        open(seen, "a").write("x")
        error = forged[os.path.getsize(seen) - 1]
        os.write(3, (5 + len(error)).to_bytes(4, "big") + bytes([{channel.INIT_ERROR}]) + bytes(4) + error)
        os._exit(7)
        """,
        memory_mb=1769,
        timeout_s=60.0,
    )
    for _ in range(5):  # the first runs two inits
        assert_failed(await harness.invoke(version), EXIT, f"{EXITED}exit status 7")


@OVER_THE_CHANNEL
async def test_an_answer_to_no_invocation_is_not_taken(harness: Harness) -> None:
    forged = Frame(channel.RESULT, b"1 00000000-0000-4000-8000-000000000000", b'"forged"').encode()
    version = misbehaving(harness, writes(forged, then="return 'own'"))
    assert (await misbehave(harness, version)).payload == "own"


@OVER_THE_CHANNEL
async def test_a_second_answer_is_not_taken_for_that_of_the_next_invocation(harness: Harness) -> None:
    """Both are there at once: the second when the first has made the environment idle."""
    body = f"""
        header = b"1 " + sys.modules["awslambdaric.bootstrap"]._GLOBAL_AWS_REQUEST_ID.encode()
        frames = [(5 + len(header) + 1, {channel.RESULT}, len(header), body) for body in (b"1", b"2")]
        os.write(3, b"".join(struct.pack("!IBI", *numbers) + header + body for *numbers, body in frames))
        time.sleep(0.05)
    """
    assert (await misbehave(harness, misbehaving(harness, body))).payload == 1


@OVER_THE_CHANNEL
async def test_a_channel_that_is_shut_down_is_an_exit(harness: Harness) -> None:
    answer = await misbehave(harness, misbehaving(harness, "socket.socket(fileno=os.dup(3)).shutdown(2); return 1"))
    assert_failed(answer, EXIT, f"{EXITED}exit status 1")


@OVER_THE_CHANNEL
async def test_descriptors_that_are_sent_along_are_not_taken(harness: Harness) -> None:
    body = f"""
        sock = socket.socket(fileno=os.dup(3))
        for _ in range(50): socket.send_fds(sock, [{Frame(99).encode()!r}], [0, 1, 2])
        return "answered"
    """
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert (await misbehave(harness, misbehaving(harness, body))).payload == "answered"
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 50


# The Runtime API


@OVER_HTTP
async def test_nonsense_to_the_runtime_api_changes_nothing(harness: Harness) -> None:
    version = obedient(harness)
    nonsense = {
        "no HTTP": b"\0" * 100,
        "half a request": b"GET / HTTP/1.1\r\n",
        "no body": b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    }
    for name, data in nonsense.items():
        body = textwrap.dedent(f"""
            host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
            global connection
            connection = socket.create_connection((host, int(port)))
            connection.sendall({data!r})
            time.sleep(0.05)
            return "answered"
        """).strip()
        assert (await misbehave(harness, version, body)).payload == "answered", name


@OVER_HTTP
async def test_a_function_that_answers_for_itself_is_answered_once(harness: Harness) -> None:
    """The runtime's own answer comes second, and is refused: the client then ends its process."""
    version = harness.function(
        """
        import os, urllib.request
        def handler(event, context):
            if event:
                api = os.environ["AWS_LAMBDA_RUNTIME_API"]
                url = f"http://{api}/2018-06-01/runtime/invocation/{context.aws_request_id}/response"
                urllib.request.urlopen(urllib.request.Request(url, b'"own"', method="POST")).read()
            return event
        """,
        memory_mb=1769,
    )
    for event, expected in ((1, "own"), (0, 0), (2, "own"), (0, 0)):
        assert (await harness.invoke(version, event)).payload == expected
        if event:  # the end of the process comes after the answer
            (environment,) = harness.engine._pools[version].environments
            await harness.until(lambda: environment.state is State.NO_PROCESS)  # noqa: B023 - called at once
