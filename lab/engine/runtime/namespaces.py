"""The namespaces and mounts of an execution environment (Linux).

An environment sees the machine's own system directories read-only where Lambda has its operating system, and in
Lambda's places: the code at ``/var/task``, the layers at ``/opt``, the runtime at ``/var/runtime``, and a private
``/tmp`` of limited size that is a memory file system and goes with the environment.
"""

import ctypes
import errno
import os
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SIGKILL = 9

# Lambda's own places, and those that the environment gets fresh: never taken from the machine.
OWN_DIRECTORIES = frozenset({"tmp", "var", "opt", "proc", "mnt", "media", "srv", "lost+found"})

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def prctl(option: int, value: int) -> None:
    """``prctl(2)``; does nothing where there is none (macOS)."""
    call = getattr(_libc, "prctl", None)
    if call is not None:
        _check(call(option, value, 0, 0, 0), f"prctl {option}")


def unshare(flags: int) -> None:
    """``unshare(2)``."""
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """``mount(2)``."""
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _check(result, f"mount {source} on {target}")


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Bind a folder or file at another place."""
    mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        mount("", target, "", MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | _locked_flags(target))


def _locked_flags(path: str) -> int:
    """Mount flags that a user namespace may not take away when it mounts again."""
    flags = os.statvfs(path).f_flag
    return flags & (MS_NODEV | 8 | 1024 | 2048 | (1 << 21))


def enter_user_namespace() -> None:
    """Become root inside a user namespace of one's own, so that mounts need no privilege outside."""
    uid, gid = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")


def build_root(root: str, *, places: dict[str, str], tmp_mb: int) -> None:
    """Make ``root`` the environment's file system and enter it.

    ``places`` says which folder of the machine stands where (absolute path inside -> folder outside), read-only.
    """
    mount("", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID, "size=1m,mode=755")
    _bind_system(root, hidden={place.strip("/").split("/")[0] for place in places})
    for inside, outside in places.items():
        target = root + inside
        if not os.path.isdir(target):
            os.makedirs(target)
        bind(outside, target, read_only=True)
    mount_tmp(f"{root}/tmp", tmp_mb)
    os.makedirs(f"{root}/proc", exist_ok=True)
    mount_proc(f"{root}/proc")
    os.chdir(root)
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount the machine's root")
    os.chdir("/")


def _bind_system(root: str, hidden: set[str]) -> None:
    for entry in os.scandir("/"):
        if entry.name in OWN_DIRECTORIES | hidden:
            continue
        target = f"{root}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
        elif entry.is_dir():
            os.mkdir(target)
            bind(entry.path, target, read_only=entry.name != "dev")


def mount_tmp(target: str, size_mb: int) -> None:
    """A fresh private ``/tmp`` of the given size."""
    os.makedirs(target, exist_ok=True)
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size_mb}m,mode=1777")


def mount_proc(target: str) -> None:
    """The process list of this namespace; the machine's own where a fresh one is not allowed (nested containers)."""
    try:
        mount("proc", target, "proc", MS_NOSUID | MS_NODEV)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        bind("/proc", target)
