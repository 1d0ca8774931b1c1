"""The descriptors that a restored environment gets of its own.

A snapshot copies open files, pipes and event loops; a fork shares them. `Descriptors` is made once, in the snapshot. It
refuses what no process can copy alone, and takes what waits in pipes and sockets: the snapshot itself never goes on.
`Descriptors.renew` runs in each fork and puts a copy in the place of each descriptor, under the same number.
"""

import collections
import contextlib
import fcntl
import os
import re
import select
import socket
import stat
import struct
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

FDS = "/proc/self/fd"
OF_THE_FIRST_OPEN = getattr(os, "O_TMPFILE", 0) | os.O_NOFOLLOW  # kept by the kernel; they do not hold for a copy
F_SETPIPE_SZ, PIPE_BYTES = 1031, 1 << 16
TCP_CLOSED = 7  # tcp_states.h; the first byte of TCP_INFO
REGISTRATION = re.compile(r"tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)(?:\s+pos:\S+ ino:([0-9a-f]+))?")

Inode = tuple[int, int]
"""Device and number of a file, pipe or socket."""


class Moved(NamedTuple):
    """The folder for temporary files: where the snapshot has it, and where the environment has its copy."""

    before: str
    now: str

    def has(self, path: str) -> bool:
        """Whether a path of the snapshot's lies there."""
        return path == self.before or path.startswith(self.before + "/")

    def path(self, path: str) -> str:
        """Where a path of the snapshot's is now."""
        return self.now + path[len(self.before) :] if self.has(path) else path


class CannotCopyError(Exception):
    """A fork cannot give each environment what a snapshot would. The text says what it is."""


class Descriptor(NamedTuple):
    """One descriptor of this process: its target and information as /proc has them, its status flags and its inode."""

    fd: int
    target: str
    info: str
    flags: int
    inode: Inode
    mode: int

    def field(self, name: str, base: int = 10) -> int:
        """A number of its information; 0 where this kernel does not give it."""
        found = re.search(rf"^{name}:\s*(\S+)", self.info, re.MULTILINE)
        return int(found[1], base) if found else 0

    @property
    def access(self) -> int:
        """Whether it reads, writes or both."""
        return self.flags & os.O_ACCMODE

    def refused(self, what: str) -> CannotCopyError:
        """The error that says what it is."""
        return CannotCopyError(f"descriptor {self.fd} is {what}")


def _list() -> "list[Descriptor]":
    if sys.platform != "linux":
        return _list_connections()
    found = []
    for name in os.listdir(FDS):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            with open(f"/proc/self/fdinfo/{name}", encoding="ascii", errors="replace") as file:
                info = file.read()
            status = os.stat(f"{FDS}/{name}")
            inode = (status.st_dev, status.st_ino)
            flags = int(info.split("flags:", 1)[1].split(None, 1)[0], 8)
            found.append(Descriptor(int(name), os.readlink(f"{FDS}/{name}"), info, flags, inode, status.st_mode))
    return found


def _list_connections() -> "list[Descriptor]":
    """Where there is no /proc (macOS): the TCP sockets, which are replaced; the rest stays shared."""
    found = []
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(name))) as sock:
            if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
                status = os.fstat(int(name))
                inode = (status.st_dev, status.st_ino)
                found.append(Descriptor(int(name), "", "", os.O_CLOEXEC, inode, status.st_mode))
    return found


class Descriptors:
    """What each descriptor of the snapshot is, and how a fork makes its own.

    ``own`` are descriptors of the lab's: every other one with the same pipe or socket behind it follows them.

    Raises `CannotCopyError`.
    """

    def __init__(self, own: "tuple[int, ...]") -> None:
        self._own = {(status.st_dev, status.st_ino): fd for fd, status in ((fd, os.fstat(fd)) for fd in own)}
        self._renewals: list[Callable[[Moved], None]] = []
        self._files: list[Descriptor] = []
        self.copies: dict[Inode, int] = {}
        """In the fork, by the snapshot's inode: copies of files that have no name any more."""
        descriptors = _list()
        pipes, sockets = collections.defaultdict(list), collections.defaultdict(list)
        loops = []
        for each in descriptors:
            if each.inode in self._own:
                self._follow(each)
            elif stat.S_ISREG(each.mode) or stat.S_ISDIR(each.mode):
                self._file(each)
            elif each.target.startswith("pipe:"):
                pipes[each.inode].append(each)
            elif stat.S_ISSOCK(each.mode):
                sockets[each.inode].append(each)
            elif each.target == "anon_inode:[eventfd]":
                self._event_counter(each)
            elif each.target == "anon_inode:[eventpoll]":
                loops.append(each)
            elif not stat.S_ISCHR(each.mode):  # a device such as /dev/null has no state
                raise each.refused("a named pipe" if stat.S_ISFIFO(each.mode) else each.target)
        for ends in pipes.values():
            self._pipe(ends)
        self._sockets(list(sockets.values()))
        self._event_loops(loops, {each.fd: each.inode for each in descriptors})

    def renew(self, moved: Moved) -> None:
        """In the fork: put the copies in place."""
        for renewal in self._renewals:
            renewal(moved)

    def close_copies(self) -> None:
        """Close the copies; descriptors and mappings of them stay."""
        for fd in self.copies.values():
            os.close(fd)

    def _then(self, renewal: "Callable[[Moved], None]") -> None:
        self._renewals.append(renewal)

    def _follow(self, each: Descriptor) -> None:
        own = self._own[each.inode]
        if each.fd != own:
            self._then(lambda _: _put(os.dup(own), each))

    # Files

    def _file(self, each: Descriptor) -> None:
        twin = next((file for file in self._files if file.inode == each.inode and _one_offset(file.fd, each.fd)), None)
        self._files.append(each)
        if twin is not None:
            self._then(lambda _: _put(os.dup(twin.fd), each))
            return
        offset, named = each.field("pos"), _is_named(each)

        def renew(moved: Moved) -> None:
            new = _open(each, moved.path(each.target)) if named else _open(each, f"{FDS}/{self._copy(each)}")
            if offset:
                os.lseek(new, offset, os.SEEK_SET)
            _put(new, each)

        self._then(renew)

    def _copy(self, each: Descriptor) -> int:
        """A copy of a file that has no name, one for all its descriptors."""
        if each.inode not in self.copies:
            copy = self.copies[each.inode] = os.memfd_create("copy")
            with open(f"{FDS}/{each.fd}", "rb", buffering=0) as source:
                while os.sendfile(copy, source.fileno(), None, 1 << 30):
                    pass
        return self.copies[each.inode]

    # Pipes and sockets

    def _pipe(self, ends: "list[Descriptor]") -> None:
        readers = [end for end in ends if end.access == os.O_RDONLY]
        writers = [end for end in ends if end.access == os.O_WRONLY]
        if not (readers and writers) and not _is_hung_up(ends[0].fd):
            raise ends[0].refused("a pipe to another process")
        content = _drained(readers[0].fd) if readers else b""

        def renew(_: Moved) -> None:
            reader, writer = os.pipe()
            if len(content) > PIPE_BYTES:
                fcntl.fcntl(writer, F_SETPIPE_SZ, len(content))
            os.write(writer, content)
            _put_all(reader, readers)
            _put_all(writer, writers)

        self._then(renew)

    def _sockets(self, groups: "list[list[Descriptor]]") -> None:
        local: list[tuple[list[Descriptor], socket.socket]] = []
        dead: socket.socket | None = None
        for group in groups:
            first = group[0]
            sock = socket.socket(fileno=os.dup(first.fd))
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise first.refused(f"a socket that listens at {sock.getsockname()}")
            if sock.family == socket.AF_UNIX and _peer(sock) is not None:
                local.append((group, sock))
                continue
            if sock.family not in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6):
                raise first.refused(f"a socket of the family {sock.family!r}")
            if sock.type == socket.SOCK_STREAM and sock.family != socket.AF_UNIX and _is_open(sock):
                dead = dead or reset_socket()
                self._replace(dead, group)
            else:
                self._make_again(sock, group)
            sock.close()
        self._pairs(local)
        for _, sock in local:
            sock.close()

    def _replace(self, dead: socket.socket, group: "list[Descriptor]") -> None:
        self._then(lambda _: _put_all(os.dup(dead.fileno()), group))

    def _make_again(self, sock: socket.socket, group: "list[Descriptor]") -> None:
        """Without a connection, or of datagrams over the network: another socket with the same peer."""
        family, kind, protocol, peer = sock.family, sock.type, sock.proto, _peer(sock)

        def renew(_: Moved) -> None:
            new = socket.socket(family, kind, protocol)
            if peer is not None:
                new.connect(peer)
            _put_all(new.detach(), group)

        self._then(renew)

    def _pairs(self, local: "list[tuple[list[Descriptor], socket.socket]]") -> None:
        """Connected sockets of this machine: each has its peer in this process, or had it."""
        for group, sock in local:
            (pid,) = struct.unpack_from("i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if pid != os.getpid():
                raise group[0].refused("a socket of another process")
        waiting = [_received(sock) for _, sock in local]
        paired: set[int] = set()
        for index, (group, sock) in enumerate(local):
            if index in paired:
                continue
            others = {each.fileno(): place for place, (_, each) in enumerate(local) if place != index}
            peer = _find_peer(sock, others)
            if peer is None and not _is_hung_up(sock.fileno()):
                raise group[0].refused("a socket of another process")
            paired |= {index} if peer is None else {index, peer}
            self._pair(
                sock.type,
                (group, waiting[index]),
                ([], []) if peer is None else (local[peer][0], waiting[peer]),
            )

    def _pair(self, kind: int, *ends: "tuple[list[Descriptor], list[bytes]]") -> None:
        def renew(_: Moved) -> None:
            pair = socket.socketpair(socket.AF_UNIX, kind)
            for sender, (_group, waiting) in zip(reversed(pair), ends, strict=True):
                for message in waiting:
                    sender.sendall(message)
            for sock, (group, _waiting) in zip(pair, ends, strict=True):
                _put_all(sock.detach(), group)

        self._then(renew)

    # Events

    def _event_counter(self, each: Descriptor) -> None:
        count, semaphore = each.field("eventfd-count", 16), each.field("eventfd-semaphore")

        def renew(_: Moved) -> None:
            new = os.eventfd(0, os.EFD_SEMAPHORE if semaphore else 0)
            if count:
                os.eventfd_write(new, count)
            _put(new, each)

        self._then(renew)

    def _event_loops(self, loops: "list[Descriptor]", inodes: "dict[int, Inode]") -> None:
        watched: dict[int, list[tuple[int, int]]] = {}
        for loop in loops:
            watched[loop.fd] = []
            for name, events, data, inode in REGISTRATION.findall(loop.info):
                fd = int(name)
                if fd not in inodes or (inode and int(inode, 16) != inodes[fd][1]):
                    continue  # its number has been closed, or is another's by now
                if int(data, 16) & 0xFFFFFFFF != fd:
                    raise loop.refused("an event loop of native code")
                watched[loop.fd].append((fd, int(events, 16)))

        def renew(_: Moved) -> None:
            for loop in loops:  # one can watch another
                with select.epoll() as new:
                    _put(os.dup(new.fileno()), loop)
            for number, registrations in watched.items():
                with select.epoll.fromfd(os.dup(number)) as new:
                    for fd, events in registrations:
                        new.register(fd, events)

        self._then(renew)


def _put(new: int, each: Descriptor) -> None:
    """Put a descriptor in another's place, with its flags."""
    if each.flags & os.O_NONBLOCK:
        os.set_blocking(new, False)
    os.dup2(new, each.fd, inheritable=not each.flags & os.O_CLOEXEC)
    os.close(new)


def _put_all(new: int, group: "list[Descriptor]") -> None:
    for each in group:
        _put(os.dup(new), each)
    os.close(new)


def _open(each: Descriptor, path: str) -> int:
    flags = each.flags & ~OF_THE_FIRST_OPEN | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except OSError:  # it can no longer be opened by its name: permissions have changed, say
        return os.open(f"{FDS}/{each.fd}", flags)


def _is_named(each: Descriptor) -> bool:
    """Whether the path of a file leads to it, and will lead to the environment's own."""
    if each.target.startswith("/dev/shm/"):
        return False
    try:
        status = os.lstat(each.target)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == each.inode


def _one_offset(first: int, second: int) -> bool:
    """Whether two descriptors of a file are copies of one another (dup): they have one offset."""
    try:
        before = os.lseek(second, 0, os.SEEK_CUR)
        here = os.lseek(first, 0, os.SEEK_CUR)
        os.lseek(first, here + 1, os.SEEK_SET)
        moved = os.lseek(second, 0, os.SEEK_CUR) != before
        os.lseek(first, here, os.SEEK_SET)
    except OSError:  # a directory, say
        return False
    return moved


def _is_hung_up(fd: int) -> bool:
    """Whether nobody has the other end."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))


def _drained(fd: int) -> bytes:
    os.set_blocking(fd, False)
    content = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(fd, PIPE_BYTES):
            content += part
    return content


def _received(sock: socket.socket) -> "list[bytes]":
    """What waits in a socket, by message."""
    messages = []
    with contextlib.suppress(BlockingIOError, ConnectionResetError):
        while (message := sock.recv(1 << 20, socket.MSG_DONTWAIT)) or sock.type == socket.SOCK_DGRAM:
            messages.append(message)
    return messages


def _find_peer(sock: socket.socket, others: "dict[int, int]") -> "int | None":
    """Which of the others is at the other end: the one that a byte arrives at."""
    try:
        sock.send(b"?", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        return None
    poll = select.poll()
    for fd in others:
        poll.register(fd, select.POLLIN)
    for fd, events in poll.poll(0):
        if events & select.POLLIN and _has_byte(fd):
            return others[fd]
    return None


def _has_byte(fd: int) -> bool:
    with socket.socket(fileno=os.dup(fd)) as sock:
        try:
            return sock.recv(1, socket.MSG_DONTWAIT) == b"?"
        except OSError:
            return False


def _peer(sock: socket.socket) -> "tuple[Any, ...] | str | None":
    """The address at the other end; None without a connection."""
    try:
        address: tuple[Any, ...] | str = sock.getpeername()
    except OSError:
        return None
    return address


def _is_open(sock: socket.socket) -> bool:
    """Whether a TCP socket has a connection, or had one that nobody has closed."""
    if not hasattr(socket, "TCP_INFO"):  # macOS
        return _peer(sock) is not None
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_CLOSED


def reset_socket() -> socket.socket:
    """A TCP socket that its peer has reset: what a connection made before a snapshot is after a restore."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    return sock
