"""The runtime process: AWS's runtime client (awslambdaric) over the engine's channel instead of HTTP.

Everything that a function sees (context, errors, logging, hooks) is AWS's own code; only the transport is ours.
"""

import json
import os
import resource
import signal
import socket
import sys
import time
from typing import Any

from . import channel, init, namespaces, over_http
from .channel import CHANNEL_FD, LOG_FD, Channel
from .copy_of_snapshot import Copy, copy_files
from .descriptors import CannotCopyError, Moved

TASKS_OF_ONE_THREAD = 3  # links of a folder: its name, its own dot, and one for each folder in it


class SocketRuntimeClient:
    """What `awslambdaric.bootstrap.run` needs of a runtime client, over a `Channel`.

    ``restore_next()`` does not return in the process that calls it: it becomes the snapshot, and each restored
    environment is a fork of it, in which the call returns.
    """

    def __init__(self, sock: socket.socket) -> None:
        from awslambdaric.lambda_runtime_client import InvocationRequest
        from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

        self._request = InvocationRequest
        self.marshaller = LambdaMarshaller()
        self._channel = Channel(sock)
        self._ready = False
        self._began = time.perf_counter()
        # A child that returns from the handler too must neither answer nor take the next invocation.
        os.register_at_fork(after_in_child=self._let_go)

    def wait_next_invocation(self) -> Any:
        """Wait for an invocation; the first call reports that init is done."""
        if not self._ready:
            self._ready = True
            took_ms = b"%.3f" % ((time.perf_counter() - self._began) * 1000)
            self._channel.sock.sendall(channel.encode_answer(channel.READY, _peak_kb(), took_ms))
        elif not _alone():
            self._channel.send(channel.NOT_ALONE)
        try:
            _, header, body = self._channel.receive()
        except EOFError:
            os._exit(0)
        invoke_id, arn, deadline_ms, trace_id, client_context = header.decode().split("\n", 4)
        return self._request(
            event_body=body,
            invoke_id=invoke_id,
            invoked_function_arn=arn,
            deadline_time_in_ms=int(deadline_ms),
            client_context=client_context or None,
            content_type="application/json",
            cognito_identity=None,
            tenant_id=None,
            invocation_id=None,
            x_amzn_trace_id=trace_id or None,
        )

    def _let_go(self) -> None:
        self._channel.sock.close()

    def post_invocation_result(
        self, invoke_id: str, result_data: "str | bytes", content_type: str = "application/json", _id: Any = None
    ) -> None:
        """Answer the invocation."""
        body = result_data if isinstance(result_data, bytes) else result_data.encode("utf-8")
        kind = channel.RESULT
        if len(body) > channel.MAX_RESPONSE_BYTES:
            kind, body = channel.ERROR, channel.RESPONSE_TOO_LARGE
        self._channel.sock.sendall(channel.encode_answer(kind, _peak_kb(), body, invoke_id))

    def post_invocation_error(self, invoke_id: str, error: str, xray_fault: str, _id: Any = None) -> None:
        """Answer the invocation with the function's error."""
        body = error.encode("utf-8", "replace")
        self._channel.sock.sendall(channel.encode_answer(channel.ERROR, _peak_kb(), body, invoke_id))

    def post_init_error(self, error: "dict[str, Any]", error_type_override: "str | None" = None) -> None:
        """Init has failed; the process exits next."""
        from awslambdaric.lambda_runtime_marshaller import to_json

        if error_type_override:
            error = {**error, "errorType": error_type_override}
        self._channel.send(channel.INIT_ERROR, None, to_json(error).encode())

    def report_restore_error(self, error: "dict[str, Any]") -> None:
        """An after-restore hook has failed; the process exits next."""
        from awslambdaric.lambda_runtime_marshaller import to_json

        self._channel.send(channel.RESTORE_ERROR, None, to_json(error).encode())

    def restore_next(self) -> None:
        """Be the snapshot; return in each environment that is restored from it."""
        try:
            copy = Copy((CHANNEL_FD, LOG_FD))
        except CannotCopyError as error:
            self._channel.send(channel.SNAPSHOT_REFUSED, None, str(error).encode())
            _wait_for_the_end()
        self._channel.send(channel.SNAPSHOT)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            try:
                _, header, _ = self._channel.receive_with_fds()
            except EOFError:
                os._exit(0)
            fds = self._channel.take_fds()
            if os.fork() == 0:
                break
            for fd in fds:
                os.close(fd)
        self._become_environment(json.loads(header), fds, copy)

    def _become_environment(self, header: "dict[str, Any]", fds: "list[int]", copy: Copy) -> None:
        """In the fork: the namespaces of the new environment, then its channel and log."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        channel_fd, log_fd, first_fd = fds
        first = Channel(socket.socket(fileno=first_fd))
        try:
            if header["in_namespace"]:
                _enter_environment(first)
            else:
                self._begin_environment(header["joins"], first, [channel_fd, log_fd])
        except OSError as error:
            init.fail(first, error)
        first.sock.close()
        self._channel.sock.detach()
        os.dup2(channel_fd, CHANNEL_FD)
        os.dup2(log_fd, 1)
        os.dup2(log_fd, 2)
        os.close(channel_fd)
        os.dup2(log_fd, LOG_FD)
        if log_fd != LOG_FD:
            os.close(log_fd)
        self._channel = Channel(socket.socket(fileno=CHANNEL_FD))
        copy.complete(Moved(*(("/tmp", "/tmp") if header["in_namespace"] else header["tmp"])))
        self._channel.send(channel.SNAPSHOT)
        try:
            self._channel.receive()
        except EOFError:
            os._exit(0)
        self._began = time.perf_counter()
        os.environ.update(header["env"])

    def _begin_environment(self, joins: "list[str]", control: Channel, fds: "list[int]") -> None:
        """Without namespaces: this process is the environment's first process, and its child the runtime."""
        init.begin(joins)
        init.adopt_daemons()
        process = os.fork()
        if process:
            for fd in fds:
                os.close(fd)
            self._channel.sock.close()
            control.send(channel.STARTED, {"pid": process})
            init.serve(control, False, process)
        os.setpgid(0, 0)
        namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)


def _peak_kb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _alone() -> bool:
    """Whether this process has no thread but this one, and no child: then nothing runs while it waits."""
    try:
        if os.stat("/proc/self/task").st_nlink != TASKS_OF_ONE_THREAD:
            return False
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    except OSError:
        pass  # no /proc: nothing is known
    return False


def _wait_for_the_end() -> None:
    while True:
        signal.pause()


def _enter_environment(first: Channel) -> None:
    """Go on in the namespaces that ``first``, the environment's first process, has made; it becomes the parent.

    They belong to this user, which is why they can be entered. The capabilities that come with them are given up.
    """
    files = os.open("/tmp", os.O_RDONLY)
    first.send(channel.RESTORE)
    first.receive_with_fds()
    kinds = (namespaces.CLONE_NEWUSER, namespaces.CLONE_NEWIPC, namespaces.CLONE_NEWPID, namespaces.CLONE_NEWNS)
    for fd, kind in zip(first.take_fds(), kinds, strict=True):
        namespaces.setns(fd, kind)
    if os.fork():
        os._exit(0)
    process = os.fork()
    if process:  # its end gives the runtime process to the first process of these namespaces
        first.send(channel.STARTED, None, b"%d" % process)
        os._exit(0)
    os.setpgid(0, 0)
    namespaces.drop_capabilities()
    namespaces.hide_abstract_sockets()
    namespaces.prctl(namespaces.PR_SET_DUMPABLE, 1)  # as after an execve(2): what it has in /proc is its own
    copy_files(f"/proc/self/fd/{files}", "/tmp")
    os.close(files)


def main() -> None:
    """Run the function as Lambda's Python runtime does: over HTTP if an argument names its handler."""
    sys.path[:0] = os.environ.pop("LAB_IMPORT_PATH").split(":")
    if sys.argv[1:]:
        over_http.run()
        return
    from awslambdaric import bootstrap

    # From here on it is the function's init: the client takes the time.
    bootstrap.run(os.environ["_HANDLER"], SocketRuntimeClient(socket.socket(fileno=CHANNEL_FD)))
