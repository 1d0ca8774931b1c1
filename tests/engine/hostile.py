"""A function that tries to get out of its environment, and returns what came of each attempt.

It tries when it is imported (in a snapshot, that is before any restore) and again in its handler.
"""

HOSTILE = """
import ctypes, errno, functools, os, resource, socket, subprocess, sys, threading

libc = ctypes.CDLL(None, use_errno=True)
NEWUSER, NEWNS, REMOUNT, BIND = 0x10000000, 0x20000, 32, 4096
# Numbers of x86_64. Without a filter, an unprivileged process may use those of the last line.
NUMBERS = {"ptrace": 101, "bpf": 321, "kexec_load": 246, "init_module": 175, "open_by_handle_at": 304, "clone": 56,
           "keyctl": 250, "io_uring_setup": 425, "process_vm_readv": 310, "perf_event_open": 298, "clone3": 435}


def attempt(do, *arguments):
    try:
        return f"done: {do(*arguments)!r}"
    except OSError as error:
        return errno.errorcode[error.errno]


def call(do, *arguments):
    result = do(*arguments)
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]


def read(path):
    return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(100)


def write(path):
    with open(path, "w") as file:
        file.write("1")


def families():
    refused = []
    for make in socket.socket, socket.socketpair:
        for family in range(64):
            try:
                for end in [made] if isinstance(made := make(family, socket.SOCK_DGRAM), socket.socket) else made:
                    end.close()
            except OSError as error:
                if error.errno == errno.EAFNOSUPPORT:
                    refused.append(family)
    return [family for family in range(64) if refused.count(family) < 2]


flags = ctypes.c_ulong
ESCAPES = {
    "remount": lambda: call(libc.mount, b"", b"/", None, flags(REMOUNT | BIND), None),
    "remount code": lambda: call(libc.mount, b"", b"/var/task", None, flags(REMOUNT | BIND), None),
    "mount": lambda: call(libc.mount, b"none", b"/tmp", b"tmpfs", flags(0), None),
    "mount proc": lambda: call(libc.mount, b"proc", b"/tmp", b"proc", flags(0), None),
    "umount": lambda: call(libc.umount2, b"/usr", 2),
    "unshare user": lambda: call(libc.unshare, NEWUSER),
    "unshare mounts": lambda: call(libc.unshare, NEWNS),
    "setuid": lambda: attempt(os.setuid, 0),
    "setgid": lambda: attempt(os.setgid, 0),
    "setgroups": lambda: attempt(os.setgroups, [0]),
    "mknod": lambda: attempt(os.mknod, "/tmp/disk", 0o60600, os.makedev(8, 0)),
    "chroot": lambda: attempt(os.chroot, "/tmp"),
    "families": families,
    "memory of the first process": lambda: attempt(read, "/proc/1/mem"),
    "variables of the first process": lambda: attempt(read, "/proc/1/environ"),
    "clone user": lambda: call(libc.syscall, NUMBERS["clone"], flags(NEWUSER | 17), 0, 0, 0, 0),
    **{name: functools.partial(call, libc.syscall, number, 0, 0, 0, 0, 0, 0)
       for name, number in NUMBERS.items() if name != "clone"},
}
ONLY = list(ESCAPES)  # a test can try fewer


def abstract(name):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect("\\0" + name)


def attempts():
    return {name: ESCAPES[name]() for name in ONLY}


at_import = attempts()


def files_until_refused():
    files = []
    try:
        for _ in range(2000):
            files.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        return os.strerror(error.errno), files[-1]
    finally:
        for fd in files:
            os.close(fd)


def threads_until_refused():
    over, count = threading.Event(), 0
    threading.stack_size(65536)
    try:
        for count in range(2000):
            threading.Thread(target=over.wait, daemon=True).start()
    except RuntimeError as error:
        return str(error), len(os.listdir("/proc/self/task"))
    finally:
        over.set()
    return "none was refused", count


def status():
    lines = open("/proc/self/status").read().splitlines()
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}


def handler(event, context):
    open("/tmp/" + event["name"], "w").close()
    with socket.create_connection(("127.0.0.1", event["port"]), 10) as connection:
        loopback = connection.recv(10).decode()
    return {
        "import": at_import,
        "handler": attempts(),
        "read": {path: attempt(read, path) for path in event["read"]},
        "write": {path: attempt(write, path) for path in event["write"]},
        "abstract": attempt(abstract, event["abstract"]),
        "kill": attempt(os.kill, event["pid"], 9),
        "listed": {path: sorted(os.listdir(path)) for path in ("/", "/dev", "/run", "/tmp", "/var", "/var/lang")},
        "processes": [int(name) for name in os.listdir("/proc") if name.isdigit()],
        "status": status(),
        "id": subprocess.run(["id"], capture_output=True, text=True).stdout.strip(),
        "prefix": [sys.prefix, sys.executable],
        "files": files_until_refused(),
        "threads": threads_until_refused(),
        "loopback": loopback,
    }
"""

WATCH = """
# The snapshot leaves a process that watches how environments are made beside it.
import os
from lab_runtime import bootstrap, copy_of_snapshot

copy_of_snapshot._refuse_processes = lambda: None
copy = bootstrap.Copy


def watch():
    own, seen = {1, os.getpid(), os.getppid()}, set()
    with open("/tmp/seen", "w", buffering=1) as file:
        while True:
            for pid in {int(name) for name in os.listdir("/proc") if name.isdigit()} - own:
                try:
                    line = open(f"/proc/{pid}/cmdline").read()
                    found = ("supervisor" in line, os.stat(f"/proc/{pid}/mem").st_uid == os.getuid(), reach(pid))
                except OSError:
                    continue
                if found not in seen:
                    seen.add(found)
                    print(*found, file=file)


def reach(pid):
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
    except OSError:
        return False
    return True


def with_watch(own):
    if os.fork() == 0:
        watch()
    return copy(own)


bootstrap.Copy = with_watch


def handler(event, context):
    return open("/tmp/seen").read().splitlines()
"""
