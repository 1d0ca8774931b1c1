"""The seccomp filter of an environment: the system calls that a function has no use for and an escape has."""

import errno
import tempfile

CLONE_ARGUMENT = 0
SOCKET_FAMILY_ARGUMENT = 0
FAMILIES = (1, 2, 10, 16)  # Unix, IPv4, IPv6, and netlink, which getaddrinfo needs
LAST_FAMILY = 16
NEW_NAMESPACES = tuple(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))  # CLONE_NEW* of clone(2)

# Names as in syscalls(2). setns(2) is not refused: a restore needs it, and without capabilities it does nothing.
REFUSED = """
    unshare mount umount umount2 pivot_root chroot mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig
    fsmount fspick
    ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp
    bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register fanotify_init
    keyctl add_key request_key
    init_module finit_module delete_module create_module query_module get_kernel_syms kexec_load kexec_file_load
    open_by_handle_at name_to_handle_at lookup_dcookie
    reboot swapon swapoff acct quotactl quotactl_fd nfsservctl syslog _sysctl sysfs uselib ustat vmsplice move_pages
    settimeofday stime clock_settime clock_settime64 clock_adjtime clock_adjtime64 adjtimex
    sethostname setdomainname ioperm iopl modify_ldt vm86 vm86old
"""


def syscall_filter() -> bytes | None:
    """The filter as a BPF program for ``seccomp(2)``; None where the library libseccomp is missing.

    Programs of another architecture (32-bit programs on a 64-bit machine) are killed.
    """
    try:
        import pyseccomp  # noqa: PLC0415 - it loads the library, which not every machine has
    except (ImportError, OSError, RuntimeError):  # as it is where libseccomp is missing
        return None
    refuse = pyseccomp.ERRNO(errno.EPERM)
    made = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in REFUSED.split():
        try:
            made.add_rule(refuse, name)
        except (OSError, ValueError):  # a system call that is newer than this libseccomp
            continue
    for flag in NEW_NAMESPACES:
        made.add_rule(refuse, "clone", pyseccomp.Arg(CLONE_ARGUMENT, pyseccomp.MASKED_EQ, flag, flag))
    # A filter cannot see the flags of clone3. ENOSYS makes the C library use clone.
    made.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    others = [pyseccomp.Arg(SOCKET_FAMILY_ARGUMENT, pyseccomp.GT, LAST_FAMILY)]
    others += [pyseccomp.Arg(SOCKET_FAMILY_ARGUMENT, pyseccomp.EQ, each) for each in _other_families()]
    for other in others:
        for name in ("socket", "socketpair"):
            made.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), name, other)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


def _other_families() -> list[int]:
    return [family for family in range(LAST_FAMILY) if family not in FAMILIES]
