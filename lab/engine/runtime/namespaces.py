"""System calls that make and confine an execution environment: namespaces, mounts, capabilities, system call filter."""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECBIT_NO_SETUID_FIXUP = 4
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE_RULESET, SYS_LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1
AT_FDCWD = -100
AT_RECURSIVE = 0x8000

# The user that a function is on Lambda. Seen: the output of `id` there.
UID, GID = 993, 990

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("instructions", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def prctl(option: int, value: int) -> None:
    """``prctl(2)``; does nothing where there is none (macOS)."""
    call = getattr(_libc, "prctl", None)
    if call is not None:
        _check(call(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def unshare(flags: int) -> None:
    """``unshare(2)``."""
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int) -> None:
    """``setns(2)``; closes the descriptor."""
    _check(_libc.setns(fd, kind), "setns")
    os.close(fd)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """``mount(2)``."""
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _check(result, f"mount {source} on {target}")


def bind(source: str, target: str) -> None:
    """Bind a folder or file, with what is mounted below it, at another place."""
    mount(source, target, "", MS_BIND | MS_REC)


def restrict_mounts(target: str, flags: int) -> None:
    """Add flags to a mount and to all mounts below it (Linux 5.12)."""
    attributes = (ctypes.c_uint64 * 4)(flags)  # the first three flags of mount(2) have the same values here
    size = ctypes.sizeof(attributes)
    result = _libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, target.encode(), AT_RECURSIVE, attributes, size)
    _check(result, f"mount_setattr {target}")


def change_root(root: str) -> None:
    """Make a mount the root of the mount namespace; what was there before is gone."""
    os.chdir(root)
    _check(_libc.pivot_root(b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount the machine's root")
    os.chdir("/")


def mount_proc(target: str) -> None:
    """Mount the processes of this process namespace, read-only: no setting of the kernel can be changed there."""
    mount("proc", target, "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)


def become(uid: int) -> None:
    """Take a user and a group of the machine, without other groups, and keep the capabilities."""
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def enter_user_namespace(process: int) -> None:
    """Be the function's user, with every capability, in a new user namespace.

    ``process`` is a descriptor of this process's folder in a writable ``/proc``. It is closed.
    """
    maps = {"setgroups": "deny", "uid_map": f"{UID} {os.geteuid()} 1", "gid_map": f"{GID} {os.getegid()} 1"}
    unshare(CLONE_NEWUSER)
    prctl(PR_SET_DUMPABLE, 1)  # else these files belong to the machine's root
    for name, text in maps.items():
        file = os.open(name, os.O_WRONLY, dir_fd=process)
        os.write(file, text.encode())
        os.close(file)
    os.close(process)
    prctl(PR_SET_DUMPABLE, 0)


def drop_capabilities() -> None:
    """Give up every capability, and the possibility to get one by ``execve(2)``."""
    capability = 0
    while _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def hide_abstract_sockets() -> None:
    """Refuse connections to abstract Unix sockets outside: Landlock has this since Linux 6.12, else nothing happens."""
    scopes = (ctypes.c_uint64 * 3)(0, 0, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET)
    rules = _libc.syscall(SYS_LANDLOCK_CREATE_RULESET, scopes, ctypes.sizeof(scopes), 0)
    if rules >= 0:
        _check(_libc.syscall(SYS_LANDLOCK_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
        os.close(rules)


def confine(system_calls: "bytes | None") -> None:
    """Give up all privileges for good: capabilities, set-user-ID programs, and the system calls of the filter."""
    drop_capabilities()
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    hide_abstract_sockets()
    if system_calls is not None:
        program = _Program(len(system_calls) // 8, system_calls)
        _check(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0), "seccomp")
