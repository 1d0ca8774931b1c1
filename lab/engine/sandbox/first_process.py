"""Makes the first process of an environment from a fork of the supervisor: limits, namespaces, files, privileges.

An environment that is restored from a snapshot is made the same way, with namespaces inside the snapshot's. They belong
to the snapshot's user, so that the fork of the snapshot, which has no capability, can enter them: see
`lab.engine.runtime.bootstrap`. It waits at the socket ``gate`` for them.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import struct
from typing import Any, NamedTuple

from lab.engine.runtime import channel, init, namespaces
from lab.engine.runtime.channel import Channel
from lab.engine.runtime.namespaces import CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER

# The first of the users that are lent to environments, one each: the number of the environment's first process is
# added. systemd's list of users (UIDS-GIDS) has these as unused: 0x70000000 to 0x7FFEFFFF.
FIRST_USER = 0x70000000
PROCESSES = 1024  # processes and threads, and the first process. Source: Lambda quotas
RESTORE_LIMIT_S = 10.0
DEVICES = ("null", "zero", "full", "random", "urandom")
CREDENTIALS = struct.Struct("iII")


class Fork(NamedTuple):
    """The fork of a snapshot, as the kernel describes it: its process and its user, of the machine."""

    pid: int
    uid: int


def make(order: dict[str, Any], gate: Channel | None, system_calls: bytes | None) -> int | None:
    """Make the environment that is ordered; returns in its first process, with the restored runtime process if any.

    Raises:
        OSError: the environment cannot be made.
        EOFError: the snapshot's fork has gone.
    """
    fork = None if gate is None else _meet(gate)
    init.begin(order["joins"], fork.pid if fork else None)
    if order["namespaces"] is None:
        init.adopt_daemons()
        return None
    if fork is None or gate is None:
        _enter(order)
        _limit_and_confine(system_calls)
        return None
    _enter_within(order, fork)
    _limit_and_confine(system_calls)
    return _hand_over(gate)


def _meet(gate: Channel) -> Fork:
    gate.sock.settimeout(RESTORE_LIMIT_S)
    data, ancillary, _, _ = gate.sock.recvmsg(channel.READ_BYTES, socket.CMSG_SPACE(CREDENTIALS.size))
    if not data:
        raise EOFError("the snapshot has ended")
    pid, uid, _ = CREDENTIALS.unpack(ancillary[0][2])
    return Fork(pid, uid)


def _enter(order: dict[str, Any]) -> None:
    uid = FIRST_USER + os.getpid()
    is_user = order["namespaces"]["user"]
    if is_user:
        namespaces.enter_user_namespace(_process_folder())
    namespaces.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC)
    _fork()
    process = _process_folder()
    _build_root(order)
    if is_user:
        os.close(process)
    else:
        namespaces.become(uid)
        namespaces.enter_user_namespace(process)


def _enter_within(order: dict[str, Any], fork: Fork) -> None:
    user, processes = (os.open(f"/proc/{fork.pid}/ns/{name}", os.O_RDONLY) for name in ("user", "pid"))
    is_user = order["namespaces"]["user"]
    within = _user_namespace_within(user, None if is_user else fork.uid)
    if is_user:
        namespaces.setns(user, CLONE_NEWUSER)
    else:
        os.close(user)
    # The snapshot's processes see this one from here on, and have capabilities in the namespace that it enters.
    namespaces.prctl(namespaces.PR_SET_DUMPABLE, 0)
    namespaces.setns(processes, CLONE_NEWPID)
    namespaces.unshare(CLONE_NEWNS)
    _fork()
    _build_root(order)
    if not is_user:
        namespaces.become(fork.uid)
    namespaces.setns(within, CLONE_NEWUSER)
    # The mounts are now of a namespace above this one: whoever is in this one cannot change them, even with all its
    # capabilities, which the snapshot's fork has for a moment.
    namespaces.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC)
    _fork()
    namespaces.mount_proc("/proc")


def _user_namespace_within(user: int, uid: int | None) -> int:
    """The function's user namespace within another one, of ``uid`` (None: of this user).

    A process that the snapshot cannot see makes it: while it does, its memory and descriptors are not protected.
    """
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            if uid is not None:
                namespaces.become(uid)
            namespaces.setns(user, CLONE_NEWUSER)
            namespaces.enter_user_namespace(_process_folder())
            socket.send_fds(theirs, [b"made"], [os.open("/proc/self/ns/user", os.O_RDONLY)])
        os._exit(0)
    theirs.close()
    with ours:
        _, fds, _, _ = socket.recv_fds(ours, channel.READ_BYTES, 1)
    os.waitpid(child, 0)
    if not fds:
        raise OSError("cannot make a user namespace within that of the snapshot")
    return fds[0]


def _process_folder() -> int:
    return os.open("/proc/self", os.O_PATH)


def _fork() -> None:
    """Go on in a child; the parent waits for its end and ends."""
    child = os.fork()
    if child:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.waitpid(child, 0)
        os._exit(0)


def _build_root(order: dict[str, Any]) -> None:
    """Make the folder ``root`` the file system, with ``places`` (path inside -> path outside) bound in it."""
    root: str = order["root"]
    namespaces.mount("", "/", "", namespaces.MS_REC | namespaces.MS_PRIVATE)
    namespaces.bind(root, root)
    for inside, outside in order["places"].items():
        namespaces.bind(outside, root + inside)
    namespaces.restrict_mounts(root, namespaces.MS_RDONLY | namespaces.MS_NOSUID | namespaces.MS_NODEV)
    for name in DEVICES:
        namespaces.bind(f"/dev/{name}", f"{root}/dev/{name}")
    namespaces.restrict_mounts(root, namespaces.MS_RDONLY | namespaces.MS_NOSUID)
    size = f"size={order['tmp_mb']}m,mode=1777"
    namespaces.mount("tmpfs", f"{root}/tmp", "tmpfs", namespaces.MS_NOSUID | namespaces.MS_NODEV, size)  # noqa: S108
    namespaces.mount_proc(f"{root}/proc")
    namespaces.change_root(root)


def _limit_and_confine(system_calls: bytes | None) -> None:
    namespaces.prctl(namespaces.PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of the user clears it
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES + 1, PROCESSES + 1))
    namespaces.confine(system_calls)


def _hand_over(gate: Channel) -> int:
    """Give the fork of the snapshot the namespaces; returns the runtime process that it forks in them."""
    kinds = ("user", "ipc", "pid", "mnt")
    fds = [os.open(f"/proc/self/ns/{name}", os.O_RDONLY) for name in kinds]
    socket.send_fds(gate.sock, [channel.encode(channel.START)], fds)
    for fd in fds:
        os.close(fd)
    kind, header, body = gate.receive()
    gate.sock.close()
    if kind != channel.STARTED:
        raise OSError(json.loads(header)["reason"])
    return int(body)
