"""An execution environment: init or restore, invocations one at a time, freeze, crash, timeout, end.

`lab.engine.lifecycle` has its states and transitions. This file does what each transition asks for.
"""

import dataclasses
import datetime
import functools
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.engine.function import FunctionVersion, lambda_environment
from lab.engine.invocation import NO_REASON, Fault, Invocation, InvocationResult, fault_payload
from lab.engine.lifecycle import STARTS, TRANSITIONS, Event, State, check_ignored
from lab.engine.logs.buffer import LogBuffer
from lab.engine.logs.platform_log import PlatformLog, ReportLine
from lab.engine.runtime import channel
from lab.engine.sandbox.control_groups import Group
from lab.engine.sandbox.sandbox import Sandbox
from lab.engine.settings import EngineSettings, Transport
from lab.engine.start import Start
from lab.engine.start_gate import StartGate
from lab.engine.startup import Shares
from lab.engine.telemetry import TelemetrySink
from lab.engine.timers import Deadline, Watch

if TYPE_CHECKING:
    from lab.engine.pool import Pool

INIT_LIMIT_S = 10.0
RESTORE_LIMIT_S = 10.0
KILL_LIMIT_S = 5.0
RESTORE_TIMED_OUT = {
    "errorType": "Runtime.RestoreTimeout",
    "errorMessage": f"Restore took longer than {RESTORE_LIMIT_S:.0f} seconds",
}
SIGNALS = {-9: "killed", -15: "terminated", -11: "segmentation fault", -6: "aborted", -2: "interrupt", -1: "hangup"}

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the engine gives to a version's pool, environments and snapshot.

    ``make_sandbox`` takes the control-group files to join and the callbacks of a `Sandbox`. ``make_credentials``
    returns an environment's own credentials with the engine's variables; ``forget_credentials`` takes them back.
    """

    make_sandbox: Callable[..., Sandbox]
    make_credentials: Callable[[], dict[str, str]]
    forget_credentials: Callable[[dict[str, str]], None]
    make_group: Callable[[], Group]
    lines: PlatformLog
    gate: StartGate
    shares: Shares
    busy_watch: "Watch[Environment]"
    idle_watch: "Watch[Environment]"
    settings: EngineSettings
    telemetry: TelemetrySink | None


class Environment:
    """One execution environment of one function version. It takes one invocation at a time (`assign`).

    A crash or a timeout ends the runtime process only: the next invocation finds the same environment and the same
    ``/tmp`` with a new process; its init is part of that invocation's duration.
    """

    def __init__(self, version: FunctionVersion, services: Services, pool: "Pool") -> None:
        self.version = version
        self.state = State.NEW
        self.start: Start | None = None
        self.is_last = False  # whether it ends when it has answered
        self.idle_since = 0.0
        self.log_stream = log_stream_name(version.version)
        self._pool = pool
        self._services = services
        self._lines = services.lines
        self._telemetry = services.telemetry
        self._busy_watch = services.busy_watch
        self._idle_watch = services.idle_watch
        self._memory_limit_kb = version.memory_mb * 1024 if services.settings.limit_memory else None
        self._credentials = services.make_credentials()
        self._log = LogBuffer(self._log_overflow)
        self._group = services.make_group()
        self._sandbox = services.make_sandbox(
            self._group.joins, on_frame=self._frame, on_exit=self._exited, on_log=self._log.write
        )
        self._deadline = Deadline(self._deadline_passed)
        self._invocation: Invocation | None = None
        self._began = 0.0
        self._init_ms: float | None = None
        self._restore_ms: float | None = None
        self._billed_restore_ms: float | None = None
        self._own_began = 0.0
        self._error: bytes | None = None
        self._inits_again = False
        self._peak_kb = 0

    # What the pool asks for

    def prepare(self, snapshot: Sandbox) -> None:
        """Copy the environment from the snapshot before there is an invocation.

        What is left for the restore: variables, random state and hooks. The invocation is spared the forks and mounts.
        """
        self._move(Event.PREPARE)
        self._fork(snapshot)

    def assign(self, invocation: Invocation) -> None:
        """Take an invocation: the environment is new, prepared or idle."""
        snapshot = self._pool.snapshot_source() if self.state is State.NEW else None
        self._move(Event.INVOKE if snapshot is None else Event.RESTORE)
        self._invocation = invocation
        if self._telemetry is not None:
            self._telemetry.started(self.version)
        if self.state is State.BUSY:
            self._idle_watch.leave(self)
            self._sandbox.thaw()
            self._dispatch()
        elif self.state is State.INIT_AGAIN:
            self._start_within_invocation()
        elif self.state is State.INIT:
            self._began = self._own_began = time.perf_counter()
            self._log_overflow(self._lines.init_start())
            self._deadline.set(INIT_LIMIT_S)
            self._sandbox.start(self._variables())
        else:
            self._begin_restore(snapshot)

    def end(self) -> None:
        """End the environment, if it has not ended; an invocation that it holds fails."""
        if self.state is not State.ENDED:
            self._end(Event.END)

    # Starts

    def _begin_restore(self, snapshot: Sandbox | None) -> None:
        if snapshot is not None:
            self._fork(snapshot)
        elif self.state is State.FORKING:  # the gate let it through once to prepare it, and now to restore it
            self._pool.environment_started()
        self._began = time.perf_counter()
        self._log_overflow(self._lines.restore_start())
        self._deadline.set(RESTORE_LIMIT_S)
        if self.state is State.RESTORING:
            self._restore()

    def _fork(self, snapshot: Sandbox) -> None:
        self._sandbox.restore_from(snapshot, self._variables() | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})

    def _copied(self) -> None:
        if self.state is State.PREPARED:
            self._pool.environment_started()
            return
        if self._services.settings.transport is Transport.HTTP:
            # The init of this process stood for the snapshot's, and the restore begins here.
            self._began = time.perf_counter()
            self._deadline.set(RESTORE_LIMIT_S)
        self._restore()

    def _restore(self) -> None:
        self._own_began = time.perf_counter()
        self._sandbox.send(channel.encode(channel.RESTORE))

    def _start_within_invocation(self) -> None:
        self._error = None
        self._deadline.set(self.version.timeout_s)
        self._began = time.perf_counter()
        self._inits_again = True
        self._sandbox.start(self._variables())

    def _end_init_again(self, status: str, error_type: str | None) -> None:
        """Log an init within the invocation that has failed, and then the START that comes after it."""
        if self._inits_again:
            self._inits_again = False
            self._log.write_lines(self._lines.init_report(self._elapsed_ms(), "invoke", status, error_type))
            self._write_start()

    def _ready(self, before: State, measured: bytes) -> None:
        self._group.start()
        self._sandbox.read_log()
        if before is State.INIT_AGAIN:
            self._inits_again = False
            self._write_start()
            self._send_invocation()
            return
        assert self.start is not None
        share, now = self.start.share, time.perf_counter()
        own_s = now - self._began if share is None else self._own_s(measured, now)
        share_ms, billed_ms = share or (0.0, 0.0)
        if before is State.RESTORING:
            self._restore_ms, self._billed_restore_ms = share_ms + own_s * 1000, billed_ms + own_s * 1000
            self._log.write_lines(self._lines.restore_report(self._restore_ms))
        else:
            self._init_ms = share_ms + own_s * 1000
            self._log.write_lines(self._lines.init_done(self._init_ms))
        self._hold(self.start.loaded(own_s, now))
        self._pool.environment_started()

    def _own_s(self, measured: bytes, now: float) -> float:
        """How long init or hooks took: as the runtime process measured it, else as seen from here."""
        elapsed_s = now - self._own_began
        try:
            own_s = float(measured) / 1000
        except ValueError:
            return elapsed_s
        return own_s if 0 <= own_s <= elapsed_s else elapsed_s  # a function can write anything there

    def _hold(self, early_s: float) -> None:
        assert self.start is not None
        self._began = time.perf_counter()
        if early_s > 0:
            self._sandbox.freeze()
            self._deadline.set(early_s)
            return
        self._services.gate.delayed += self.start.invocation.start_wait_ms > 0
        self._move(Event.DEADLINE)
        self._dispatch()

    def _variables(self) -> dict[str, str]:
        paths = self._sandbox.layout.paths
        return lambda_environment(self.version, log_stream=self.log_stream, paths=paths) | self._credentials

    # Invocations

    def _dispatch(self) -> None:
        self._began = time.perf_counter()
        self._send_invocation()
        # While the function works: what it prints is read later.
        self._deadline.set(self.version.timeout_s)
        self._write_start()

    def _send_invocation(self) -> None:
        invocation = self._invocation
        assert invocation is not None
        remaining_s = self.version.timeout_s - (time.perf_counter() - self._began)
        deadline_ms = int((time.time() + remaining_s) * 1000)
        frame = channel.encode_invoke(
            *(invocation.request_id, invocation.arn, deadline_ms, invocation.client_context, invocation.payload),
            trace_id=invocation.trace_id,
        )
        self._sandbox.send(frame)
        if self._memory_limit_kb is not None:
            self._busy_watch.enter(self)

    def _write_start(self) -> None:
        assert self._invocation is not None
        self._log.write_lines(self._lines.start(self._invocation.request_id))

    def _answered(self, payload: bytes, *, function_error: bool) -> None:
        over_memory = self._memory_limit_kb is not None and self._peak_kb > self._memory_limit_kb
        if not self._move(Event.OVER_MEMORY if over_memory else Event.ANSWER):
            return
        self._sandbox.read_log()
        if over_memory:
            self._kill()
            return
        status, error_type = ("error", _error_type(payload)) if function_error else (None, None)
        answer = self._finish(payload, function_error=function_error, status=status, error_type=error_type)
        self._idle_watch.enter(self)
        self._become_idle()
        answer()

    def _finish(
        self, payload: bytes, *, function_error: bool, status: str | None, error_type: str | None
    ) -> Callable[[], None]:
        """End an invocation. The function that is returned answers the caller, if that is not done yet."""
        duration_ms = self._elapsed_ms()
        invocation = self._invocation
        assert invocation is not None
        self._invocation = None
        result = InvocationResult(
            payload=payload,
            function_error=function_error,
            executed_version=self.version.version,
            log_tail=b"",
            start_wait_ms=invocation.start_wait_ms,
        )
        if not invocation.wants_log:
            invocation.on_done(result)
        self._deadline.clear()
        self._busy_watch.leave(self)
        report = ReportLine(
            request_id=invocation.request_id,
            duration_ms=min(duration_ms, self.version.timeout_s * 1000) if status == "timeout" else duration_ms,
            memory_mb=self.version.memory_mb,
            max_memory_mb=min(-(-self._peak_kb // 1024), self.version.memory_mb),
            init_ms=self._init_ms,
            restore_ms=self._restore_ms,
            restore_billed_ms=self._billed_restore_ms,
            status=status,
            error_type=error_type,
            trace_header=invocation.trace_id if self.version.traced and invocation.is_sampled else None,
        )
        self._init_ms = self._restore_ms = self._billed_restore_ms = None
        self._log.write_lines(self._lines.finish(report))
        result.log_tail, logged = self._log.take(with_tail=invocation.wants_log)
        if self._telemetry is not None:
            self._telemetry.invocation(self.version, invocation.arn, self.log_stream, logged, report)
        return functools.partial(invocation.on_done, result) if invocation.wants_log else _answered_already

    def _fail(self, fault: Fault, message: str) -> Callable[[], None]:
        assert self._invocation is not None
        payload = fault_payload(self._invocation.request_id, fault, message)
        status, error_type = ("timeout", None) if fault is Fault.TIMEOUT else ("error", fault.value)
        self._end_init_again(status, error_type)
        if fault is not Fault.TIMEOUT:
            self._log.write_lines(self._lines.fault(self._invocation.request_id, error_type, message))
        return self._finish(payload, function_error=True, status=status, error_type=error_type)

    def _fail_by_exit(self, status: int) -> Callable[[], None]:
        """Fail by the error that the process reported before it exited, else by its exit status."""
        if self._error is None:
            return self._fail(Fault.EXIT, f"Runtime exited {_exit_text(status)}")
        error_type = _error_type(self._error)
        self._end_init_again("error", error_type)
        return self._finish(self._error, function_error=True, status="error", error_type=error_type)

    # Between invocations

    def _become_idle(self) -> None:
        self.idle_since = time.perf_counter()
        self._pool.environment_idle(self)

    def freeze(self) -> None:
        """Stop every process of the environment, which has been idle for 10 ms.

        At the answer itself only what said that it has threads or children is stopped (`channel.NOT_ALONE`). Else the
        one thread waits for the next invocation anyway, and under load two signals and two wake-ups are saved.
        """
        self._move(Event.SETTLE)
        self._idle_watch.leave(self)
        self._sandbox.freeze()
        self._sandbox.freeze_rest()

    # What the runtime process says

    def _frame(self, kind: int, header: bytes, body: bytes) -> None:
        if kind in (channel.RESULT, channel.ERROR):
            peak_kb, invoke_id = channel.decode_answer(header)
            self._peak_kb = max(self._peak_kb, peak_kb)
            # A second or late answer to an invocation that is over is nobody's.
            if self._invocation is not None and self._invocation.request_id == invoke_id:
                self._answered(body, function_error=kind == channel.ERROR)
        elif kind == channel.NOT_ALONE:
            if self._move(Event.NOT_ALONE):
                self._sandbox.freeze()
        elif kind == channel.READY:
            self._peak_kb = max(self._peak_kb, channel.decode_answer(header)[0])
            before = self.state
            if self._move(Event.READY):
                self._ready(before, body)
        elif kind == channel.LOADED:
            self._own_began = time.perf_counter()
        elif kind in (channel.INIT_ERROR, channel.RESTORE_ERROR):
            if self._move(Event.ERROR):
                self._error = body if _error_type(body) else None  # a function can write anything there
        elif kind == channel.SNAPSHOT and self._move(Event.SNAPSHOT):
            self._copied()

    # Faults and ends

    def check_memory(self) -> None:
        """Kill the process if the environment holds more memory than the function has."""
        if self._group.over_memory(self._sandbox.pid) and self._move(Event.OVER_MEMORY):
            self._sandbox.read_log()
            self._kill()

    def _deadline_passed(self) -> None:
        before = self.state
        if TRANSITIONS[before].get(Event.DEADLINE) is State.ENDED:
            log.warning("a killed process of %s did not end within %.0f s", self.version.arn, KILL_LIMIT_S)
            self._end(Event.DEADLINE)
            return
        self._move(Event.DEADLINE)
        if before is State.HELD:
            self._sandbox.thaw()
            self._dispatch()
            return
        if self.state is State.RESTORE_TIMED_OUT:
            self._error = json.dumps(RESTORE_TIMED_OUT).encode()
        elif self.state is State.TIMED_OUT:
            assert self._invocation is not None
            self._sandbox.read_log()
            self._end_init_again("timeout", None)
            self._log.write_lines(self._lines.timed_out(self._invocation.request_id))
        self._kill()

    def _kill(self) -> None:
        self._busy_watch.leave(self)
        self._deadline.set(KILL_LIMIT_S)
        self._sandbox.kill_process()

    def _exited(self, status: int, reason: str | None) -> None:
        before = self.state
        if reason is not None:
            log.warning("an environment of %s ended: %s", self.version.arn, reason)
            self._log.write(f"{reason}\n".encode())
            self._end(Event.LOST)
        elif TRANSITIONS[before].get(Event.EXIT) is State.ENDED:
            answer = self._fail_by_exit(status) if self._invocation is not None else _answered_already
            self._end(Event.EXIT)
            answer()
        elif before in (State.INIT, State.INIT_TIMED_OUT):
            self._move(Event.EXIT)
            self._init_failed("timeout" if before is State.INIT_TIMED_OUT else "error")
        elif self._invocation is None:
            self._move(Event.EXIT)
            self._idle_watch.leave(self)
        else:
            by_kernel = Event.KERNEL_KILL in TRANSITIONS[before] and self._group.was_killed()
            self._move(Event.KERNEL_KILL if by_kernel else Event.EXIT)
            self._crashed(State.OUT_OF_MEMORY if by_kernel else before, status)

    def _init_failed(self, status: str) -> None:
        error_type = None if status == "timeout" else Fault.EXIT.value
        if self._error:
            error_type = _error_type(self._error)
        self._log.write_lines(self._lines.init_report(self._elapsed_ms(), "init", status, error_type))
        self._start_within_invocation()
        self._pool.environment_started()

    def _crashed(self, before: State, status: int) -> None:
        if before is State.OUT_OF_MEMORY:
            self._peak_kb = self.version.memory_mb * 1024
            answer = self._fail(Fault.MEMORY, "Runtime exited with error: signal: killed")
            self._peak_kb = 0
        elif before is State.TIMED_OUT:
            answer = self._fail(Fault.TIMEOUT, f"Task timed out after {self.version.timeout_s:.2f} seconds")
            self._peak_kb = 0
        else:
            answer = self._fail_by_exit(status)
        self._become_idle()
        answer()

    def _end(self, event: Event) -> None:
        is_start = self.state in STARTS
        self._move(event)
        self._deadline.close()
        self._busy_watch.leave(self)
        self._idle_watch.leave(self)
        self._sandbox.close()
        self._group.close()
        self._services.forget_credentials(self._credentials)
        if is_start:
            self._pool.environment_started()
        self._pool.environment_gone(self)
        if self._invocation is not None:
            self._fail(Fault.EXIT, NO_REASON)()

    def _move(self, event: Event) -> bool:
        """Follow the table; False where the event is ignored."""
        after = TRANSITIONS[self.state].get(event)
        if after is None:
            check_ignored(self.state, event)
            return False
        self.state = after
        return True

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._began) * 1000

    def _log_overflow(self, data: bytes) -> None:
        if data and self._telemetry is not None:
            self._telemetry.log(self.version, self.log_stream, data)


def log_stream_name(version: str) -> str:
    """A new log stream's name, as Lambda makes them: date, version, 32 hexadecimal digits."""
    return f"{datetime.datetime.now(datetime.UTC):%Y/%m/%d}/[{version}]{secrets.token_hex(16)}"


def _answered_already() -> None:
    return


def _error_type(error: bytes) -> str | None:
    try:
        return str(json.loads(error)["errorType"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _exit_text(status: int) -> str:
    if status == 0:
        return "without providing a reason"
    return f"with error: exit status {status}" if status > 0 else f"with error: signal: {SIGNALS.get(status, -status)}"
