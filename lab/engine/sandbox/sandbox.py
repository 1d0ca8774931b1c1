"""An environment's processes as the engine holds them: it makes, starts, stops and kills them, and exchanges frames.

Their side of it is `lab.engine.runtime.init` (the first process) and `lab.engine.runtime.bootstrap` (the runtime's).
"""

import asyncio
import contextlib
import enum
import fcntl
import json
import logging
import os
import secrets
import select
import shutil
import signal
import socket
import struct
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.engine.runtime import channel
from lab.engine.runtime.copy_of_snapshot import copy_files
from lab.engine.runtime_api import RuntimeApi, peak_kb
from lab.engine.sandbox.isolation import INTERPRETER_FOLDER, Layout
from lab.engine.sandbox.peer import Address, is_peer_beside
from lab.engine.sandbox.supervisor import Supervisor
from lab.engine.settings import Transport

log = logging.getLogger(__name__)

CREDENTIALS = struct.Struct("iII")
NOTHING = bytes(4)


class Rest(enum.Enum):
    """Whether the processes outside the runtime's group are frozen."""

    RUNNING = "running"
    ASKED = "asked"
    FROZEN = "frozen"


class Sandbox:
    """One environment's namespaces, runtime process, channel and log pipe.

    ``on_frame(kind, header, body)`` is called for what the runtime sends, ``on_exit(status, reason)`` when its process
    has ended (a negative status is a signal), ``on_log(data)`` for what it prints.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        layout: Layout,
        tmp_mb: int,
        joins: list[str],
        *,
        transport: Transport,
        on_frame: Callable[[int, bytes, bytes], None],
        on_exit: Callable[[int, str | None], None],
        on_log: Callable[[bytes], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._supervisor = supervisor
        self.layout = layout
        self._tmp_mb = tmp_mb
        self._joins = joins
        self._transport = transport
        self._runtime_api: RuntimeApi | None = None
        self._on_frame, self._on_exit, self._on_log = on_frame, on_exit, on_log
        self._control: socket.socket | None = None  # to the first process
        self._control_frames = channel.Decoder()
        self._channel: socket.socket | None = None  # to the runtime process
        self._frames = channel.Decoder()
        self._outbox = bytearray()
        self._log = -1
        self._tmp: Path | None = None
        self._stopped = False
        self._rest = Rest.RUNNING
        self.pid: int | None = None
        self._process = -1  # refers to the process with this number, also when another one has it

    def start(self, env: dict[str, str]) -> None:
        """Start the runtime process: in a new environment, or again in this one."""
        if self._control is None:
            self._watch_control(self._supervisor.make_environment(self.layout.places, self._tmp_mb, self._joins))
        channel_fd, log_fd = self._new_process_ends()
        paths = self.layout.paths
        over_http = [] if self._runtime_api is None else [env["_HANDLER"]]
        argv = [self.layout.python, "-s", f"{paths['runtime']}/bootstrap.py", *over_http]
        if wrapper := env.get("AWS_LAMBDA_EXEC_WRAPPER"):
            argv.insert(0, wrapper)
        header: dict[str, object] = {
            "cwd": paths["task"],
            "argv": argv,
            "env": {**env, **self._own_variables(), **self._runtime_variables(env)},
            "announce": self._runtime_api is not None,
        }
        assert self._control is not None
        self._send_with_fds(self._control, channel.encode(channel.START, header), [channel_fd, log_fd])

    def restore_from(self, snapshot: "Sandbox", env: dict[str, str]) -> None:
        """Make this environment a copy of the one that is a snapshot.

        Over HTTP it is a process of its own, which sends SNAPSHOT and waits for RESTORE when its init is done.
        """
        if self._transport is Transport.HTTP:
            self.start(env)
            return
        in_namespace = self._supervisor.isolation.namespaces is not None
        ours, theirs = socket.socketpair()
        if in_namespace:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # before the fork can say anything
            ours = self._supervisor.make_environment(self.layout.places, self._tmp_mb, self._joins, ours)
        self._watch_control(ours)
        channel_fd, log_fd = self._new_process_ends()
        header: dict[str, object] = {
            "in_namespace": in_namespace,
            "joins": self._joins,
            "env": {**env, **self._own_variables(snapshot._tmp)},
            "tmp": [str(snapshot._tmp), str(self._tmp)],
        }
        assert snapshot._channel is not None
        frame = channel.encode(channel.RESTORE, header)
        self._send_with_fds(snapshot._channel, frame, [channel_fd, log_fd, theirs.detach()])

    def send(self, data: bytes) -> None:
        """Send the runtime a frame; what the socket does not take at once goes as it drains."""
        if self._runtime_api is not None:
            self._runtime_api.send(data)
            return
        assert self._channel is not None
        if self._outbox:
            self._outbox += data
            return
        try:
            sent = self._channel.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # the process has gone; its exit is reported
        if sent < len(data):
            self._outbox += data[sent:]
            self._loop.add_writer(self._channel, self._drain_outbox)

    def freeze(self) -> None:
        """Stop the environment's processes (SIGSTOP): over HTTP as soon as the runtime asks for the next invocation."""
        if self._runtime_api is None:
            self._stop()

    def freeze_rest(self) -> None:
        """Stop the processes that have left the runtime's group too: the first process of a namespace knows them."""
        if self._supervisor.isolation.namespaces is not None:
            self._rest = Rest.ASKED
            self._order(channel.FREEZE)

    def thaw(self) -> None:
        """Let the environment's processes go on (SIGCONT)."""
        if not self._stopped:
            return
        self._stopped = False
        self._signal(signal.SIGCONT)
        if self._rest is Rest.FROZEN:
            self._order(channel.THAW)
        self._rest = Rest.RUNNING

    def kill_process(self) -> None:
        """Kill what runs in the environment; `on_exit` follows."""
        self._order(channel.KILL)

    def read_log(self) -> None:
        """Read what the runtime has printed up to now."""
        # Asking how much there is costs less than the exception of a read that finds nothing.
        if self._log >= 0 and fcntl.ioctl(self._log, termios.FIONREAD, NOTHING) != NOTHING:
            self._log_readable()

    def close(self) -> None:
        """End the environment: its processes are killed and its ``/tmp`` is gone."""
        self._signal(signal.SIGKILL)  # without namespaces nobody else may do it: the first process may have been killed
        self._close_process_ends()
        if self._control is not None:
            self._loop.remove_reader(self._control)
            self._control.close()
            self._control = None
        if self._tmp is not None:
            shutil.rmtree(self._tmp, ignore_errors=True)

    def _own_variables(self, snapshot_tmp: Path | None = None) -> dict[str, str]:
        variables = {}
        if self._supervisor.isolation.namespaces is None:
            if self._tmp is None:
                self._tmp = self._supervisor.folder / f"tmp-{secrets.token_hex(8)}"
                self._tmp.mkdir()
                if snapshot_tmp is not None:
                    copy_files(str(snapshot_tmp), str(self._tmp))
            variables["TMPDIR"] = str(self._tmp)
        return variables

    def _runtime_variables(self, env: dict[str, str]) -> dict[str, str]:
        """What the runtime takes from its variables before the function's code is loaded."""
        variables = {"_LAMBDA_TELEMETRY_LOG_FD": str(channel.LOG_FD), "LAB_IMPORT_PATH": self.layout.import_path}
        libraries = env["LD_LIBRARY_PATH"].split(":")
        if (
            f"{INTERPRETER_FOLDER}/lib" not in libraries
        ):  # the function's own value; a shared libpython is found only there
            variables["LD_LIBRARY_PATH"] = ":".join([*libraries, f"{INTERPRETER_FOLDER}/lib"])
        if self._runtime_api is not None:
            variables["AWS_LAMBDA_RUNTIME_API"] = self._runtime_api.address
        return variables

    def _new_process_ends(self) -> tuple[int, int]:
        self._close_process_ends()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        if sys.platform == "linux":
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        if self._transport is Transport.HTTP:  # the process says who it is over the channel, and nothing more
            self._runtime_api = RuntimeApi(self._on_frame, lambda: peak_kb(self.pid), self._stop, self._is_runtime)
        self._log, log_theirs = os.pipe()
        os.set_blocking(self._log, False)
        self._channel = ours
        self._frames = channel.Decoder()
        self._outbox.clear()
        self._loop.add_reader(ours, self._channel_readable)
        self._loop.add_reader(self._log, self._log_readable)
        return theirs.detach(), log_theirs

    def _is_runtime(self, peer: Address, own: Address) -> bool:
        """Whether a connection to the Runtime API comes from this environment; nobody can say so without namespaces."""
        if self._supervisor.isolation.namespaces is None:
            return True
        if self.pid is None:
            self._channel_readable()  # where it says who it is, before it connects
        return self.pid is not None and is_peer_beside(self.pid, peer, own)

    def _close_process_ends(self) -> None:
        self.pid = None
        if self._process >= 0:
            os.close(self._process)
            self._process = -1
        self._stopped = False
        if self._runtime_api is not None:
            self._runtime_api.close()
            self._runtime_api = None
        if self._channel is not None:
            self._loop.remove_reader(self._channel)
            self._loop.remove_writer(self._channel)
            self._channel.close()
            self._channel = None
        if self._log >= 0:
            self._loop.remove_reader(self._log)
            os.close(self._log)
            self._log = -1

    def _watch_control(self, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._loop.add_reader(control, self._control_readable)

    @staticmethod
    def _send_with_fds(sock: socket.socket, frame: bytes, fds: list[int]) -> None:
        sock.setblocking(True)
        try:
            sent = socket.send_fds(sock, [frame], fds)
            sock.sendall(frame[sent:])
        finally:
            sock.setblocking(False)
            for fd in fds:
                os.close(fd)

    def _channel_readable(self) -> None:
        assert self._channel is not None
        try:
            data = self._receive_first() if self.pid is None else self._channel.recv(channel.READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # the process has gone
        if not data:
            self._loop.remove_reader(self._channel)
            return
        try:
            frames = self._frames.feed(data)
        except ValueError as error:  # the function writes to the channel itself
            log.warning("killing process %s: its channel carries %s", self.pid, error)
            self._loop.remove_reader(self._channel)
            self.kill_process()
            return
        for kind, header, body in frames:
            self._on_frame(kind, header, body)

    def _receive_first(self) -> bytes:
        # The kernel's word for the sender's process id, as seen from here rather than from within its namespace.
        assert self._channel is not None
        if sys.platform != "linux":
            return self._channel.recv(channel.READ_BYTES)
        data, ancillary, _, _ = self._channel.recvmsg(channel.READ_BYTES, socket.CMSG_SPACE(CREDENTIALS.size))
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                self._begin_with(CREDENTIALS.unpack(content)[0])
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        return data

    def _begin_with(self, pid: int) -> None:
        if self._supervisor.isolation.namespaces is not None:
            try:
                self._process = os.pidfd_open(pid)
            except ProcessLookupError:
                return
        self.pid = pid

    def _has_ended(self) -> bool:
        """Whether the process has ended. The function can have another send the first frame, and end it."""
        return self._process >= 0 and _is_readable(self._process)

    def _log_readable(self) -> None:
        try:
            data = os.read(self._log, channel.READ_BYTES)  # all that the pipe holds; reading on might never end
        except BlockingIOError:
            return
        if data:
            self._on_log(data)
        else:
            self._loop.remove_reader(self._log)

    def _control_readable(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(channel.READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._control)
            self._on_exit(-signal.SIGKILL, "the environment has ended")
            return
        for kind, head, _ in self._control_frames.feed(data):
            header: dict[str, Any] = json.loads(head or b"{}")
            if kind == channel.EXITED:
                self.read_log()
                self.pid = None
                self._on_exit(header["status"], header.get("reason"))
            elif kind == channel.FROZEN:
                if self._rest is Rest.ASKED:
                    self._rest = Rest.FROZEN
                else:  # an invocation has come meanwhile
                    self._order(channel.THAW)
            elif kind == channel.STARTED and self._supervisor.isolation.namespaces is None:
                self.pid = header["pid"]

    def _order(self, kind: int) -> None:
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(channel.encode(kind))

    def _drain_outbox(self) -> None:
        assert self._channel is not None
        try:
            sent = self._channel.send(self._outbox)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._outbox)
        del self._outbox[:sent]
        if not self._outbox:
            self._loop.remove_writer(self._channel)

    def _stop(self) -> None:
        self._stopped = True
        self._signal(signal.SIGSTOP)

    def _signal(self, number: int) -> None:
        if self.pid is not None and not self._has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
