"""The life of an execution environment: init or restore, invocations one at a time, crash, timeout, end."""

import datetime
import enum
import functools
import json
import math
import secrets
import time
from collections.abc import Callable
from typing import Protocol

from lab.engine.deadline import Deadline
from lab.engine.function import FunctionVersion, lambda_environment
from lab.engine.invocation import NO_REASON, Fault, Invocation, InvocationResult, fault_payload
from lab.engine.logs.buffer import LogBuffer
from lab.engine.logs.platform_log import ReportLine
from lab.engine.runtime import channel
from lab.engine.sandbox.sandbox import Sandbox
from lab.engine.services import Services
from lab.engine.settings import Transport

INIT_LIMIT_S = 10.0
RESTORE_LIMIT_S = 10.0
KILL_LIMIT_S = 5.0


class State(enum.Enum):
    """Where an environment is in its life."""

    NEW = "new"
    PREPARED = "prepared"
    """Made from the snapshot, or being made, before there is an invocation to restore it for."""
    STARTING = "starting"
    BUSY = "busy"
    IDLE = "idle"
    KILLED = "killed"
    GONE = "gone"


class Owner(Protocol):
    """Who is told of what becomes of an environment."""

    def environment_idle(self, environment: "Environment") -> None:
        """It can take an invocation."""

    def environment_started(self, environment: "Environment") -> None:
        """Its cold start or restore is over, well or not."""

    def environment_gone(self, environment: "Environment") -> None:
        """It has ended."""

    def snapshot_source(self) -> Sandbox | None:
        """The snapshot to restore from, if the version has one that is ready."""


class Environment:
    """One execution environment of one function version.

    It takes one invocation at a time (`assign`). A crash or a timeout ends the runtime process only: the next
    invocation finds the same environment and the same ``/tmp`` with a new process, whose init is part of that
    invocation's duration.
    """

    def __init__(
        self,
        version: FunctionVersion,
        services: Services,
        owner: Owner,
    ) -> None:
        self.version = version
        self._owner = owner
        self._credentials = services.make_credentials()
        self._forget_credentials = services.forget_credentials
        self._lines = services.lines
        self._telemetry = services.telemetry
        self._busy_watch = services.busy_watch
        self._idle_watch = services.idle_watch
        self._limit_memory = services.settings.limit_memory
        self._log = LogBuffer(self._log_overflow)
        self._group = services.make_group()
        self._sandbox = services.make_sandbox(
            self._group.joins, on_frame=self._frame, on_exit=self._exited, on_log=self._log.write
        )
        self._fault = Fault.TIMEOUT
        self.idle_since = 0.0
        self._deadline = Deadline()
        self._invocation: Invocation | None = None
        self._process_ready = False
        self._within_invocation = False
        self._starting = False
        self._began = 0.0
        self._init_ms: float | None = None
        self._forks = services.settings.transport is Transport.SOCKET
        self.is_prepared = False
        """Made from the snapshot: all is done but the restore itself."""
        self._restoring = False
        self._restore_ms: float | None = None
        self._error: bytes | None = None
        self._peak_kb = 0
        self.log_stream = log_stream_name(version.version)
        self.state = State.NEW

    def assign(self, invocation: Invocation) -> None:
        """Take an invocation: the environment is new or idle."""
        self._invocation = invocation
        if self._telemetry is not None:
            self._telemetry.started(self.version)
        if self.state is State.NEW:
            self._begin()
        elif self.state is State.PREPARED:
            self._begin_restore()
        elif self._process_ready:
            self._idle_watch.leave(self)
            self._sandbox.thaw()
            self._dispatch()
        else:
            self._start_within_invocation()

    def end(self) -> None:
        """End the environment; an invocation that it holds fails."""
        if self.state is State.GONE:
            return
        self.state = State.GONE
        self._deadline.close()
        self._busy_watch.leave(self)
        self._idle_watch.leave(self)
        self._sandbox.close()
        self._group.close()
        self._forget_credentials(self._credentials)
        self._start_over()
        self._owner.environment_gone(self)
        if self._invocation is not None:
            self._fail(Fault.EXIT, NO_REASON)()

    def _begin(self) -> None:
        snapshot = self._owner.snapshot_source()
        if snapshot is not None:
            self.prepare(snapshot)
            self._begin_restore()
            return
        self.state = State.STARTING
        self._starting = True
        self._began = time.perf_counter()
        self._log.write_lines(self._lines.init_start())
        self._deadline.set(INIT_LIMIT_S, self._init_timed_out)
        self._sandbox.start(self._variables())

    def prepare(self, snapshot: Sandbox) -> None:
        """Make the environment from the snapshot: all but variables, random state and hooks, which the restore does.

        A service with many hosts has places ready; here one that is ready saves an invocation the forks and mounts.
        """
        self.state = State.PREPARED
        self._starting = True
        variables = self._variables() | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
        self._sandbox.restore_from(snapshot, variables)

    def _begin_restore(self) -> None:
        self._start_over()
        self.state = State.STARTING
        self._starting = self._restoring = True
        self._began = time.perf_counter()
        self._log.write_lines(self._lines.restore_start())
        self._deadline.set(RESTORE_LIMIT_S, self._restore_timed_out)
        if self.is_prepared:
            self._restore()

    def _start_over(self) -> None:
        if self._starting:
            self._starting = False
            self._owner.environment_started(self)

    def _start_within_invocation(self) -> None:
        self.state = State.STARTING
        self._within_invocation = True
        self._error = None
        self._deadline.set(self.version.timeout_s, self._invocation_timed_out)
        self._began = time.perf_counter()
        self._write_start()
        self._sandbox.start(self._variables())

    def _variables(self) -> dict[str, str]:
        paths = self._sandbox.layout.paths
        return lambda_environment(self.version, log_stream=self.log_stream, paths=paths) | self._credentials

    def _frame(self, kind: int, header: bytes, body: bytes) -> None:
        if kind in (channel.RESULT, channel.ERROR):
            peak_kb, invoke_id = channel.decode_answer(header)
            self._peak_kb = max(self._peak_kb, peak_kb)
            # A second or late answer to an invocation that is over is nobody's.
            if self._invocation is not None and self._invocation.request_id == invoke_id and self.state is State.BUSY:
                self._answered(body, function_error=kind == channel.ERROR)
        elif kind == channel.NOT_ALONE:
            if self.state is State.IDLE:
                self._sandbox.freeze()
        elif kind == channel.READY:
            self._peak_kb = max(self._peak_kb, channel.decode_answer(header)[0])
            if self.state is State.STARTING:
                self._ready()
        elif kind in (channel.INIT_ERROR, channel.RESTORE_ERROR):
            self._error = body if _error_type(body) else None  # a function can say anything there
        elif kind == channel.SNAPSHOT:
            self._became_prepared()

    def _became_prepared(self) -> None:
        self.is_prepared = True
        if not self._restoring:
            self._start_over()
            return
        if not self._forks:
            # The init of this process stood for the snapshot's, and the restore begins here.
            self._began = time.perf_counter()
            self._deadline.set(RESTORE_LIMIT_S, self._restore_timed_out)
        self._restore()

    def _restore(self) -> None:
        self._sandbox.send(channel.encode(channel.RESTORE))

    def _ready(self) -> None:
        self._process_ready = True
        if self._within_invocation:
            self._within_invocation = False
            self._send_invocation()
            return
        elapsed_ms = self._elapsed_ms()
        if self._restoring:
            self._restoring = False
            self._restore_ms = elapsed_ms
            self._log.write_lines(self._lines.restore_report(elapsed_ms))
        else:
            self._init_ms = elapsed_ms
            self._log.write_lines(self._lines.init_done(elapsed_ms))
        self._group.start()
        self._dispatch()
        self._start_over()

    def _dispatch(self) -> None:
        self._began = time.perf_counter()
        self._send_invocation()
        # While the function works: what it prints is read later.
        self._deadline.set(self.version.timeout_s, self._invocation_timed_out)
        self._write_start()

    def _write_start(self) -> None:
        assert self._invocation is not None
        self._log.write_lines(self._lines.start(self._invocation.request_id))

    def _send_invocation(self) -> None:
        invocation = self._invocation
        assert invocation is not None
        self.state = State.BUSY
        remaining_s = self.version.timeout_s - (time.perf_counter() - self._began)
        deadline_ms = int((time.time() + remaining_s) * 1000)
        frame = channel.encode_invoke(
            invocation.request_id, invocation.arn, deadline_ms, invocation.client_context, invocation.payload
        )
        self._sandbox.send(frame)
        if self._limit_memory:
            self._busy_watch.enter(self)

    def _answered(self, payload: bytes, *, function_error: bool) -> None:
        self._sandbox.read_log()
        if self._limit_memory and self._peak_kb > self.version.memory_mb * 1024:
            self._kill(Fault.MEMORY)
            return
        status, error_type = ("error", _error_type(payload)) if function_error else (None, None)
        tell = self._finish(payload, function_error=function_error, status=status, error_type=error_type)
        self._idle_watch.enter(self)
        self._become_idle()
        tell()

    def _finish(
        self, payload: bytes, *, function_error: bool, status: str | None, error_type: str | None
    ) -> Callable[[], None]:
        """Bring an invocation to its end; what is returned tells its caller, if that was not done at once."""
        duration_ms = self._elapsed_ms()
        invocation = self._invocation
        assert invocation is not None
        self._invocation = None
        result = InvocationResult(
            payload=payload, function_error=function_error, executed_version=self.version.version, log_tail=b""
        )
        if not invocation.wants_log:
            invocation.on_done(result)
        self._deadline.clear()
        self._busy_watch.leave(self)
        report = ReportLine(
            request_id=invocation.request_id,
            duration_ms=duration_ms,
            memory_mb=self.version.memory_mb,
            max_memory_mb=min(-(-self._peak_kb // 1024), self.version.memory_mb),
            init_ms=self._init_ms,
            restore_ms=self._restore_ms,
            status=status,
            error_type=error_type,
        )
        self._init_ms = self._restore_ms = None
        self._log.write_lines(self._lines.finish(report))
        result.log_tail, log = self._log.take(with_tail=invocation.wants_log)
        if self._telemetry is not None:
            self._telemetry.invocation(self.version, invocation.arn, self.log_stream, log, report)
        return functools.partial(invocation.on_done, result) if invocation.wants_log else _nobody

    def _elapsed_ms(self) -> float:
        return min((time.perf_counter() - self._began) * 1000, self._limit_ms())

    def _limit_ms(self) -> float:
        timed_out = self.state is State.KILLED and self._fault is Fault.TIMEOUT
        return self.version.timeout_s * 1000 if timed_out else math.inf

    def _become_idle(self) -> None:
        self.state = State.IDLE
        self.idle_since = time.perf_counter()
        self._owner.environment_idle(self)

    def _fail(self, fault: Fault, message: str) -> Callable[[], None]:
        assert self._invocation is not None
        payload = fault_payload(self._invocation.request_id, fault, message)
        status = "timeout" if fault is Fault.TIMEOUT else "error"
        error_type = None if fault is Fault.TIMEOUT else fault.value
        return self._finish(payload, function_error=True, status=status, error_type=error_type)

    def _exited(self, status: int, reason: str | None) -> None:
        self._process_ready = False
        if self.state is State.GONE:
            return
        if reason is not None:
            self._log.write(f"{reason}\n".encode())
            self.end()
        elif self.state is State.PREPARED:
            self.end()
        elif self._restoring:
            tell = self._fail_with(self._error, status)
            self.end()
            tell()
        elif self.state is State.STARTING and not self._within_invocation:
            self._init_failed()
        elif self.state in (State.STARTING, State.BUSY):
            self._within_invocation = False
            if self._group.was_killed():
                self._fault, self.state = Fault.MEMORY, State.KILLED
                self._exited(status, reason)
                return
            tell = self._fail_with(self._error, status)
            self._become_idle()
            tell()
        elif self.state is State.KILLED:
            if self._fault is Fault.MEMORY:
                self._peak_kb = self.version.memory_mb * 1024
            tell = self._fail(self._fault, self._fault_text())
            self._peak_kb = 0
            self._become_idle()
            tell()

    def _init_failed(self) -> None:
        elapsed_ms = self._elapsed_ms()
        error_type = _error_type(self._error) if self._error else Fault.EXIT.value
        status = "timeout" if elapsed_ms >= INIT_LIMIT_S * 1000 else "error"
        self._log.write_lines(self._lines.init_report(elapsed_ms, "init", status, error_type))
        self._start_within_invocation()
        self._start_over()

    def _fail_with(self, error: bytes | None, status: int) -> Callable[[], None]:
        if error is None:
            return self._fail(Fault.EXIT, f"Runtime exited {_exit_text(status)}")
        payload = _with_request_id(error, self._invocation)
        return self._finish(payload, function_error=True, status="error", error_type=_error_type(error))

    def _init_timed_out(self) -> None:
        self._sandbox.kill_process()

    def _restore_timed_out(self) -> None:
        message = f"Restore took longer than {RESTORE_LIMIT_S:.0f} seconds"
        self._error = json.dumps({"errorType": "Runtime.RestoreTimeout", "errorMessage": message}).encode()
        self._sandbox.kill_process()

    def _invocation_timed_out(self) -> None:
        self._sandbox.read_log()
        assert self._invocation is not None
        self._log.write_lines(self._lines.timed_out(self._invocation.request_id))
        self._kill(Fault.TIMEOUT)

    def settle(self) -> None:
        """Stop all that runs in the environment, which has been idle for some milliseconds.

        Right after the answer that was done only if the runtime said that it has other threads or children: else its
        one thread waits for the next invocation, nothing runs until then either, and under load two signals and two
        wake-ups an invocation are saved.
        """
        self._idle_watch.leave(self)
        self._sandbox.freeze()
        self._sandbox.freeze_rest()

    def check_memory(self) -> None:
        """Kill the process if the environment holds more memory than the function has."""
        if self.state is State.BUSY and self._group.over_memory(self._sandbox.pid):
            self._sandbox.read_log()
            self._kill(Fault.MEMORY)

    def _kill(self, fault: Fault) -> None:
        self._fault = fault
        self.state = State.KILLED
        self._process_ready = self._within_invocation = False
        self._busy_watch.leave(self)
        self._deadline.set(KILL_LIMIT_S, self.end)
        self._sandbox.kill_process()

    def _fault_text(self) -> str:
        if self._fault is Fault.TIMEOUT:
            return f"Task timed out after {self.version.timeout_s:.2f} seconds"
        return "Runtime exited with error: signal: killed"

    def _log_overflow(self, data: bytes) -> None:
        if self._telemetry is not None:
            self._telemetry.log(self.version, self.log_stream, data)


def _nobody() -> None:
    """The caller has been told already."""


def log_stream_name(version: str) -> str:
    """A new log stream's name, as Lambda makes them: date, version, 32 hexadecimal digits."""
    return f"{datetime.datetime.now(datetime.UTC):%Y/%m/%d}/[{version}]{secrets.token_hex(16)}"


def _error_type(error: bytes) -> str | None:
    try:
        return str(json.loads(error)["errorType"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _with_request_id(error: bytes, invocation: Invocation | None) -> bytes:
    content = json.loads(error)
    content["requestId"] = invocation.request_id if invocation else ""
    return json.dumps(content).encode()


def _exit_text(status: int) -> str:
    if status == 0:
        return "without providing a reason"
    if status > 0:
        return f"with error: exit status {status}"
    names = {-9: "killed", -15: "terminated", -11: "segmentation fault", -6: "aborted", -2: "interrupt", -1: "hangup"}
    return f"with error: signal: {names.get(status, -status)}"
