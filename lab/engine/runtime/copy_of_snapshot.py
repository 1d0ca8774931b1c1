"""What a restored environment needs so that a fork of the snapshot is a copy of it.

`Copy` is made in the snapshot, when init is over. `Copy.complete` runs in each environment.
"""

import os
import random
import signal
import stat
import sys
import threading
from typing import Any

from . import shared_memory
from .descriptors import CannotCopyError, Descriptors, Moved

SEED_BYTES = 64


class Copy:
    """The state of the snapshot that a fork would share, lose or change.

    ``own`` are the lab's own descriptors. Raises `CannotCopyError`.
    """

    def __init__(self, own: "tuple[int, ...]") -> None:
        _refuse_threads()
        _refuse_processes()
        self._random = random.getstate()
        self._event_loop = _event_loop_of_thread()
        self._wakeup_fd = signal.set_wakeup_fd(-1)
        self._child_signal = signal.getsignal(signal.SIGCHLD)
        try:
            self._folder = os.getcwd()
            self._shared = shared_memory.find()
            self._descriptors = Descriptors(own)
        except (OSError, ValueError) as error:  # of a folder that is deleted, or a kernel that shows something else
            raise CannotCopyError(f"{type(error).__name__}: {error}") from error

    def complete(self, moved: Moved) -> None:
        """Make this fork a copy of the snapshot, with files and connections of its own."""
        self._descriptors.renew(moved)
        shared_memory.renew(self._shared, self._descriptors.copies, moved)
        self._descriptors.close_copies()
        os.chdir(moved.path(self._folder))
        # What Python does in each fork, and a restore does not: take it back.
        random.setstate(self._random)
        signal.signal(signal.SIGCHLD, self._child_signal or signal.SIG_DFL)
        signal.set_wakeup_fd(self._wakeup_fd)
        if self._event_loop is not None:
            policy, state = self._event_loop
            policy._local.__dict__.update(state)
        _reseed_openssl()


def copy_files(source: str, target: str) -> None:
    """Copy what is in a folder into another one: files, folders, links and named pipes. Nobody listens at a socket."""
    import shutil

    def copy_file(file: str, copy: str) -> None:
        mode = os.lstat(file).st_mode
        if stat.S_ISFIFO(mode):
            os.mkfifo(copy, stat.S_IMODE(mode))
        elif not stat.S_ISSOCK(mode):
            shutil.copy2(file, copy, follow_symlinks=False)

    with os.scandir(source) as entries:
        for entry in entries:
            copy = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                shutil.copytree(entry.path, copy, symlinks=True, copy_function=copy_file)
            else:
                copy_file(entry.path, copy)


def _refuse_threads() -> None:
    threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else threading.active_count()
    if threads > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise CannotCopyError(f"{threads} threads run after init: {names}")


def _refuse_processes() -> None:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        pass
    else:
        raise CannotCopyError("a child process is left after init")
    if sys.platform != "linux" or os.getppid() != 1 or os.readlink("/proc/self") != str(os.getpid()):
        return  # no process namespace, or not its own list of processes
    others = {name for name in os.listdir("/proc") if name.isdigit()} - {"1", str(os.getpid())}
    if others:
        raise CannotCopyError("a background process is left after init")


def _event_loop_of_thread() -> "tuple[Any, dict[str, Any]] | None":
    """The current event loop of asyncio, which Python 3.12 and later forget in a fork."""
    events = sys.modules.get("asyncio.events")
    policy = getattr(events, "_event_loop_policy", None)
    local = getattr(policy, "_local", None)
    return None if local is None else (policy, dict(local.__dict__))


def _reseed_openssl() -> None:
    """Mix fresh random bytes into OpenSSL's generators.

    OpenSSL notices a fork by the process id, which is the same in every environment. AWS Lambda Developer Guide,
    "Handling uniqueness with Lambda SnapStart": the runtimes' OpenSSL gives random numbers after a restore.
    """
    if "_ssl" in sys.modules:
        sys.modules["_ssl"].RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
