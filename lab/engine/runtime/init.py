"""The first process of an execution environment.

It holds the environment's namespaces (and so its ``/tmp``) for as long as the environment lives. It starts the runtime
process in them, starts it again after a crash or a timeout, and reports to the engine how each one ended. When the
engine closes the control channel, or dies, this process ends and the environment with it.
"""

import contextlib
import errno
import json
import os
import select
import signal
import sys
from typing import Any

from . import channel, namespaces
from .channel import Channel

INIT_FAILED = 70
NOT_FOUND, NOT_EXECUTABLE = 127, 126


def begin(joins: "list[str]", fork: "int | None" = None) -> None:
    """Leave the engine's process group, and come under the environment's limits, together with ``fork`` if given."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, an exit before `serve` listens would be lost
    namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
    for path in joins:
        for pid in (0,) if fork is None else (0, fork):
            with open(path, "w", encoding="ascii") as processes:
                processes.write(str(pid))


def adopt_daemons() -> None:
    """Be the parent of every process of the environment that its own parent leaves (Linux)."""
    with contextlib.suppress(OSError):
        namespaces.prctl(namespaces.PR_SET_CHILD_SUBREAPER, 1)


def serve(control: Channel, in_namespace: bool, first_process: "int | None" = None) -> None:
    """Start, kill and wait for runtime processes as the engine says, until it closes the channel.

    ``first_process`` is a runtime process that is there already: one restored from a snapshot.
    """
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    process = _reap(control, first_process, in_namespace)  # it may have ended before the handler was there
    while True:
        readable, _, _ = select.select([control.fileno(), wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 512)
            process = _reap(control, process, in_namespace)
        if control.fileno() in readable:
            try:
                kind, header, _ = control.receive_with_fds()
            except (EOFError, OSError):
                _kill_all(process, in_namespace)
                os._exit(0)
            if kind == channel.START:
                process = start_process(
                    json.loads(header), control.take_fds(), (control.fileno(), wake_read, wake_write)
                )
                control.send(channel.STARTED, {"pid": process})
            elif kind == channel.KILL:
                _kill_all(process, in_namespace)
            elif kind == channel.FREEZE and in_namespace and _left_group(process):
                os.kill(-1, signal.SIGSTOP)
                control.send(channel.FROZEN)
            elif kind == channel.THAW and in_namespace:
                os.kill(-1, signal.SIGCONT)


def start_process(header: "dict[str, Any]", fds: "list[int]", close: "tuple[int, ...]") -> int:
    """Start the runtime: descriptor 0 nowhere, 1, 2 and 4 the log pipe, 3 the channel."""
    process = os.fork()
    if process:
        for fd in fds:
            os.close(fd)
        return process
    try:
        os.setpgid(0, 0)
        if hasattr(os, "SCHED_BATCH"):
            # It must not push the engine aside each time that the engine wakes it: sched(7).
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in close:
            os.close(fd)
        place_descriptors(*fds)
        if header["announce"]:
            os.write(channel.CHANNEL_FD, channel.encode(channel.STARTED))
        os.chdir(header["cwd"])
        os.execve(header["argv"][0], header["argv"], header["env"])
    except OSError as error:
        # The status of a shell, in which Lambda's runtimes start a wrapper.
        os.write(2, f"cannot start the runtime: {error}\n".encode())
        os._exit({errno.ENOENT: NOT_FOUND, errno.EACCES: NOT_EXECUTABLE}.get(error.errno or 0, INIT_FAILED))
    except BaseException as error:
        os.write(2, f"cannot start the runtime: {error}\n".encode())
    os._exit(INIT_FAILED)


def place_descriptors(channel_fd: int, log_fd: int) -> None:
    """Put the log pipe at 1, 2 and 4 and the channel at 3, and close what was handed over."""
    null = os.open(os.devnull, os.O_RDONLY)
    kept = [os.dup(fd) for fd in (channel_fd, log_fd)]
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(kept)]
    for fd in {null, channel_fd, log_fd, *kept} - {0}:
        if fd == null:
            os.dup2(null, 0)
        os.close(fd)
    os.dup2(high[0], channel.CHANNEL_FD)
    for fd in (1, 2, channel.LOG_FD):
        os.dup2(high[1], fd)
    for fd in high:
        os.close(fd)


def _reap(control: Channel, process: "int | None", in_namespace: bool) -> "int | None":
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return process  # one that was restored becomes a child a moment after it has started
        if pid == 0:
            return process
        if pid == process:
            _kill_all(process, in_namespace)
            with contextlib.suppress(OSError):
                control.send(channel.EXITED, {"pid": pid, "status": os.waitstatus_to_exitcode(status)})
            process = None


def _kill_all(process: "int | None", in_namespace: bool) -> None:
    """Kill every process of the environment except this one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if in_namespace:
            os.kill(-1, signal.SIGKILL)
        elif process is not None:
            os.killpg(process, signal.SIGKILL)
    if not in_namespace:
        for pid in _descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _left_group(process: "int | None") -> bool:
    """Whether there is a process in this namespace that is not of the runtime's group."""
    for name in os.listdir("/proc"):
        with contextlib.suppress(ProcessLookupError):
            if name.isdigit() and int(name) != 1 and os.getpgid(int(name)) != process:
                return True
    return False


def _descendants(ancestor: int) -> "list[int]":
    """The processes below one, daemons included where they are handed to it (Linux; elsewhere none is found)."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else []:
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(name)}/stat", encoding="utf-8", errors="replace") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    found = list(children.get(ancestor, []))
    for pid in found:
        found += children.get(pid, [])
    return found


def fail(control: Channel, error: BaseException) -> None:
    """Tell the engine that the environment could not be made, and end."""
    with contextlib.suppress(OSError):
        control.send(channel.EXITED, {"pid": None, "status": INIT_FAILED, "reason": str(error)})
    sys.stderr.flush()
    os._exit(INIT_FAILED)
