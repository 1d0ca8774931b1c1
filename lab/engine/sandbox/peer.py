"""Which process is at the other end of a loopback connection: sock_diag(7), proc_pid_fd(5), pid_namespaces(7)."""

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

Address = tuple[str, int]

# sock_diag(7), netlink(7): a message's head; both ends with interface and cookie; the inode in an answer
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, ANY = 4, 20, 1, 0xFFFF_FFFF
HEAD = struct.Struct("=IHHII")
ENDS = "2s2s4s12x4s12xIII"
INODE = struct.Struct(f"={HEAD.size}x4x48x16xI")


def is_peer_beside(pid: int, peer: Address, own: Address) -> bool:
    """Whether a process of the same process namespace as ``pid`` holds the peer's end of a connection.

    ``peer`` and ``own`` are the addresses of the two ends. False also if the connection or the process has gone.
    """
    inode = _asked_inode(peer, own) or _listed_inode(peer, own)
    return inode is not None and any(f"socket:[{inode}]" in _descriptors(each) for each in _beside(pid))


def _asked_inode(local: Address, remote: Address) -> int | None:
    """The inode of a socket, as the kernel answers sock_diag(7) in microseconds; None where it does not."""
    request = struct.pack(
        f"=BBBxI{ENDS}", socket.AF_INET, socket.IPPROTO_TCP, 0, ANY, *_ends(local, remote), 0, ANY, ANY
    )
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as kernel:
            kernel.send(HEAD.pack(HEAD.size + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0) + request)
            answer = kernel.recv(4096)
    except OSError:
        return None
    return INODE.unpack_from(answer)[0] if HEAD.unpack_from(answer)[1] == SOCK_DIAG_BY_FAMILY else None


def _ends(local: Address, remote: Address) -> tuple[bytes, ...]:
    ports = (end[1].to_bytes(2, "big") for end in (local, remote))
    return (*ports, *(socket.inet_aton(end[0]) for end in (local, remote)))


def _listed_inode(local: Address, remote: Address) -> int | None:
    """The same from the table of all sockets, which takes milliseconds; None if there is no such socket."""
    ends = f": {_text(local)} {_text(remote)} ".encode()
    _, found, row = Path("/proc/net/tcp").read_bytes().partition(ends)
    return int(row.split(None, 7)[6]) if found else None


def _text(address: Address) -> str:
    number = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    return f"{number:08X}:{address[1]:04X}"


def _beside(pid: int) -> Iterator[int]:
    """The process, then the others of its namespace: seldom does one of them connect."""
    with contextlib.suppress(OSError):
        namespace = Path(f"/proc/{pid}/ns/pid").stat()
        yield pid
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.path.samestat((process / "ns" / "pid").stat(), namespace):
                    yield int(process.name)


def _descriptors(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(descriptor.readlink())
