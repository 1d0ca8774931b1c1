"""Claims: what belongs to a live process is locked, so that another process can remove what a dead one left.

A claim is an exclusive `flock(2)` on a file, a folder or a control group. The kernel ends it with the process, however
that ends. Process ids would not do: they are used again, and differ between containers.
"""

import fcntl
import os
from pathlib import Path


def claim(path: Path) -> int:
    """Claim a path; returns the descriptor that holds the claim until it is closed.

    Raises:
        BlockingIOError: a live process has claimed it.
        OSError: it does not exist any more, or cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), path.lstat()):
            raise FileNotFoundError(path)  # who claimed it before has replaced it
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
